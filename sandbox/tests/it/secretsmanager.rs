//! Secrets Manager in the sandbox.

use serde_json::{Value, json};

use crate::in_process::InProcess;
use crate::local_aws::LocalAws;

const SERVICE: &str = "secretsmanager";

async fn value(aws: &InProcess, input: Value) -> Value {
    aws.call(SERVICE, "GetSecretValue", input).await
}

#[tokio::test]
async fn staging_labels_move_between_versions() {
    let aws = InProcess::new();
    let created = aws.call(SERVICE, "CreateSecret", json!({ "Name": "db", "SecretString": "one" })).await;
    let arn = created["ARN"].as_str().expect("an ARN");
    let name_and_suffix = arn.strip_prefix("arn:aws:secretsmanager:us-east-1:123456789012:secret:").expect("an ARN");
    assert_eq!(name_and_suffix.len(), "db-".len() + 6);
    let put = aws.call(SERVICE, "PutSecretValue", json!({ "SecretId": arn, "SecretString": "two" })).await;
    assert_eq!(put["VersionStages"], json!(["AWSCURRENT"]));
    let pending = json!({ "SecretId": "db", "SecretString": "three", "VersionStages": ["AWSPENDING"] });
    let pending = aws.call(SERVICE, "PutSecretValue", pending).await;
    assert_eq!(value(&aws, json!({ "SecretId": "db" })).await["SecretString"], "two");
    assert_eq!(value(&aws, json!({ "SecretId": "db", "VersionStage": "AWSPREVIOUS" })).await["SecretString"], "one");
    let partial = arn.rsplit_once('-').expect("a suffix").0;
    assert_eq!(
        value(&aws, json!({ "SecretId": partial, "VersionStage": "AWSPENDING" })).await["SecretString"],
        "three"
    );

    let described = aws.call(SERVICE, "DescribeSecret", json!({ "SecretId": "db" })).await;
    let expected = json!({
        created["VersionId"].as_str().expect("an id"): ["AWSPREVIOUS"],
        put["VersionId"].as_str().expect("an id"): ["AWSCURRENT"],
        pending["VersionId"].as_str().expect("an id"): ["AWSPENDING"],
    });
    assert_eq!(described["VersionIdsToStages"], expected);
    assert!(described["LastAccessedDate"].is_number() && described["Tags"].is_null());
}

#[tokio::test]
async fn a_deleted_secret_keeps_its_name_until_it_is_deleted_without_recovery() {
    let aws = InProcess::new();
    let secret = json!({ "SecretId": "db" });
    let create = json!({ "Name": "db", "SecretString": "one" });
    let first = aws.call(SERVICE, "CreateSecret", create.clone()).await;
    let twice = aws.refusal(SERVICE, "CreateSecret", create.clone()).await;
    assert_eq!(twice.1, "The operation failed because the secret db already exists.");
    aws.call(SERVICE, "DeleteSecret", json!({ "SecretId": "db", "RecoveryWindowInDays": 7 })).await;
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(aws.refusal(SERVICE, "GetSecretValue", secret.clone()).await.1, marked);
    assert_eq!(
        aws.refusal(SERVICE, "CreateSecret", create.clone()).await.1,
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    );
    aws.call(SERVICE, "DeleteSecret", json!({ "SecretId": "db", "ForceDeleteWithoutRecovery": true })).await;
    assert_eq!(
        aws.refusal(SERVICE, "GetSecretValue", secret).await,
        ("ResourceNotFoundException".to_owned(), "Secrets Manager can't find the specified secret.".to_owned())
    );
    let again = aws.call(SERVICE, "CreateSecret", create).await;
    assert_ne!(first["ARN"], again["ARN"]);
}

#[tokio::test]
async fn a_secret_without_a_value_has_no_version() {
    let aws = InProcess::new();
    let created = aws.call(SERVICE, "CreateSecret", json!({ "Name": "empty" })).await;
    assert!(created["VersionId"].is_null());
    let (_, message) = aws.refusal(SERVICE, "GetSecretValue", json!({ "SecretId": "empty" })).await;
    assert_eq!(message, "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT");
    let (code, message) = aws
        .refusal(SERVICE, "CreateSecret", json!({ "Name": "x", "AddReplicaRegions": [{ "Region": "eu-west-1" }] }))
        .await;
    assert_eq!(code, "NotImplemented", "{message}");
}

#[tokio::test]
async fn a_stack_creates_a_secret_with_a_generated_password() {
    let aws = LocalAws::start().await;
    let cloudformation = aws.cloudformation();
    let template = |description: &str| {
        json!({
            "Resources": {
                "Secret": { "Type": "AWS::SecretsManager::Secret", "Properties": { "Description": description, "GenerateSecretString": {
                    "SecretStringTemplate": "{\"username\":\"admin\"}", "GenerateStringKey": "password", "ExcludePunctuation": true,
                } } },
            },
            "Outputs": {
                "Secret": { "Value": { "Ref": "Secret" } },
            },
        })
        .to_string()
    };
    cloudformation.create_stack().stack_name("secrets").template_body(template("one")).send().await.expect("a stack");
    let outputs = async |status: &str| loop {
        let stacks = cloudformation.describe_stacks().stack_name("secrets").send().await.expect("the stack");
        let stack = &stacks.stacks()[0];
        let now = stack.stack_status().expect("a status").as_str().to_owned();
        assert!(!now.contains("ROLLBACK") && !now.contains("FAILED"), "{now}");
        if now == status {
            break stack
                .outputs()
                .iter()
                .map(|output| output.output_value().unwrap_or_default().to_owned())
                .collect::<Vec<_>>();
        }
    };
    let created = outputs("CREATE_COMPLETE").await;
    assert!(created.iter().any(|value| value.contains(":secret:Secret-")), "{created:?}");
    cloudformation
        .update_stack()
        .stack_name("secrets")
        .template_body(template("two"))
        .send()
        .await
        .expect("it is taken");
    assert_eq!(outputs("UPDATE_COMPLETE").await, created);
    cloudformation.delete_stack().stack_name("secrets").send().await.expect("it is deleted");
}

/// As recorded in LocalStack's test_invalid_secret_name and test_create_secret_version_from_empty_secret.
#[tokio::test]
async fn a_malformed_name_is_refused_by_every_operation_and_an_empty_description_is_left_out() {
    let aws = InProcess::new();
    let words =
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    let expected = ("ValidationException".to_owned(), words.to_owned());
    for (operation, more) in [
        ("CreateSecret", json!({ "Name": "Inv Name", "SecretString": "a" })),
        ("DeleteSecret", json!({ "ForceDeleteWithoutRecovery": true })),
        ("DescribeSecret", json!({})),
        ("GetSecretValue", json!({})),
        ("PutSecretValue", json!({ "SecretString": "a" })),
        ("TagResource", json!({ "Tags": [{ "Key": "a", "Value": "b" }] })),
        ("UntagResource", json!({ "TagKeys": ["a"] })),
        ("UpdateSecret", json!({ "Description": "a" })),
    ] {
        let mut input = more;
        if operation != "CreateSecret" {
            input["SecretId"] = "Inv Name".into();
        }
        assert_eq!(aws.refusal(SERVICE, operation, input).await, expected, "{operation}");
    }
    aws.call(SERVICE, "CreateSecret", json!({ "Name": "empty", "Description": "" })).await;
    let described = aws.call(SERVICE, "DescribeSecret", json!({ "SecretId": "empty" })).await;
    assert_eq!(described["Description"], Value::Null);
}
