//! What a stack update changes in place and what it replaces, according to AWS's resource schemas.

use serde_json::{Value, json};

use crate::in_process::InProcess;

/// Deploys a template over an existing stack by change set. Returns what the change set contains about the resource `Changed`,
/// and the stack after its execution.
async fn update(aws: &InProcess, stack: &str, resources: &Value) -> (Value, Value) {
    let input = json!({
        "StackName": stack, "ChangeSetName": "c", "TemplateBody": json!({ "Resources": resources }).to_string(),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
    });
    aws.call("cloudformation", "CreateChangeSet", input).await;
    let named = json!({ "StackName": stack, "ChangeSetName": "c" });
    let set = aws.call("cloudformation", "DescribeChangeSet", named.clone()).await;
    let changes = set["Changes"].as_array().expect("changes").iter().map(|change| &change["ResourceChange"]);
    let change = changes.clone().find(|change| change["LogicalResourceId"] == "Changed").cloned();
    (change.expect("it changes"), aws.change_stack("ExecuteChangeSet", named).await)
}

async fn create(aws: &InProcess, stack: &str, resources: &Value) {
    let body = json!({ "Resources": resources }).to_string();
    let input = json!({ "StackName": stack, "TemplateBody": body, "Capabilities": ["CAPABILITY_NAMED_IAM"] });
    let created = aws.change_stack("CreateStack", input).await;
    assert_eq!(created["StackStatus"], "CREATE_COMPLETE", "{:#?}", aws.events(stack).await);
}

async fn physical_id(aws: &InProcess, stack: &str) -> Value {
    let input = json!({ "StackName": stack, "LogicalResourceId": "Changed" });
    let response = aws.call("cloudformation", "DescribeStackResource", input).await;
    response["StackResourceDetail"]["PhysicalResourceId"].clone()
}

/// The resources of a stack with a service called `named` with additional properties.
fn service(more: &Value) -> Value {
    let mut properties = json!({
        "Cluster": { "Ref": "Cluster" }, "ServiceName": "named", "TaskDefinition": { "Ref": "Task" }, "DesiredCount": 0,
    });
    properties.as_object_mut().expect("members").extend(more.as_object().expect("members").clone());
    json!({
        "Cluster": { "Type": "AWS::ECS::Cluster" },
        "Task": { "Type": "AWS::ECS::TaskDefinition", "Properties": {
            "ContainerDefinitions": [{ "Name": "app", "Image": "app" }], "Memory": "128",
        } },
        "Changed": { "Type": "AWS::ECS::Service", "Properties": properties },
    })
}

#[tokio::test]
async fn a_named_service_gets_a_circuit_breaker_and_its_controller_in_place() {
    let aws = InProcess::with_background_work();
    create(&aws, "web", &service(&json!({}))).await;
    let before = physical_id(&aws, "web").await;
    let breaker = json!({ "DeploymentCircuitBreaker": { "Enable": true, "Rollback": true } });
    for more in [
        json!({ "DeploymentConfiguration": breaker, "DeploymentController": { "Type": "ECS" } }),
        json!({ "DeploymentConfiguration": breaker }),
        json!({ "DeploymentConfiguration": { "MaximumPercent": 150 }, "DeploymentController": { "Type": "ECS" } }),
    ] {
        let (change, stack) = update(&aws, "web", &service(&more)).await;
        assert_eq!(change["Replacement"], "False", "{more}");
        assert!(
            change["Details"]
                .as_array()
                .expect("details")
                .iter()
                .all(|detail| detail["Target"]["RequiresRecreation"] == "Never")
        );
        assert_eq!(stack["StackStatus"], "UPDATE_COMPLETE", "{:#?}", aws.events("web").await);
        assert_eq!(physical_id(&aws, "web").await, before);
    }
    let cluster = before.as_str().and_then(|arn| arn.split('/').nth(1));
    let response = aws.call("ecs", "DescribeServices", json!({ "cluster": cluster, "services": [before] })).await;
    assert_eq!(response["services"][0]["deploymentConfiguration"]["maximumPercent"], 150);
}

#[tokio::test]
async fn a_different_deployment_controller_is_not_ignored() {
    let aws = InProcess::with_background_work();
    create(&aws, "web", &service(&json!({}))).await;
    let (change, stack) =
        update(&aws, "web", &service(&json!({ "DeploymentController": { "Type": "CODE_DEPLOY" } }))).await;
    assert_eq!(change["Replacement"], "False");
    assert_eq!(stack["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
    let events = aws.events("web").await;
    assert!(events.iter().any(|line| line.contains("deployment controller CODE_DEPLOY")), "{events:#?}");
}

#[tokio::test]
async fn tags_of_ecs_resources_change_in_place() {
    let aws = InProcess::new();
    let task = json!({ "ContainerDefinitions": [{ "Name": "app", "Image": "app" }], "Memory": "128" });
    for (name, kind, properties) in
        [("cluster", "AWS::ECS::Cluster", json!({})), ("task", "AWS::ECS::TaskDefinition", task)]
    {
        let with = |tags: Value| {
            let mut properties = properties.clone();
            properties["Tags"] = tags;
            json!({ "Changed": { "Type": kind, "Properties": properties } })
        };
        create(&aws, name, &with(json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "1" }]))).await;
        let before = physical_id(&aws, name).await;
        let (change, stack) =
            update(&aws, name, &with(json!([{ "Key": "b", "Value": "2" }, { "Key": "c", "Value": "2" }]))).await;
        assert_eq!(change["Replacement"], "False", "{kind}");
        assert_eq!(stack["StackStatus"], "UPDATE_COMPLETE", "{kind}");
        assert_eq!(physical_id(&aws, name).await, before, "{kind}");
        let id = before.as_str().expect("an id");
        let arn = if id.starts_with("arn:") {
            id.to_owned()
        } else {
            format!("arn:aws:ecs:us-east-1:123456789012:cluster/{id}")
        };
        let listed = aws.call("ecs", "ListTagsForResource", json!({ "resourceArn": arn })).await;
        let own = |tag: &&Value| !tag["key"].as_str().expect("a key").starts_with("aws:");
        let mut own: Vec<String> = listed["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .filter(own)
            .map(|tag| format!("{}={}", tag["key"], tag["value"]))
            .collect();
        own.sort();
        assert_eq!(own, [r#""b"="2""#, r#""c"="2""#], "{kind}");
    }
}

#[tokio::test]
async fn a_vpc_changes_its_internet_gateway_in_place() {
    let aws = InProcess::new();
    let with = |gateway: &str| {
        json!({
            "Net": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
            "One": { "Type": "AWS::EC2::InternetGateway" },
            "Two": { "Type": "AWS::EC2::InternetGateway" },
            "Changed": { "Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {
                "VpcId": { "Ref": "Net" }, "InternetGatewayId": { "Ref": gateway },
            } },
        })
    };
    create(&aws, "net", &with("One")).await;
    let (change, stack) = update(&aws, "net", &with("Two")).await;
    assert_eq!((&change["Replacement"], &stack["StackStatus"]), (&json!("False"), &json!("UPDATE_COMPLETE")));
}

#[tokio::test]
async fn resources_that_may_need_replacement_are_shown_as_such() {
    let aws = InProcess::with_background_work();
    let dns = |namespace: &str, ttl: u8| {
        let namespace_of = |name: &str| json!({ "Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": { "Name": name, "Vpc": { "Ref": "Net" } } });
        json!({
            "Net": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
            "One": namespace_of("one"),
            "Two": namespace_of("two"),
            "Changed": { "Type": "AWS::ServiceDiscovery::Service", "Properties": {
                "Name": "web",
                "DnsConfig": { "NamespaceId": { "Ref": namespace }, "DnsRecords": [{ "Type": "A", "TTL": ttl }] },
            } },
        })
    };
    create(&aws, "found", &dns("One", 10)).await;
    let first = physical_id(&aws, "found").await;
    assert_eq!(update(&aws, "found", &dns("One", 20)).await.0["Replacement"], "False");
    assert_eq!(physical_id(&aws, "found").await, first);
    assert_eq!(update(&aws, "found", &dns("Two", 20)).await.0["Replacement"], "True");
    assert_ne!(physical_id(&aws, "found").await, first);

    create(&aws, "web", &service(&json!({ "LaunchType": "EC2", "ServiceName": { "Ref": "AWS::NoValue" } }))).await;
    let first = physical_id(&aws, "web").await;
    let external = service(&json!({ "LaunchType": "EXTERNAL", "ServiceName": { "Ref": "AWS::NoValue" } }));
    let (change, stack) = update(&aws, "web", &external).await;
    assert_eq!((&change["Replacement"], &stack["StackStatus"]), (&json!("Conditional"), &json!("UPDATE_COMPLETE")));
    assert_ne!(physical_id(&aws, "web").await, first);
}
