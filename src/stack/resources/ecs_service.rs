//! `AWS::ECS::Service`: the service that keeps the tasks running.

use serde_json::{Value, json};

use super::{ResourceType, imported};
use crate::stack::spec::{Generation, Platform, Service};
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::ECS::Service", required_first: &[] };

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
pub(in crate::stack) fn properties(
    service: &Service,
    around: &Surroundings<'_>,
    generation: Generation,
    region: &str,
) -> Value {
    let breaker = service.deployment.circuit_breaker;
    let registry = around.discovery.map(|id| json!([{ "RegistryArn": { "Fn::GetAtt": [id, "Arn"] } }]));
    json!({
        "Cluster": imported(&around.platform.cluster),
        "DeploymentConfiguration": {
            "Alarms": alarms(generation, region),
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

/// Beginnings of the regions whose partitions have no deployment alarms, as the CDK 2 knows them: China, GovCloud and the two oldest isolated ones.
const WITHOUT_ALARMS: &[&str] = &["cn-", "us-gov-", "us-iso-", "us-isob-"];

/// The second generation writes the block wherever there are alarms.
fn alarms(generation: Generation, region: &str) -> Option<Value> {
    let available = !WITHOUT_ALARMS.iter().any(|beginning| region.starts_with(beginning));
    (generation == Generation::Two && available)
        .then(|| json!({ "AlarmNames": [], "Enable": false, "Rollback": false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_alarms_is_written_where_there_are_alarms() {
        for (region, written) in [
            ("us-east-1", true),
            ("eu-isoe-west-1", true),
            ("cn-north-1", false),
            ("us-gov-west-1", false),
            ("us-iso-east-1", false),
            ("us-isob-east-1", false),
        ] {
            assert_eq!(alarms(Generation::Two, region).is_some(), written, "{region}");
            assert!(alarms(Generation::One, region).is_none());
        }
    }
}
