//! Validations that are not part of AWS's models: tables of inputs and fault messages.

use serde_json::{Value, json};

use crate::in_process::InProcess;

/// Asserts that each input is refused with this code and a message with this prefix.
async fn refused(aws: &InProcess, rows: &[(&str, &str, Value, &str, &str)]) {
    for (service, operation, input, code, words) in rows {
        let (actual_code, message) = aws.refusal(service, operation, input.clone()).await;
        assert!(actual_code == *code && message.starts_with(words), "{operation} {input}: {actual_code}: {message}");
    }
}

#[tokio::test]
async fn task_definitions_that_contradict_their_network_mode_or_fargate_are_refused() {
    let aws = InProcess::new();
    let own = |member: &str, value: Value| json!({ "name": "app", "image": "web", member: value });
    let logs = |options: Value| own("logConfiguration", json!({ "logDriver": "awslogs", "options": options }));
    let variable = |member: &str, value: &str| json!([{ "name": "A", member: value }]);
    let mut twice = own("environment", variable("value", "1"));
    twice["secrets"] = variable("valueFrom", "/a");
    let on_container = "is not supported on container when networkMode=awsvpc.";
    for (container, words) in [
        (own("links", json!(["z"])), "Links are not supported when networkMode=awsvpc.".to_owned()),
        (own("hostname", json!("h")), format!("hostname {on_container}")),
        (own("dnsServers", json!(["1.1.1.1"])), "DNS servers are not supported".to_owned()),
        (own("dnsSearchDomains", json!(["a"])), "DNS search domains are not supported".to_owned()),
        (own("extraHosts", json!([{ "hostname": "a", "ipAddress": "1.1.1.1" }])), "Extra hosts".to_owned()),
        (own("privileged", json!(true)), "Fargate compatible task definitions do not support privileged".to_owned()),
        (logs(json!({})), "Log driver awslogs requires options: awslogs-region, awslogs-group".to_owned()),
        (
            logs(json!({ "awslogs-region": "us-east-1" })),
            "Log driver awslogs requires options: awslogs-group".to_owned(),
        ),
        (twice, "The secret name must be unique and not shared with any new or existing environment".to_owned()),
    ] {
        let mut definition = definition(&container);
        let (code, message) = aws.refusal("ecs", "RegisterTaskDefinition", definition.clone()).await;
        assert!(code == "ClientException" && message.starts_with(&words), "{definition}: {message}");
        // Empty members request nothing.
        definition["containerDefinitions"] =
            json!([{ "name": "app", "image": "web", "links": [], "privileged": false }]);
        aws.call("ecs", "RegisterTaskDefinition", definition).await;
    }
    for (member, value, words) in [
        ("executionRoleArn", json!("nope"), "Role is not valid"),
        (
            "volumes",
            json!([{ "name": "v", "host": { "sourcePath": "/etc" } }]),
            "Fargate compatible task definitions do not support sourcePath",
        ),
    ] {
        let mut definition = definition(&json!({ "name": "app", "image": "web" }));
        definition[member] = value;
        refused(&aws, &[("ecs", "RegisterTaskDefinition", definition, "ClientException", words)]).await;
    }
}

fn definition(container: &Value) -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "executionRoleArn": "arn:aws:iam::123456789012:role/execution", "containerDefinitions": [container],
    })
}

#[tokio::test]
async fn parameters_cannot_change_their_type() {
    let aws = InProcess::new();
    let put = |kind: &str, value: &str| json!({ "Name": "/a", "Type": kind, "Value": value, "Overwrite": true });
    aws.call("ssm", "PutParameter", put("String", "{\"a\":{\"b\":{}}}")).await;
    let mismatch = "Parameter Store doesn't support changing a parameter type in a hierarchy.";
    let nested = "Parameter value: can't nest another parameter. Do not use \"{{}}\" in the value.";
    refused(
        &aws,
        &[
            ("ssm", "PutParameter", put("SecureString", "v"), "HierarchyTypeMismatchException", mismatch),
            ("ssm", "PutParameter", put("String", "a {{ssm:b}}"), "ValidationException", nested),
        ],
    )
    .await;
}

#[tokio::test]
async fn names_and_addresses_in_cloud_map_are_validated() {
    let aws = InProcess::new();
    let words =
        |name: &str| format!("1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint");
    for name in ["", "a b", "ü", "arn:a"] {
        let input = json!({ "Name": name });
        refused(&aws, &[("servicediscovery", "CreateHttpNamespace", input, "InvalidInput", &words(name))]).await;
    }
    let attributes = [
        ("AWS_INSTANCE_IPV4", "nope", "10.0.0.1"),
        ("AWS_INSTANCE_IPV6", "10.0.0.1", "::1"),
        ("AWS_INSTANCE_PORT", "70000", "80"),
        ("AWS_INIT_HEALTH_STATUS", "SICK", "HEALTHY"),
    ];
    let started = aws.call("servicediscovery", "CreateHttpNamespace", json!({ "Name": "shop" })).await;
    let operation = json!({ "OperationId": started["OperationId"] });
    let operation = aws.call("servicediscovery", "GetOperation", operation).await;
    let create = json!({ "Name": "web", "NamespaceId": operation["Operation"]["Targets"]["NAMESPACE"] });
    let service = aws.call("servicediscovery", "CreateService", create).await["Service"]["Id"].clone();
    for (name, wrong, right) in attributes {
        let register = |value: &str| json!({ "ServiceId": service, "InstanceId": "a", "Attributes": { name: value } });
        let words = format!("The value '{wrong}' of the attribute {name} is not ");
        refused(&aws, &[("servicediscovery", "RegisterInstance", register(wrong), "InvalidInput", &words)]).await;
        aws.call("servicediscovery", "RegisterInstance", register(right)).await;
    }
}

#[tokio::test]
async fn numbers_out_of_range_are_refused_with_awss_messages() {
    let aws = InProcess::new();
    let actual = |value: &str, member: &str, end: &str| {
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value {end}"
        )
    };
    let least = "greater than or equal to 0";
    let scalable = json!({
        "ServiceNamespace": "ecs", "ResourceId": "service/a/b", "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": -1,
    });
    for (service, operation, input, code, words) in [
        (
            "ecs",
            "ListClusters",
            json!({ "maxResults": -1 }),
            "InvalidParameterException",
            actual("-1", "maxResults", least),
        ),
        (
            "application-autoscaling",
            "RegisterScalableTarget",
            scalable,
            "ValidationException",
            actual("-1", "minCapacity", least),
        ),
        (
            "ecs",
            "RunTask",
            json!({ "taskDefinition": "a", "count": 9_223_372_036_854_775_808_u64 }),
            "InvalidParameterException",
            actual("9223372036854775808", "count", "less than or equal to 9223372036854775807"),
        ),
        (
            "logs",
            "PutRetentionPolicy",
            json!({ "logGroupName": "a", "retentionInDays": -1 }),
            "InvalidParameterException",
            actual("-1", "retentionInDays", least),
        ),
    ] {
        refused(&aws, &[(service, operation, input, code, &words)]).await;
    }
}

#[tokio::test]
async fn lists_are_refused_for_invalid_paths_and_unknown_clusters_and_groups() {
    let aws = InProcess::new();
    let prefix = "The specified value for pathPrefix is invalid. It must begin with the / character";
    let too_long = "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";
    let bogus = || json!({ "PathPrefix": "bogus" });
    refused(
        &aws,
        &[
            ("iam", "ListPolicies", bogus(), "ValidationError", prefix),
            ("iam", "ListPolicies", json!({ "PathPrefix": "/job-function" }), "ValidationError", prefix),
            ("iam", "ListRoles", bogus(), "ValidationError", prefix),
            ("iam", "ListInstanceProfiles", bogus(), "ValidationError", prefix),
            (
                "ecs",
                "DescribeCapacityProviders",
                json!({ "cluster": "no" }),
                "ClusterNotFoundException",
                "Cluster not found.",
            ),
            (
                "logs",
                "DescribeLogGroups",
                json!({ "logGroupNamePrefix": "x".repeat(513) }),
                "InvalidParameterException",
                too_long,
            ),
        ],
    )
    .await;
    aws.call("ecs", "CreateCluster", json!({ "clusterName": "c" })).await;
    let elsewhere = "arn:aws:ecs:us-east-1:123456789012:task/other/abc";
    let described = aws.call("ecs", "DescribeTasks", json!({ "cluster": "c", "tasks": [elsewhere] })).await;
    assert_eq!(described["failures"], json!([{ "arn": elsewhere, "reason": "MISSING" }]));
}

#[tokio::test]
async fn policies_are_listed_in_pages_by_path_scope_and_use() {
    let aws = InProcess::new();
    let document =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] });
    let create =
        json!({ "PolicyName": "own", "Path": "/team/", "PolicyDocument": document.to_string(), "Description": "d" });
    aws.call("iam", "CreatePolicy", create).await;
    let own = aws.call("iam", "ListPolicies", json!({ "Scope": "Local", "PathPrefix": "/team/" })).await;
    assert_eq!((&own["Policies"][0]["PolicyName"], &own["Policies"][0]["Description"]), (&json!("own"), &Value::Null));
    let (mut all, mut marker) = (0, Value::Null);
    loop {
        let page = aws.call("iam", "ListPolicies", json!({ "MaxItems": 1000, "Marker": marker })).await;
        all += page["Policies"].as_array().map_or(0, Vec::len);
        marker = page["Marker"].clone();
        if page["IsTruncated"] == false {
            break;
        }
    }
    assert!(all > 1000, "{all}");
    let used = aws.call("iam", "ListPolicies", json!({ "OnlyAttached": true })).await;
    assert_eq!(used["Policies"], json!([]));
}
