//! Systems Manager's parameters, Cloud Map and IAM's policies in the sandbox.
#![cfg(unix)]

use serde_json::json;

use crate::inside::Inside;

#[tokio::test]
async fn versions_of_a_parameter_are_kept_and_labelled() {
    let aws = Inside::new();
    for value in ["one", "two", "three"] {
        let put = json!({ "Name": "/web/url", "Type": "String", "Value": value, "Overwrite": value != "one" });
        aws.call("ssm", "PutParameter", put).await;
    }
    let label = json!({ "Name": "/web/url", "ParameterVersion": 2, "Labels": ["prod", "1bad"] });
    assert_eq!(aws.call("ssm", "LabelParameterVersion", label).await["InvalidLabels"], json!(["1bad"]));
    let get = async |name: &str| aws.call("ssm", "GetParameter", json!({ "Name": name })).await["Parameter"].clone();
    assert_eq!(get("/web/url").await["Value"], "three");
    assert_eq!(get("/web/url:1").await["Value"], "one");
    assert_eq!(get("/web/url:prod").await["Selector"], ":prod");
    assert_eq!(get("arn:aws:ssm:us-east-1:123456789012:parameter/web/url").await["Version"], 3);
    let (code, message) = aws.refusal("ssm", "GetParameter", json!({ "Name": "/web/url:9" })).await;
    assert_eq!(code, "ParameterVersionNotFound");
    assert_eq!(message, "Systems Manager could not find version 9 of /web/url. Verify the version and try again.");
    let history = aws.call("ssm", "GetParameterHistory", json!({ "Name": "/web/url" })).await;
    assert_eq!(history["Parameters"][1]["Labels"], json!(["prod"]));
    let secret = json!({ "Name": "/web/key", "Type": "SecureString", "Value": "hidden" });
    aws.call("ssm", "PutParameter", secret).await;
    assert_ne!(get("/web/key").await["Value"], "hidden");
    let below = json!({ "Path": "/web", "WithDecryption": true, "ParameterFilters": [{ "Key": "Type", "Values": ["SecureString"] }] });
    assert_eq!(aws.call("ssm", "GetParametersByPath", below).await["Parameters"][0]["Value"], "hidden");
}

#[tokio::test]
async fn instances_are_discovered_by_health_and_parameters() {
    let aws = Inside::new();
    let service = "servicediscovery";
    let started = aws.call(service, "CreateHttpNamespace", json!({ "Name": "shop" })).await;
    let operation = aws.call(service, "GetOperation", json!({ "OperationId": started["OperationId"] })).await;
    let namespace = &operation["Operation"]["Targets"]["NAMESPACE"];
    let create =
        json!({ "Name": "web", "NamespaceId": namespace, "HealthCheckCustomConfig": { "FailureThreshold": 1 } });
    let made = aws.call(service, "CreateService", create).await["Service"].clone();
    assert_eq!(made["Type"], "HTTP");
    for (id, zone) in [("one", "a"), ("two", "b")] {
        let register = json!({ "ServiceId": made["Id"], "InstanceId": id, "Attributes": { "zone": zone } });
        aws.call(service, "RegisterInstance", register).await;
    }
    let names = json!({ "NamespaceName": "shop", "ServiceName": "web" });
    let before = aws.call(service, "DiscoverInstancesRevision", names.clone()).await["InstancesRevision"].clone();
    let sick = json!({ "ServiceId": made["Id"], "InstanceId": "one", "Status": "UNHEALTHY" });
    aws.call(service, "UpdateInstanceCustomHealthStatus", sick).await;
    let found = aws.call(service, "DiscoverInstances", names.clone()).await;
    assert_eq!(
        (found["Instances"].as_array().map(Vec::len), &found["Instances"][0]["InstanceId"]),
        (Some(1), &json!("two"))
    );
    assert!(found["InstancesRevision"].as_i64() > before.as_i64());
    let mut by_zone = names;
    by_zone["QueryParameters"] = json!({ "zone": "a" });
    by_zone["HealthStatus"] = "ALL".into();
    assert_eq!(aws.call(service, "DiscoverInstances", by_zone).await["Instances"][0]["InstanceId"], "one");
    let health = aws.call(service, "GetInstancesHealthStatus", json!({ "ServiceId": made["Id"] })).await;
    assert_eq!(health["Status"], json!({ "one": "UNHEALTHY", "two": "HEALTHY" }));
}

#[tokio::test]
async fn managed_policies_have_versions_and_are_known_by_name() {
    let aws = Inside::new();
    let document = |action: &str| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
            .to_string()
    };
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ecs-tasks.amazonaws.com" },
    }] });
    aws.call("iam", "CreateRole", json!({ "RoleName": "task", "AssumeRolePolicyDocument": trust.to_string() })).await;
    let made =
        aws.call("iam", "CreatePolicy", json!({ "PolicyName": "read", "PolicyDocument": document("s3:Get*") })).await;
    let arn = &made["Policy"]["Arn"];
    let attach = |arn: &serde_json::Value| json!({ "RoleName": "task", "PolicyArn": arn });
    aws.call("iam", "AttachRolePolicy", attach(arn)).await;
    let execution = json!("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy");
    aws.call("iam", "AttachRolePolicy", attach(&execution)).await;
    let (code, message) =
        aws.refusal("iam", "AttachRolePolicy", attach(&json!("arn:aws:iam::aws:policy/AmazonEcsNothing"))).await;
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(message, "Policy arn:aws:iam::aws:policy/AmazonEcsNothing does not exist or is not attachable.");
    let (_, message) = aws.refusal("iam", "AttachRolePolicy", attach(&json!("read-and-write-everything"))).await;
    assert_eq!(message, "ARN read-and-write-everything is not valid.");
    for action in ["s3:List*", "s3:Put*", "s3:Delete*", "s3:*"] {
        let next = json!({ "PolicyArn": arn, "PolicyDocument": document(action), "SetAsDefault": true });
        aws.call("iam", "CreatePolicyVersion", next).await;
    }
    let one_more = json!({ "PolicyArn": arn, "PolicyDocument": document("*") });
    assert_eq!(aws.refusal("iam", "CreatePolicyVersion", one_more).await.0, "LimitExceeded");
    let (_, message) = aws.refusal("iam", "DeletePolicy", json!({ "PolicyArn": arn })).await;
    assert_eq!(message, "Cannot delete a policy attached to entities.");
    let policy = aws.call("iam", "GetPolicy", json!({ "PolicyArn": arn })).await["Policy"].clone();
    assert_eq!((&policy["DefaultVersionId"], &policy["AttachmentCount"]), (&json!("v5"), &json!(1)));
}
