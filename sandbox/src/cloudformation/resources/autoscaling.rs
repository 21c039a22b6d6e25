//! `AWS::ApplicationAutoScaling::ScalableTarget` and `::ScalingPolicy`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, resource_type, text};
use crate::Fault;
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;

const SIGNING_NAME: &str = "application-autoscaling";

pub(super) const TYPES: &[ResourceType] = &[
    resource_type!(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        attributes: ["Id"],
        create_only: [],
        create_target, update_target, delete_target
    ),
    resource_type!(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        attributes: ["Arn"],
        create_only: [],
        create_policy, update_policy, delete_policy
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScalableTargetProperties {
    max_capacity: i64,
    min_capacity: i64,
    resource_id: String,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    scalable_dimension: String,
    service_namespace: String,
    suspended_state: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create_target(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    register(&context, &context.properties(properties)?).await.map(|(output, _)| output)
}

/// Creates or updates a target, and returns it with its ARN. Tags are added, and none is removed.
async fn register(
    context: &HandlerContext,
    target: &ScalableTargetProperties,
) -> Result<(HandlerOutput, String), Fault> {
    let id = format!("{}|{}|{}", target.resource_id, target.scalable_dimension, target.service_namespace);
    let input = json!({
        "ServiceNamespace": target.service_namespace,
        "ResourceId": target.resource_id,
        "ScalableDimension": target.scalable_dimension,
        "MinCapacity": target.min_capacity,
        "MaxCapacity": target.max_capacity,
        "RoleARN": target.role_arn,
        "SuspendedState": target.suspended_state,
        "Tags": context.tag_map(&target.tags),
    });
    let response = context.call(SIGNING_NAME, "RegisterScalableTarget", input).await?;
    Ok((HandlerOutput::new(&id, json!({ "Id": id })), text(&response, "/ScalableTargetARN").to_owned()))
}

async fn update_target(
    context: HandlerContext,
    _old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let target: ScalableTargetProperties = context.properties(properties)?;
    let (output, arn) = register(&context, &target).await?;
    let listed = context.call(SIGNING_NAME, "ListTagsForResource", json!({ "ResourceARN": arn })).await?;
    let removed = context.removed_tag_keys(&listed["Tags"], &target.tags);
    if !removed.is_empty() {
        context.call(SIGNING_NAME, "UntagResource", json!({ "ResourceARN": arn, "TagKeys": removed })).await?;
    }
    Ok(output)
}

/// The three members that name a target, of its physical id.
fn parts(id: &str) -> Result<Value, Fault> {
    let [resource, dimension, namespace] = *id.split('|').collect::<Vec<_>>() else {
        return Err(Fault::client("ValidationError", format!("{id} is not a scalable target's id")));
    };
    Ok(json!({ "ServiceNamespace": namespace, "ResourceId": resource, "ScalableDimension": dimension }))
}

async fn delete_target(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call(SIGNING_NAME, "DeregisterScalableTarget", parts(&old.physical_id)?).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScalingPolicyProperties {
    policy_name: String,
    policy_type: String,
    scaling_target_id: Option<String>,
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
    service_namespace: Option<String>,
    target_tracking_scaling_policy_configuration: Option<Value>,
    step_scaling_policy_configuration: Option<Value>,
}

impl ScalingPolicyProperties {
    fn target(&self) -> Result<Value, Fault> {
        match &self.scaling_target_id {
            Some(id) => parts(id),
            None => Ok(json!({
                "ServiceNamespace": self.service_namespace,
                "ResourceId": self.resource_id,
                "ScalableDimension": self.scalable_dimension,
            })),
        }
    }
}

async fn create_policy(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let policy: ScalingPolicyProperties = context.properties(properties)?;
    let mut input = policy.target()?;
    input["PolicyName"] = policy.policy_name.into();
    input["PolicyType"] = policy.policy_type.into();
    input["TargetTrackingScalingPolicyConfiguration"] = policy.target_tracking_scaling_policy_configuration.into();
    input["StepScalingPolicyConfiguration"] = policy.step_scaling_policy_configuration.into();
    let response = context.call(SIGNING_NAME, "PutScalingPolicy", input).await?;
    let arn = text(&response, "/PolicyARN");
    Ok(HandlerOutput::new(arn, json!({ "Arn": arn })))
}

async fn update_policy(
    context: HandlerContext,
    _old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    create_policy(context, properties).await
}

async fn delete_policy(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let policy: ScalingPolicyProperties = context.properties(old.properties)?;
    let mut input = policy.target()?;
    input["PolicyName"] = policy.policy_name.into();
    context.call(SIGNING_NAME, "DeleteScalingPolicy", input).await.map(drop)
}
