//! Rejections of replacements that keep a custom name, as a library, with templates that `ecsws.toml` cannot express.
#![cfg(all(unix, feature = "sandbox"))]

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_cloudformation::types::StackStatus;
use ecsws::stack::Template;
use ecsws::testing::aws::{Aws, Connection, StaticKeys};
use ecsws::testing::diagnostic::Diagnostic;
use ecsws::testing::model::{PlannedChange, Stack, StackRequest};
use ecsws::testing::ops::{Finding, ReadCache, StackUpdate, rejections, rejections_before_change_set};
use serde_json::{Value, json};

use crate::common::text_of;
use crate::sandbox::{Sandbox, create_stack, update_stack};

fn template(resources: &Value) -> Template {
    Template::from_map(json!({ "Resources": resources }).as_object().expect("a map").clone())
}

async fn connect(local: &Sandbox) -> Arc<Aws> {
    let keys = &local.endpoint.credentials;
    let connection = Connection {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(local.endpoint.url.clone()),
        static_keys: Some(StaticKeys {
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
        }),
        ..Connection::default()
    };
    Arc::new(Aws::connect(connection, async |_| None).await.expect("the connection has keys and a region"))
}

/// The findings before the change set of an update is created. The stack must exist with the template `deployed`.
async fn find_rejections(aws: &Arc<Aws>, stack: &Stack, deployed: &Template, desired: &Template) -> Vec<Finding> {
    let update = StackUpdate { stack: &stack.name, service_key: Some("api"), existing: Some(stack), deployed, desired };
    let parameters = desired.parameters_to_send(&BTreeMap::new(), &stack.parameters, deployed);
    let (text, capabilities) = (desired.to_yaml(), desired.capabilities());
    let request = StackRequest {
        stack: &stack.name,
        template: &text,
        parameters: &parameters,
        capabilities: &capabilities,
        ..StackRequest::default()
    };
    let reads = ReadCache::new(Arc::clone(aws));
    let findings =
        rejections_before_change_set(&reads, &update, &request, "check", |_| {}).await.expect("the call succeeds");
    assert_eq!(
        aws.change_sets(&stack.arn).await.expect("the call succeeds").len(),
        0,
        "the temporary change set was not deleted"
    );
    findings
}

/// A resource that is replaced by an update.
struct Case {
    /// Other resources of the template, by logical id.
    others: Value,
    resource_type: &'static str,
    /// The deployed properties.
    deployed: Value,
    /// New properties that replace the resource and keep its name.
    replaced: Value,
    /// New properties that replace the resource and change its name.
    renamed: Value,
    /// The start of the rejection's message.
    message: &'static str,
}

fn cases() -> Vec<Case> {
    let service = |name: &str, strategy: &str| {
        json!({
            "Cluster": { "Ref": "Cluster" },
            "DesiredCount": if strategy == "REPLICA" { json!(0) } else { json!({ "Ref": "AWS::NoValue" }) },
            "LaunchType": "EC2",
            "SchedulingStrategy": strategy,
            "ServiceName": name,
            "TaskDefinition": { "Ref": "Task" },
        })
    };
    let containers = json!([{ "Name": "c", "Image": "acme/api:1", "Memory": 64 }]);
    let discovery = |name: &str, threshold: u8| {
        json!({
            "HealthCheckCustomConfig": { "FailureThreshold": threshold },
            "Name": name,
            "NamespaceId": { "Fn::GetAtt": ["Namespace", "Id"] },
        })
    };
    let role = |name: &str, path: &str| {
        let statement = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ecs-tasks.amazonaws.com" } });
        json!({ "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [statement] }, "Path": path, "RoleName": name })
    };
    vec![
        Case {
            others: json!({
                "Cluster": { "Type": "AWS::ECS::Cluster", "Properties": { "ClusterName": "demo" } },
                "Task": { "Type": "AWS::ECS::TaskDefinition", "Properties": { "ContainerDefinitions": containers } },
            }),
            resource_type: "AWS::ECS::Service",
            deployed: service("named", "DAEMON"),
            replaced: service("named", "REPLICA"),
            renamed: service("other", "REPLICA"),
            message: "x: changing SchedulingStrategy replaces service `named`",
        },
        Case {
            others: json!({ "Namespace": { "Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": { "Name": "ns" } } }),
            resource_type: "AWS::ServiceDiscovery::Service",
            deployed: discovery("named", 2),
            replaced: discovery("named", 1),
            renamed: discovery("other", 1),
            message: "x: changing HealthCheckCustomConfig replaces Cloud Map service `named`",
        },
        Case {
            others: json!({}),
            resource_type: "AWS::IAM::Role",
            deployed: role("named", "/a/"),
            replaced: role("named", "/b/"),
            renamed: role("other", "/b/"),
            message: "x: changing Path replaces AWS::IAM::Role `named`",
        },
    ]
}

#[tokio::test]
async fn a_replacement_that_keeps_its_name_is_rejected_and_would_fail_in_cloudformation() {
    for case in cases() {
        let local = Sandbox::start().await;
        let (aws, client) = (connect(&local).await, local.cloudformation());
        let template_with = |properties: &Value| {
            let mut resources = case.others.clone();
            resources["Named"] = json!({ "Type": case.resource_type, "Properties": properties });
            template(&resources)
        };
        let deployed = template_with(&case.deployed);
        create_stack(&client, "x", &deployed.to_json()).await;
        let stack = aws.stack("x").await.expect("the call succeeds").expect("the stack exists");
        assert_eq!(stack.status, "CREATE_COMPLETE", "{}", case.resource_type);

        let findings = find_rejections(&aws, &stack, &deployed, &template_with(&case.replaced)).await;
        let [Finding::Rejection(Diagnostic { message, hint: Some(hint), .. })] = findings.as_slice() else {
            panic!("{}: {findings:#?}", case.resource_type);
        };
        let hint = text_of(hint);
        assert!(message.starts_with(case.message) && hint.contains("keep"), "{message}: {hint}");
        assert_eq!(
            find_rejections(&aws, &stack, &deployed, &template_with(&case.renamed)).await,
            [],
            "{}",
            case.resource_type
        );
        let failed = update_stack(&client, "x", &template_with(&case.replaced).to_json()).await;
        assert_eq!(failed.stack_status(), Some(&StackStatus::UpdateRollbackComplete), "{}", case.resource_type);
        let renamed = update_stack(&client, "x", &template_with(&case.renamed).to_json()).await;
        assert_eq!(renamed.stack_status(), Some(&StackStatus::UpdateComplete), "{}", case.resource_type);
    }
}

#[tokio::test]
async fn the_change_set_decides_what_is_replaced() {
    let local = Sandbox::start().await;
    let aws = connect(&local).await;
    let service = |controller: Value| {
        let properties = json!({ "Cluster": "demo", "ServiceName": "named", "DeploymentController": controller });
        template(&json!({ "Service": { "Type": "AWS::ECS::Service", "Properties": properties } }))
    };
    // This property is create-only in the CDK's table, but not in AWS's schema.
    let (deployed, desired) = (service(Value::Null), service(json!({ "Type": "ECS" })));
    let update =
        StackUpdate { stack: "x", service_key: Some("api"), existing: None, deployed: &deployed, desired: &desired };
    let planned = |replacement: &str, recreation: &str| {
        [PlannedChange {
            logical_id: "Service".to_owned(),
            replacement: Some(replacement.to_owned()),
            properties: vec![("DeploymentController".to_owned(), recreation.to_owned())],
            ..PlannedChange::default()
        }]
    };
    for (planned, expected) in [
        (Some(planned("False", "Never")), None),
        (
            Some(planned("True", "Always")),
            Some("deploy rejects this: x: changing DeploymentController replaces service `named`"),
        ),
        (Some(planned("Conditional", "Conditionally")), Some("x: service `named` may be replaced, which fails")),
        // Without a change set, the table decides.
        (None, Some("deploy rejects this: x: changing DeploymentController replaces service `named`")),
    ] {
        let reads = ReadCache::new(Arc::clone(&aws));
        let findings =
            rejections(&reads, &update, planned.as_ref().map(<[_; 1]>::as_slice)).await.expect("no call is made");
        let notes: Vec<String> = findings.iter().map(|finding| text_of(&finding.as_note())).collect();
        match expected {
            Some(expected) => assert!(notes.len() == 1 && notes[0].starts_with(expected), "{planned:?}: {notes:#?}"),
            None => assert!(notes.is_empty(), "{planned:?}: {notes:#?}"),
        }
    }
}
