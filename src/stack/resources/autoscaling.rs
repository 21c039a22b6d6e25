//! Application Auto Scaling of a service: the scalable target and its target tracking policies.

use serde_json::json;

use super::{Resource, SCALABLE_TARGET, SCALING_POLICY, arn, imported, join, reference};
use crate::stack::spec::{Autoscaling, Reference, TargetTracking};

/// The desired count of the service with the logical id `service`, in `account`.
pub(in crate::stack) fn scalable_target(
    autoscaling: &Autoscaling,
    cluster: &Reference,
    service: &str,
    account: &str,
) -> Resource {
    let name = json!({ "Fn::GetAtt": [service, "Name"] });
    let resource = match cluster {
        Reference::Literal(cluster) => join(&[json!(format!("service/{cluster}/")), name]),
        import @ Reference::Import(_) => join(&[json!("service/"), imported(import), json!("/"), name]),
    };
    let role = format!(
        ":iam::{account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
    );
    SCALABLE_TARGET.with(json!({
        "MaxCapacity": autoscaling.max,
        "MinCapacity": autoscaling.min,
        "ResourceId": resource,
        "RoleARN": arn(&role),
        "ScalableDimension": "ecs:service:DesiredCount",
        "ServiceNamespace": "ecs",
    }))
}

/// Target tracking of `metric` for the scalable target with the logical id `target`.
pub(in crate::stack) fn scaling_policy(name: &str, target: &str, metric: &str, tracking: &TargetTracking) -> Resource {
    SCALING_POLICY.with(json!({
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": reference(target),
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": { "PredefinedMetricType": metric },
            "ScaleInCooldown": tracking.scale_in_cooldown,
            "ScaleOutCooldown": tracking.scale_out_cooldown,
            "TargetValue": tracking.target,
        },
    }))
}
