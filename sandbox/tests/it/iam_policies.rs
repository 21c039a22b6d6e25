//! Validation of IAM's policy documents, and its messages.

use serde_json::{Value, json};

use crate::in_process::InProcess;

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";
const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
const NO_ACTION: &str = "Policy statement must contain actions.";
const NO_RESOURCE: &str = "Policy statement must contain resources.";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const COLONS: &str = "Actions/Condition can contain only one colon.";

/// A valid policy with one statement, in which these elements are replaced; null removes one.
fn with(elements: &Value) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b" });
    for (name, element) in elements.as_object().expect("elements") {
        match element {
            Value::Null => drop(statement.as_object_mut().expect("a statement").remove(name)),
            element => statement[name] = element.clone(),
        }
    }
    json!({ "Version": "2012-10-17", "Statement": statement })
}

fn of_resource(resource: &str) -> Value {
    with(&json!({ "Resource": resource }))
}

fn of_action(action: &str) -> Value {
    with(&json!({ "Action": action }))
}

fn on(condition: &Value) -> Value {
    with(&json!({ "Condition": condition }))
}

/// The policy with another top-level element.
fn top(name: &str, element: Value) -> Value {
    let mut policy = with(&json!({}));
    policy[name] = element;
    policy
}

fn without_version(mut policy: Value) -> Value {
    policy.as_object_mut().expect("a policy").remove("Version");
    policy
}

async fn refusal(aws: &InProcess, document: &Value) -> String {
    let input = json!({ "PolicyName": "p", "PolicyDocument": document.to_string() });
    let (code, message) = aws.refusal("iam", "CreatePolicy", input).await;
    assert_eq!(code, "MalformedPolicyDocument", "{document}: {message}");
    message
}

#[tokio::test]
async fn documents_with_wrong_syntax_or_version_are_refused() {
    let aws = InProcess::new();
    for (document, words) in [
        (json!("no document"), SYNTAX),
        (top("Version", "2013-10-17".into()), SYNTAX),
        (top("Version", "2008-10-17".into()), VERSION),
        (without_version(with(&json!({}))), VERSION),
        (without_version(with(&json!({ "Effect": "denY" }))), VERSION),
        (json!({ "Version": "2012-10-17" }), SYNTAX),
        (top("Statement", json!([])), SYNTAX),
        (top("Statement", json!(["x"])), SYNTAX),
        (top("Other", "x".into()), SYNTAX),
        (top("Id", json!(["x"])), SYNTAX),
        (top("Id", json!({})), SYNTAX),
        (with(&json!({ "Other": "x" })), SYNTAX),
        (with(&json!({ "Sid": [] })), SYNTAX),
        (with(&json!({ "Sid": {} })), SYNTAX),
        (with(&json!({ "Effect": "Perhaps" })), SYNTAX),
        (with(&json!({ "Effect": null })), SYNTAX),
        (with(&json!({ "Action": {} })), SYNTAX),
        (with(&json!({ "Action": [[]] })), SYNTAX),
        (with(&json!({ "NotAction": "s3:*" })), SYNTAX),
        (with(&json!({ "Resource": { "a": "b" } })), SYNTAX),
        (with(&json!({ "Resource": ["*", {}] })), SYNTAX),
        (with(&json!({ "NotResource": [] })), SYNTAX),
        (on(&json!([])), SYNTAX),
        (on(&json!("a")), SYNTAX),
        (with(&json!({ "Effect": "denY" })), LEGACY),
        (with(&json!({ "Effect": "allow", "Action": null, "Resource": "arn:aws:s3:us-east-1::b" })), LEGACY),
    ] {
        assert_eq!(refusal(&aws, &document).await, words, "{document}");
    }
}

#[tokio::test]
async fn malformed_actions_and_resources_are_refused() {
    let aws = InProcess::new();
    let no_arn = |resource: &str| format!("Resource {resource} must be in ARN format or \"*\".");
    let twins =
        json!([{ "Sid": "a", "Effect": "Allow" }, { "Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*" }]);
    for (document, words) in [
        (top("Statement", twins), "Statement IDs (SID) in a single policy must be unique.".to_owned()),
        (with(&json!({ "Action": null })), NO_ACTION.to_owned()),
        (with(&json!({ "Action": [] })), NO_ACTION.to_owned()),
        (with(&json!({ "Action": null, "Resource": null })), NO_ACTION.to_owned()),
        (with(&json!({ "Resource": null })), NO_RESOURCE.to_owned()),
        (with(&json!({ "Resource": [] })), NO_RESOURCE.to_owned()),
        (of_action("invalid"), VENDOR.to_owned()),
        (with(&json!({ "Action": null, "NotAction": "" })), VENDOR.to_owned()),
        (with(&json!({ "Action": "invalid", "Resource": null })), VENDOR.to_owned()),
        (of_action("s3:List:Bucket"), COLONS.to_owned()),
        (of_action("a a:ListBucket"), "Vendor a a is not valid".to_owned()),
        (with(&json!({ "Action": "s:3:x", "Resource": "b" })), no_arn("b")),
        (of_resource(""), no_arn("")),
    ] {
        assert_eq!(refusal(&aws, &document).await, words, "{document}");
    }
}

#[tokio::test]
async fn documents_that_aws_accepts_are_accepted() {
    let aws = InProcess::new();
    let documents = [
        of_action("*"),
        of_action("iam: any thing"),
        of_resource("arn:aws:iam::*:user/${aws:username}"),
        of_resource("arn:aws:iam::123456789012:*"),
        of_resource("arn:aws:s3:us-west-2:123456789012:accesspoint/one"),
        of_resource("arn:aws:vendor"),
        with(&json!({ "Resource": ["arn:aws:kms:*:123456789012:key/*", null] })),
        with(&json!({ "Action": null, "NotAction": "s3:*", "Resource": null, "NotResource": "*" })),
        on(&json!({})),
        on(&json!({ "DateGreaterThan": { "a": [] } })),
        on(&json!({ "DateGreaterThan": { "aws:CurrentTime": "2017-07-01T00:00:00Z" }, "Bool": { "b": true } })),
        on(&json!({ "ForAllValues:StringEqualsIfExists": { "aws:TagKeys": "Department" } })),
        on(&json!({ "NumericLessThan": { "aws:MultiFactorAuthAge": 3600 } })),
    ];
    for (index, document) in documents.iter().enumerate() {
        let input = json!({ "PolicyName": format!("p{index}"), "PolicyDocument": document.to_string() });
        aws.call("iam", "CreatePolicy", input).await;
    }
}

/// A trust policy for a principal, with an action.
fn trust(principal: &Value, action: &str) -> String {
    let statement = json!({ "Effect": "Allow", "Principal": principal, "Action": action });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

#[tokio::test]
async fn trust_policies_need_existing_principals_and_actions_that_assume_roles() {
    let aws = InProcess::new();
    let create = |name: &str, document: String| json!({ "RoleName": name, "AssumeRolePolicyDocument": document });
    let service = json!({ "Service": "ecs-tasks.amazonaws.com" });
    for action in ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"] {
        let name = action.replace(':', "-");
        aws.call("iam", "CreateRole", create(&name, trust(&service, action))).await;
    }
    for action in ["s3:GetObject", "sts:GetCallerIdentity", "*"] {
        let (code, message) = aws.refusal("iam", "CreateRole", create("no", trust(&service, action))).await;
        assert_eq!(code, "MalformedPolicyDocument");
        assert_eq!(message, "AssumeRole policy may only specify STS AssumeRole actions.");
    }
    let own = |name: &str| format!("arn:aws:iam::123456789012:{name}");
    let taken =
        ["*", "123456789012", &own("root"), &own("role/sts-AssumeRole"), "arn:aws:iam::999999999999:role/theirs"];
    for (index, named) in taken.into_iter().enumerate() {
        let document = trust(&json!({ "AWS": ["123456789012", named] }), "sts:AssumeRole");
        aws.call("iam", "CreateRole", create(&format!("r{index}"), document)).await;
    }
    for named in ["someone", "12345", &own("role/none"), &own("user/none"), "arn:aws:s3:::b"] {
        let document = trust(&json!({ "AWS": named }), "sts:AssumeRole");
        let words = format!("Invalid principal in policy: \"AWS\":\"{named}\"");
        let refused = aws.refusal("iam", "CreateRole", create("no", document.clone())).await;
        assert_eq!(refused, ("MalformedPolicyDocument".to_owned(), words.clone()));
        let update = json!({ "RoleName": "r0", "PolicyDocument": document });
        assert_eq!(aws.refusal("iam", "UpdateAssumeRolePolicy", update).await.1, words);
    }
}

#[tokio::test]
async fn trust_policies_need_service_principals_in_awss_domains() {
    let aws = InProcess::new();
    let create = |name: &str, principal: &Value| json!({ "RoleName": name, "AssumeRolePolicyDocument": trust(principal, "sts:AssumeRole") });
    let taken =
        json!({ "Service": ["ecs-tasks.amazonaws.com", "ops.apigateway.amazonaws.com", "alexa-appkit.amazon.com"] });
    aws.call("iam", "CreateRole", create("r", &taken)).await;
    for (principal, words) in [
        (json!({ "Service": "" }), r#""SERVICE":"""#),
        (json!({ "Service": "foo" }), r#""SERVICE":"foo""#),
        (json!({ "Service": "*" }), r#""SERVICE":"*""#),
        (json!({ "Service": ".amazonaws.com" }), r#""SERVICE":".amazonaws.com""#),
        (json!({ "Service": ["ec2.amazonaws.com", "ec2.example.com"] }), r#""SERVICE":"ec2.example.com""#),
        (json!({ "CanonicalUser": "abc" }), r#""CanonicalUser""#),
    ] {
        let refused = aws.refusal("iam", "CreateRole", create("no", &principal)).await;
        assert_eq!(refused, ("MalformedPolicyDocument".to_owned(), format!("Invalid principal in policy: {words}")));
    }
}
