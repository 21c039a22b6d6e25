//! `AWS::ApplicationAutoScaling::ScalingPolicy`: target tracking.

use serde_json::{Value, json};

use super::ResourceType;
use crate::stack::spec::TargetTracking;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::ApplicationAutoScaling::ScalingPolicy", required_first: &[] };

/// Keeps `metric` of the scalable target with the logical id `target` at a value.
pub(in crate::stack) fn properties(name: &str, target: &str, metric: &str, tracking: &TargetTracking) -> Value {
    json!({
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": { "Ref": target },
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": { "PredefinedMetricType": metric },
            "ScaleInCooldown": tracking.scale_in_cooldown,
            "ScaleOutCooldown": tracking.scale_out_cooldown,
            "TargetValue": tracking.target,
        },
    })
}
