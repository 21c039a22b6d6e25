//! Properties of resources in templates: types, unknown properties, and properties that are not served.

use serde_json::{Value, json};

use crate::in_process::InProcess;

fn of(kind: &str, properties: &Value) -> Value {
    json!({ "Type": kind, "Properties": properties })
}

#[tokio::test]
async fn scalars_in_nested_structures_are_converted_to_the_types_of_their_properties() {
    let aws = InProcess::new();
    let container = json!({
        "Name": "a", "Image": "x", "Memory": { "Ref": "Memory" }, "Cpu": "64", "Essential": "true",
        "PortMappings": [{ "ContainerPort": { "Ref": "Port" } }], "Environment": [{ "Name": "N", "Value": 5 }],
    });
    let task = json!({ "Family": "typed", "Cpu": 256, "ContainerDefinitions": [container] });
    let alarm = json!({
        "AlarmName": "typed", "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": { "Ref": "Port" },
        "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": "2", "Threshold": "5", "ActionsEnabled": "false",
        "Dimensions": [{ "Name": "d", "Value": 7 }],
    });
    let body = json!({
        "Parameters": {
            "Port": { "Type": "Number", "Default": 60 }, "Memory": { "Type": "String", "Default": "128" },
        },
        "Resources": {
            "Task": of("AWS::ECS::TaskDefinition", &task), "Alarm": of("AWS::CloudWatch::Alarm", &alarm),
        },
    });
    let input = json!({ "StackName": "typed", "TemplateBody": body.to_string() });
    assert_eq!(aws.change_stack("CreateStack", input).await["StackStatus"], "CREATE_COMPLETE");
    let response = aws.call("ecs", "DescribeTaskDefinition", json!({ "taskDefinition": "typed" })).await;
    let container = &response["taskDefinition"]["containerDefinitions"][0];
    for (pointer, value) in [
        ("/memory", json!(128)),
        ("/cpu", json!(64)),
        ("/essential", json!(true)),
        ("/portMappings/0/containerPort", json!(60)),
        ("/environment/0/value", json!("5")),
    ] {
        assert_eq!(container.pointer(pointer), Some(&value), "{pointer}");
    }
    let response = aws.call("monitoring", "DescribeAlarms", json!({ "AlarmNames": ["typed"] })).await;
    let alarm = &response["MetricAlarms"][0];
    assert_eq!((&alarm["Period"], &alarm["Dimensions"][0]["Value"]), (&json!(60), &json!("7")));
}

#[tokio::test]
async fn calls_between_services_have_the_types_of_the_api() {
    let aws = InProcess::new();
    let container = |port: Value| json!([{ "name": "a", "image": "x", "portMappings": [{ "containerPort": port }] }]);
    let input = json!({ "family": "f", "containerDefinitions": container(json!("80")) });
    let refused = aws.refusal("ecs", "RegisterTaskDefinition", input).await;
    let words = "class java.lang.String can not be converted to an Integer";
    assert_eq!(refused, ("SerializationException".to_owned(), words.to_owned()));
}

#[tokio::test]
async fn unknown_properties_are_refused_with_awss_messages() {
    let aws = InProcess::new();
    let container =
        |more: Value| json!({ "Family": "f", "ContainerDefinitions": [{ "Name": "a", "Image": "x", "Cpu": more }] });
    let task = "AWS::ECS::TaskDefinition";
    for (at, (kind, properties, lines)) in [
        (task, json!({ "Image": "x", "Family": "f" }), "#: extraneous key [Image] is not permitted"),
        (task, container(json!("lots")), "#/ContainerDefinitions/0/Cpu: expected type: Integer, found: String"),
        (
            "AWS::EC2::SecurityGroup",
            json!({ "CidrIp": "0.0.0.0/0" }),
            "#: required key [GroupDescription] not found\n#: extraneous key [CidrIp] is not permitted",
        ),
        (
            "AWS::Logs::LogGroup",
            json!({ "RetentionInDays": "abc" }),
            "#/RetentionInDays: expected type: Integer, found: String",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "Resources": { "One": of(kind, &properties) } }).to_string();
        let name = format!("wrong-{at}");
        aws.change_stack("CreateStack", json!({ "StackName": name, "TemplateBody": body })).await;
        let failed = format!("One CREATE_FAILED Properties validation failed for resource One with message:\n{lines}");
        let actual = aws.events(&name).await;
        assert!(actual.contains(&failed), "{actual:#?}");
    }
}

#[tokio::test]
async fn a_services_fault_is_reported_like_by_awss_resource_handlers() {
    let aws = InProcess::new();
    aws.call("logs", "CreateLogGroup", json!({ "logGroupName": "taken" })).await;
    for (name, (kind, properties, words, code)) in [
        (
            "tail",
            (
                "AWS::EC2::VPC",
                json!({ "CidrBlock": "nonsense" }),
                "is not a valid CIDR block. (Service: Ec2, Status Code: 400, Request ID: ",
                "InvalidRequest",
            ),
        ),
        (
            "taken",
            (
                "AWS::Logs::LogGroup",
                json!({ "LogGroupName": "taken" }),
                "Resource of type 'AWS::Logs::LogGroup' with identifier '{\"/properties/LogGroupName\":\"taken\"}' already \
                 exists.\" (RequestToken: ",
                "AlreadyExists",
            ),
        ),
    ] {
        let body = json!({ "Resources": { "One": of(kind, &properties) } }).to_string();
        aws.change_stack("CreateStack", json!({ "StackName": name, "TemplateBody": body })).await;
        let actual = aws.events(name).await;
        let failed = actual.iter().find(|line| line.starts_with("One CREATE_FAILED")).expect("it fails");
        assert!(failed.contains(words) && failed.ends_with(&format!("HandlerErrorCode: {code})")), "{failed}");
    }
}

#[tokio::test]
async fn the_tags_of_a_scalable_target_are_updated_in_place() {
    let aws = InProcess::new();
    aws.call("ecs", "CreateCluster", json!({ "clusterName": "c" })).await;
    let container = json!({ "name": "a", "image": "x", "memory": 128 });
    aws.call("ecs", "RegisterTaskDefinition", json!({ "family": "f", "containerDefinitions": [container] })).await;
    let service =
        json!({ "cluster": "c", "serviceName": "s", "taskDefinition": "f", "desiredCount": 0, "launchType": "EC2" });
    aws.call("ecs", "CreateService", service).await;
    let body = |tags: Value| {
        let target = of(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            &json!({
                "MaxCapacity": 2, "MinCapacity": 0, "ResourceId": "service/c/s", "ServiceNamespace": "ecs",
                "ScalableDimension": "ecs:service:DesiredCount", "Tags": tags,
            }),
        );
        json!({ "StackName": "tagged", "TemplateBody": json!({ "Resources": { "Target": target } }).to_string() })
    };
    let mut arns = Vec::new();
    for (operation, key) in [("CreateStack", "one"), ("UpdateStack", "two")] {
        let stack = aws.change_stack(operation, body(json!([{ "Key": key, "Value": key }]))).await;
        assert!(stack["StackStatus"].as_str().expect("a status").ends_with("E_COMPLETE"), "{stack}");
        let input = json!({ "ServiceNamespace": "ecs" });
        let response = aws.call("application-autoscaling", "DescribeScalableTargets", input).await;
        let arn = response["ScalableTargets"][0]["ScalableTargetARN"].clone();
        let tags = aws.call("application-autoscaling", "ListTagsForResource", json!({ "ResourceARN": arn })).await;
        let own: Vec<_> =
            tags["Tags"].as_object().expect("tags").keys().filter(|key| !key.starts_with("aws:")).collect();
        assert_eq!(own, [key]);
        arns.push(arn);
    }
    assert_eq!(arns[0], arns[1]);
}
