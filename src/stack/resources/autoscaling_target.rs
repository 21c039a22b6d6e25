//! `AWS::ApplicationAutoScaling::ScalableTarget`: what may be scaled, and how far.

use serde_json::{Value, json};

use super::{ResourceType, join};
use crate::stack::spec::Reference;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::ApplicationAutoScaling::ScalableTarget", required_first: &[] };

/// The count of the service with the logical id `service`, in `account`.
pub(in crate::stack) fn properties(capacity: (u32, u32), cluster: &Reference, service: &str, account: &str) -> Value {
    let name = json!({ "Fn::GetAtt": [service, "Name"] });
    let resource = match cluster {
        Reference::Literal(cluster) => join(&[json!(format!("service/{cluster}/")), name]),
        import @ Reference::Import(_) => join(&[json!("service/"), super::imported(import), json!("/"), name]),
    };
    let role = format!(
        ":iam::{account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
    );
    json!({
        "MaxCapacity": capacity.1,
        "MinCapacity": capacity.0,
        "ResourceId": resource,
        "RoleARN": super::arn(&role),
        "ScalableDimension": "ecs:service:DesiredCount",
        "ServiceNamespace": "ecs",
    })
}
