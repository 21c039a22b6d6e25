//! Size limits of IAM's policies, in IAM's API and in CloudFormation's resources.

use serde_json::{Value, json};

use crate::in_process::InProcess;

/// A policy document with this number of characters, not counting white space.
fn document(size: usize) -> Value {
    let of = |resource: &str| {
        let statement = json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": resource });
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    };
    let bare = of("arn:aws:s3:::b/").to_string().len();
    of(&format!("arn:aws:s3:::b/{}", "x".repeat(size - bare)))
}

fn trust(size: usize) -> Value {
    let of = |id: &str| {
        let principal = json!({ "Service": "ecs-tasks.amazonaws.com" });
        let condition = json!({ "StringEquals": { "aws:SourceAccount": id } });
        let statement =
            json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition });
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    };
    let bare = of("").to_string().len();
    of(&"1".repeat(size - bare))
}

const INLINE: &str = "Maximum policy size of 10240 bytes exceeded for role r";

#[tokio::test]
async fn policy_sizes_are_limited_by_iams_quotas() {
    let aws = InProcess::new();
    let call = |operation: &'static str, input: Value| {
        let aws = &aws;
        async move {
            aws.try_call("iam", operation, input)
                .await
                .map(drop)
                .map_err(|fault| (fault.status, fault.code, fault.message))
        }
    };
    let exceeded = |message: &str| Err((409, "LimitExceeded".to_owned(), message.to_owned()));
    let role = |size: usize| json!({ "RoleName": "r", "AssumeRolePolicyDocument": trust(size).to_string() });
    let trusted = "Cannot exceed quota for ACLSizePerRole: 2048";
    assert_eq!(call("CreateRole", role(2049)).await, exceeded(trusted));
    assert_eq!(call("CreateRole", role(2048)).await, Ok(()));
    let update = |size: usize| json!({ "RoleName": "r", "PolicyDocument": trust(size).to_string() });
    assert_eq!(call("UpdateAssumeRolePolicy", update(2049)).await, exceeded(trusted));
    assert_eq!(call("UpdateAssumeRolePolicy", update(2048)).await, Ok(()));

    // White space does not count, and a replaced policy counts once.
    let put = |name: &str, text: String| json!({ "RoleName": "r", "PolicyName": name, "PolicyDocument": text });
    let spacious = |size: usize| format!("{:#}{}", document(size), " \n\t".repeat(5000));
    assert_eq!(call("PutRolePolicy", put("one", spacious(10_241))).await, exceeded(INLINE));
    assert_eq!(call("PutRolePolicy", put("one", spacious(10_240))).await, Ok(()));
    assert_eq!(call("PutRolePolicy", put("two", document(200).to_string())).await, exceeded(INLINE));
    assert_eq!(call("PutRolePolicy", put("one", spacious(10_040))).await, Ok(()));
    assert_eq!(call("PutRolePolicy", put("two", document(200).to_string())).await, Ok(()));
    assert_eq!(call("PutRolePolicy", put("three", document(150).to_string())).await, exceeded(INLINE));
    let listed = aws.call("iam", "ListRolePolicies", json!({ "RoleName": "r" })).await;
    assert_eq!(listed["PolicyNames"], json!(["one", "two"]));

    let managed = "Cannot exceed quota for PolicySize: 6144";
    let create = |size: usize| json!({ "PolicyName": "m", "PolicyDocument": document(size).to_string() });
    assert_eq!(call("CreatePolicy", create(6145)).await, exceeded(managed));
    assert_eq!(call("CreatePolicy", create(6144)).await, Ok(()));
    let arn = "arn:aws:iam::123456789012:policy/m";
    let version = |size: usize| json!({ "PolicyArn": arn, "PolicyDocument": document(size).to_string() });
    assert_eq!(call("CreatePolicyVersion", version(6145)).await, exceeded(managed));
    assert_eq!(call("CreatePolicyVersion", version(6144)).await, Ok(()));
}

fn role(policies: &Value) -> Value {
    json!({ "Type": "AWS::IAM::Role", "Properties": { "RoleName": "r", "AssumeRolePolicyDocument": trust(400), "Policies": policies } })
}

fn input(resources: &Value) -> Value {
    let body = json!({ "Resources": resources }).to_string();
    json!({ "StackName": "s", "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"] })
}

#[tokio::test]
async fn stacks_with_policies_that_are_too_large_are_rolled_back_completely() {
    let aws = InProcess::new();
    let policy = |kind: &str, size: usize| json!({ "Type": kind, "Properties": { "PolicyName": "p", "PolicyDocument": document(size), "Roles": [{ "Ref": "Role" }] } });
    let managed = |size: usize| json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": { "PolicyDocument": document(size), "Roles": [{ "Ref": "Role" }] } });
    let inline = json!([{ "PolicyName": "own", "PolicyDocument": document(8000) }]);
    let of_role = json!({ "Type": "AWS::IAM::RolePolicy", "Properties": { "PolicyName": "p", "PolicyDocument": document(11_000), "RoleName": { "Ref": "Role" } } });
    for (resources, words) in [
        (json!({ "Role": role(&json!([])), "P": policy("AWS::IAM::Policy", 11_000) }), INLINE),
        (json!({ "Role": role(&inline), "P": policy("AWS::IAM::Policy", 3000) }), INLINE),
        (json!({ "Role": role(&json!([{ "PolicyName": "own", "PolicyDocument": document(11_000) }])) }), INLINE),
        (json!({ "Role": role(&json!([])), "P": of_role }), INLINE),
        (json!({ "Role": role(&json!([])), "P": managed(6145) }), "Cannot exceed quota for PolicySize: 6144"),
    ] {
        let stack = aws.change_stack("CreateStack", input(&resources)).await;
        let events = aws.events("s").await;
        assert_eq!(stack["StackStatus"], "ROLLBACK_COMPLETE", "{events:#?}");
        let refusal = events.iter().find(|line| line.contains("CREATE_FAILED") && line.contains(words));
        assert!(refusal.is_some_and(|line| line.ends_with("HandlerErrorCode: ServiceLimitExceeded)")), "{events:#?}");
        aws.call("cloudformation", "DeleteStack", json!({ "StackName": "s" })).await;
        let roles = aws.call("iam", "ListRoles", json!({})).await;
        assert!(!roles.to_string().contains("\"r\""), "{roles}");
        let policies = aws.call("iam", "ListPolicies", json!({ "Scope": "Local" })).await;
        assert_eq!(policies["Policies"], json!([]), "{policies}");
        wait_until_deleted(&aws).await;
    }
}

/// Waits until the stack is deleted.
async fn wait_until_deleted(aws: &InProcess) {
    while aws.try_call("cloudformation", "DescribeStacks", json!({ "StackName": "s" })).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// cdk splits a policy that is too large into an inline policy and managed policies of the same role.
#[tokio::test]
async fn managed_policies_hold_what_exceeds_one_inline_policy() {
    let aws = InProcess::new();
    let overflow = |size: usize| {
        let properties =
            json!({ "Description": "", "Path": "/", "PolicyDocument": document(size), "Roles": [{ "Ref": "Role" }] });
        json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": properties })
    };
    let inline = json!({ "Type": "AWS::IAM::Policy", "Properties": { "PolicyName": "p", "PolicyDocument": document(10_000), "Roles": [{ "Ref": "Role" }] } });
    let with =
        |size: usize| json!({ "Role": role(&json!([])), "P": inline, "One": overflow(size), "Two": overflow(500) });
    assert_eq!(
        aws.change_stack("CreateStack", input(&with(6000))).await["StackStatus"],
        "CREATE_COMPLETE",
        "{:#?}",
        aws.events("s").await
    );
    let attached = aws.call("iam", "ListAttachedRolePolicies", json!({ "RoleName": "r" })).await;
    assert_eq!(attached["AttachedPolicies"].as_array().expect("policies").len(), 2);
    assert_eq!(aws.change_stack("UpdateStack", input(&with(5000))).await["StackStatus"], "UPDATE_COMPLETE");
    assert_eq!(aws.change_stack("UpdateStack", input(&with(6145))).await["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
    // A policy that a user has detached is deleted all the same.
    let arn = attached["AttachedPolicies"][0]["PolicyArn"].clone();
    aws.call("iam", "DetachRolePolicy", json!({ "RoleName": "r", "PolicyArn": arn })).await;
    aws.call("cloudformation", "DeleteStack", json!({ "StackName": "s" })).await;
    wait_until_deleted(&aws).await;
    let policies = aws.call("iam", "ListPolicies", json!({ "Scope": "Local" })).await;
    assert_eq!(policies["Policies"], json!([]));
}
