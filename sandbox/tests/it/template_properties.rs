//! Properties of a template's resources: their types, what AWS's types do not have, and what the sandbox does not serve.

use serde_json::{Value, json};

use crate::inside::Inside;

fn of(kind: &str, properties: &Value) -> Value {
    json!({ "Type": kind, "Properties": properties })
}

#[tokio::test]
async fn scalars_in_nested_structures_get_the_types_of_their_properties() {
    let aws = Inside::new();
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
    assert_eq!(aws.run_operation("CreateStack", input).await["StackStatus"], "CREATE_COMPLETE");
    let told = aws.call("ecs", "DescribeTaskDefinition", json!({ "taskDefinition": "typed" })).await;
    let container = &told["taskDefinition"]["containerDefinitions"][0];
    for (pointer, value) in [
        ("/memory", json!(128)),
        ("/cpu", json!(64)),
        ("/essential", json!(true)),
        ("/portMappings/0/containerPort", json!(60)),
        ("/environment/0/value", json!("5")),
    ] {
        assert_eq!(container.pointer(pointer), Some(&value), "{pointer}");
    }
    let told = aws.call("monitoring", "DescribeAlarms", json!({ "AlarmNames": ["typed"] })).await;
    let alarm = &told["MetricAlarms"][0];
    assert_eq!((&alarm["Period"], &alarm["Dimensions"][0]["Value"]), (&json!(60), &json!("7")));
}

#[tokio::test]
async fn calls_between_services_have_the_types_of_the_model() {
    let aws = Inside::new();
    let container = |port: Value| json!([{ "name": "a", "image": "x", "portMappings": [{ "containerPort": port }] }]);
    let input = json!({ "family": "f", "containerDefinitions": container(json!("80")) });
    let refused = aws.refusal("ecs", "RegisterTaskDefinition", input).await;
    let words = "class java.lang.String can not be converted to an Integer";
    assert_eq!(refused, ("SerializationException".to_owned(), words.to_owned()));
}

#[tokio::test]
async fn unknown_properties_are_refused_in_awss_words() {
    let aws = Inside::new();
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
        aws.run_operation("CreateStack", json!({ "StackName": name, "TemplateBody": body })).await;
        let failed = format!("One CREATE_FAILED Properties validation failed for resource One with message:\n{lines}");
        let said = aws.events(&name).await;
        assert!(said.contains(&failed), "{said:#?}");
    }
}

#[tokio::test]
async fn a_service_s_fault_is_reported_as_by_awss_handlers() {
    let aws = Inside::new();
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
        aws.run_operation("CreateStack", json!({ "StackName": name, "TemplateBody": body })).await;
        let said = aws.events(name).await;
        let failed = said.iter().find(|line| line.starts_with("One CREATE_FAILED")).expect("it fails");
        assert!(failed.contains(words) && failed.ends_with(&format!("HandlerErrorCode: {code})")), "{failed}");
    }
}

#[tokio::test]
async fn a_scalable_target_s_tags_are_set_and_changed_in_place() {
    let aws = Inside::new();
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
        let stack = aws.run_operation(operation, body(json!([{ "Key": key, "Value": key }]))).await;
        assert!(stack["StackStatus"].as_str().expect("a status").ends_with("E_COMPLETE"), "{stack}");
        let input = json!({ "ServiceNamespace": "ecs" });
        let told = aws.call("application-autoscaling", "DescribeScalableTargets", input).await;
        let arn = told["ScalableTargets"][0]["ScalableTargetARN"].clone();
        let tags = aws.call("application-autoscaling", "ListTagsForResource", json!({ "ResourceARN": arn })).await;
        let own: Vec<_> =
            tags["Tags"].as_object().expect("tags").keys().filter(|key| !key.starts_with("aws:")).collect();
        assert_eq!(own, [key]);
        arns.push(arn);
    }
    assert_eq!(arns[0], arns[1]);
}
