//! The cluster of services whose ARN has the old format, which lacks it, is read from the deployed template.

use ecsws::testing::ops::locate_service;
use serde_json::{Value, json};

use crate::scripted::{aws_error, scripted};

/// The cluster of a service whose template has this `Cluster`; `None` if it cannot be resolved.
async fn cluster(reference: Value) -> Option<String> {
    let template =
        json!({ "Resources": { "Service": { "Type": "AWS::ECS::Service", "Properties": { "Cluster": reference } } } });
    let aws = scripted(move |action, _| {
        let resource = |id: &str, kind: &str, physical_id: &str| {
            format!(
                "<member><LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>{physical_id}</PhysicalResourceId>\
                 <ResourceType>{kind}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
            )
        };
        Ok(match action {
            "GetTemplate" => format!("<TemplateBody>{template}</TemplateBody>"),
            "DescribeStacks" => "<Stacks><member><StackName>web</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Parameters><member>\
                 <ParameterKey>Name</ParameterKey><ParameterValue>given</ParameterValue></member></Parameters></member></Stacks>"
                .to_owned(),
            "ListStackResources" => format!(
                "<StackResourceSummaries>{}{}</StackResourceSummaries>",
                resource("Service", "AWS::ECS::Service", "arn:aws:ecs:us-east-1:123456789012:service/web"),
                resource("Cluster", "AWS::ECS::Cluster", "own")
            ),
            "ListExports" => "<Exports><member><Name>web-cluster</Name><Value>exported</Value></member></Exports>".to_owned(),
            other => return Err(aws_error("NotImplemented", other.to_owned())),
        })
    })
    .await;
    locate_service(&aws, "web").await.ok().map(|service| service.cluster)
}

#[tokio::test]
async fn the_cluster_is_found_in_each_form_of_a_reference() {
    for (reference, expected) in [
        (Value::Null, Some("default")),
        (json!("demo"), Some("demo")),
        (json!("arn:aws:ecs:us-east-1:123456789012:cluster/demo"), Some("demo")),
        (json!({ "Ref": "Cluster" }), Some("own")),
        (json!({ "Ref": "Name" }), Some("given")),
        (json!({ "Fn::GetAtt": ["Cluster", "Arn"] }), Some("own")),
        (json!({ "Fn::GetAtt": "Cluster.Arn" }), Some("own")),
        (json!({ "Fn::Sub": "${Cluster.Arn}" }), Some("own")),
        (json!({ "Fn::Sub": "${Name}-${AWS::StackName}" }), Some("given-web")),
        (json!({ "Fn::Join": ["-", ["a", { "Ref": "Name" }]] }), Some("a-given")),
        (json!({ "Fn::ImportValue": "web-cluster" }), Some("exported")),
        (json!({ "Fn::ImportValue": { "Fn::Sub": "${AWS::StackName}-cluster" } }), Some("exported")),
        (json!({ "Fn::ImportValue": "no-such" }), None),
        (json!({ "Fn::If": ["A", "b", "c"] }), None),
    ] {
        assert_eq!(cluster(reference.clone()).await.as_deref(), expected, "{reference}");
    }
}
