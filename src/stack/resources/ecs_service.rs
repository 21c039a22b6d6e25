//! `AWS::ECS::Service`: the service that keeps the tasks running.

use serde_json::{Value, json};

use super::{ResourceType, imported};
use crate::stack::spec::{Generation, Platform, Service};
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType {
    name: "AWS::ECS::Service",
    create_only: &["Cluster", "DeploymentController", "LaunchType", "Role", "SchedulingStrategy", "ServiceName"],
    conditionally_create_only: &[],
    required_first: &[],
};

/// What the service refers to.
pub(in crate::stack) struct Surroundings<'a> {
    /// What the project runs on.
    pub platform: &'a Platform,
    /// Ids of the subnets.
    pub subnets: &'a [String],
    /// Logical id of the task definition.
    pub task_definition: &'a str,
    /// Logical id of the Cloud Map service, if there is one.
    pub discovery: Option<&'a str>,
}

/// The Fargate service.
pub(in crate::stack) fn properties(service: &Service, around: &Surroundings<'_>, generation: Generation) -> Value {
    let breaker = service.deployment.circuit_breaker;
    let registry = around.discovery.map(|id| json!([{ "RegistryArn": { "Fn::GetAtt": [id, "Arn"] } }]));
    json!({
        "Cluster": imported(&around.platform.cluster),
        "DeploymentConfiguration": {
            "Alarms": alarms(generation),
            "DeploymentCircuitBreaker": breaker.then(|| json!({ "Enable": true, "Rollback": true })),
            "MaximumPercent": service.deployment.max_percent,
            "MinimumHealthyPercent": service.deployment.min_healthy_percent,
        },
        "DeploymentController": breaker.then(|| json!({ "Type": "ECS" })),
        "DesiredCount": service.count,
        "EnableECSManagedTags": false,
        "EnableExecuteCommand": service.exec.then_some(true),
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "AssignPublicIp": if service.public_ip { "ENABLED" } else { "DISABLED" },
                "SecurityGroups": [imported(&around.platform.security_group)],
                "Subnets": around.subnets,
            },
        },
        "PlatformVersion": service.platform_version,
        "ServiceName": service.name,
        "ServiceRegistries": registry,
        "TaskDefinition": { "Ref": around.task_definition },
    })
}

/// The second generation always writes the block.
fn alarms(generation: Generation) -> Option<Value> {
    (generation == Generation::Two).then(|| json!({ "AlarmNames": [], "Enable": false, "Rollback": false }))
}
