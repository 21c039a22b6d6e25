//! The platform's ECS cluster, and the service that runs in it.

use serde_json::{Value, json};

use super::{CLUSTER, Resource, SERVICE, imported, reference};
use crate::stack::spec::{CdkVersion, Platform, Service};

pub(in crate::stack) fn cluster(name: &str, container_insights: bool) -> Resource {
    let insights = if container_insights { "enabled" } else { "disabled" };
    CLUSTER.with(json!({
        "ClusterName": name,
        "ClusterSettings": [{ "Name": "containerInsights", "Value": insights }],
    }))
}

/// The resources that a service refers to.
pub(in crate::stack) struct ServiceReferences<'a> {
    pub platform: &'a Platform,
    /// Subnet ids.
    pub subnets: &'a [String],
    /// Logical id of the task definition.
    pub task_definition: &'a str,
    /// Logical id of the Cloud Map service, if there is one.
    pub discovery: Option<&'a str>,
}

/// A service on Fargate.
pub(in crate::stack) fn service(
    service: &Service,
    references: &ServiceReferences<'_>,
    cdk_version: CdkVersion,
    region: &str,
) -> Resource {
    let breaker = service.deployment.circuit_breaker;
    let registry = references.discovery.map(|id| json!([{ "RegistryArn": { "Fn::GetAtt": [id, "Arn"] } }]));
    SERVICE.with(json!({
        "Cluster": imported(&references.platform.cluster),
        "DeploymentConfiguration": {
            "Alarms": alarms(cdk_version, region),
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
                "SecurityGroups": [imported(&references.platform.security_group)],
                "Subnets": references.subnets,
            },
        },
        "PlatformVersion": service.platform_version,
        "ServiceName": service.name,
        "ServiceRegistries": registry,
        "TaskDefinition": reference(references.task_definition),
    }))
}

/// Prefixes of regions without deployment alarms, as CDK 2 lists them: China, GovCloud and the two oldest isolated partitions.
const REGIONS_WITHOUT_ALARMS: &[&str] = &["cn-", "us-gov-", "us-iso-", "us-isob-"];

/// The disabled `Alarms` block that the second generation writes.
fn alarms(cdk_version: CdkVersion, region: &str) -> Option<Value> {
    let available = !REGIONS_WITHOUT_ALARMS.iter().any(|prefix| region.starts_with(prefix));
    (cdk_version == CdkVersion::V2 && available)
        .then(|| json!({ "AlarmNames": [], "Enable": false, "Rollback": false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarms_block_is_emitted_in_regions_with_deployment_alarms() {
        for (region, emitted) in [
            ("us-east-1", true),
            ("eu-isoe-west-1", true),
            ("cn-north-1", false),
            ("us-gov-west-1", false),
            ("us-iso-east-1", false),
            ("us-isob-east-1", false),
        ] {
            assert_eq!(alarms(CdkVersion::V2, region).is_some(), emitted, "{region}");
            assert!(alarms(CdkVersion::V1, region).is_none());
        }
    }
}
