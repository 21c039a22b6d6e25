//! Scalable targets: the bounds within which a service is scaled.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decision::CooldownScaling;
use super::policy_execution::set_desired_count;
use super::{
    DIMENSION, NAMESPACE, check_target, invalid_token, is_served, limit, not_found, policies, service_of,
    validation_exception,
};
use crate::base::arn::Arn;
use crate::base::clock::{Clock, epoch_seconds};
use crate::base::tags::TagMap;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::services::autoscaling::State;
use crate::services::ecs::scaling;
use crate::{Config, Fault, Sandbox};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScalableTarget {
    /// The last part of its ARN.
    pub id: String,
    /// `service/CLUSTER/NAME`.
    pub resource_id: String,
    pub min_capacity: u32,
    pub max_capacity: u32,
    /// The role that would scale it on AWS.
    pub role_arn: String,
    pub created_at: Timestamp,
    pub suspended_state: SuspendedState,
    pub tags: TagMap,
    /// The cooldown after the last scaling by a policy.
    #[serde(default)]
    pub cooldown: Option<Cooldown>,
}

/// A cooldown after a scaling activity.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Cooldown {
    pub began: Timestamp,
    /// Its duration in the sandbox's time.
    pub seconds: u64,
    /// The scaling that it follows.
    pub after: CooldownScaling,
}

impl Cooldown {
    /// The scaling that it follows, unless it has ended.
    pub(super) fn cooling(&self, clock: Clock) -> Option<CooldownScaling> {
        let length = clock.shortened(Duration::from_secs(self.seconds));
        let age = clock.now().duration_since(self.began);
        (age.unsigned_abs() < length).then_some(self.after)
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SuspendedState {
    pub dynamic_scaling_in_suspended: bool,
    pub dynamic_scaling_out_suspended: bool,
    scheduled_scaling_suspended: bool,
}

impl ScalableTarget {
    pub(super) fn arn(&self, config: &Config) -> String {
        config.arn("application-autoscaling", &format!("scalable-target/{}", self.id))
    }

    fn to_output(&self, config: &Config) -> Value {
        json!({
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "MinCapacity": self.min_capacity,
            "MaxCapacity": self.max_capacity,
            "RoleARN": self.role_arn,
            "CreationTime": epoch_seconds(self.created_at),
            "SuspendedState": self.suspended_state,
            "ScalableTargetARN": self.arn(config),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RegisterScalableTargetInput {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    min_capacity: Option<u32>,
    max_capacity: Option<u32>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    suspended_state: Option<SuspendedState>,
    #[serde(default)]
    tags: TagMap,
}

/// Registers or changes a target. A service whose count is out of the bounds is scaled to the nearer one.
pub(super) fn register(sandbox: &Arc<Sandbox>, input: RegisterScalableTargetInput) -> OperationResult {
    check_target(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
    let (cluster, service) = service_of(&input.resource_id)?;
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let Some(capacity) = scaling::capacity(states, &cluster, &service) else {
            return Err(validation_exception(format!("ECS service doesn't exist: {}", input.resource_id)));
        };
        let target = target(sandbox, states.of::<State>().targets.get(&input.resource_id), input)?;
        let bounded = capacity.desired.clamp(target.min_capacity, target.max_capacity);
        if bounded != capacity.desired {
            let bound = if bounded == target.min_capacity { "minimum" } else { "maximum" };
            let cause = format!("{bound} capacity was set to {bounded}");
            set_desired_count(states, &target.resource_id, bounded, &cause, now)?;
        }
        let arn = target.arn(&sandbox.config);
        states.of_mut::<State>().targets.insert(target.resource_id.clone(), target);
        Ok(json!({ "ScalableTargetARN": arn }))
    })
}

/// The target after a registration. Members that are left out keep their values.
fn target(
    sandbox: &Sandbox,
    earlier: Option<&ScalableTarget>,
    input: RegisterScalableTargetInput,
) -> Result<ScalableTarget, Fault> {
    let min = input.min_capacity.or(earlier.map(|target| target.min_capacity));
    let max = input.max_capacity.or(earlier.map(|target| target.max_capacity));
    let (Some(min_capacity), Some(max_capacity)) = (min, max) else {
        return Err(validation_exception(
            "Minimum capacity and maximum capacity must be specified to register a scalable target",
        ));
    };
    if min_capacity > max_capacity {
        return Err(validation_exception("Maximum capacity cannot be less than minimum capacity"));
    }
    let role = "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService";
    let mut tags = earlier.map(|target| target.tags.clone()).unwrap_or_default();
    tags.extend(input.tags);
    Ok(ScalableTarget {
        id: earlier.map_or_else(|| ids::hex(36), |target| target.id.clone()),
        min_capacity,
        max_capacity,
        // AWS uses its service-linked role for ECS services, regardless of the given role.
        role_arn: input
            .role_arn
            .filter(|role| Arn::parse(role).is_some_and(|arn| arn.resource.starts_with("role/aws-service-role/")))
            .unwrap_or_else(|| sandbox.config.global_arn("iam", role)),
        created_at: earlier.map_or_else(|| sandbox.clock.now(), |target| target.created_at),
        suspended_state: input.suspended_state.or(earlier.map(|target| target.suspended_state)).unwrap_or_default(),
        cooldown: earlier.and_then(|target| target.cooldown),
        resource_id: input.resource_id,
        tags,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeregisterScalableTargetInput {
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
}

/// Deregisters a target, and deletes its policies with their alarms.
pub(super) fn deregister(sandbox: &Arc<Sandbox>, input: DeregisterScalableTargetInput) -> OperationResult {
    check_target(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        state
            .targets
            .remove(&input.resource_id)
            .ok_or_else(|| not_found("scalable target found", &input.resource_id))?;
        let prefix = format!("{}:", input.resource_id);
        let policies: Vec<String> = state.policies.with_prefix(&prefix).map(|(key, _)| key.to_owned()).collect();
        for key in policies {
            policies::remove(states, &key);
        }
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeScalableTargetsInput {
    service_namespace: String,
    #[serde(default)]
    resource_ids: Vec<String>,
    scalable_dimension: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeScalableTargetsInput) -> OperationResult {
    let DescribeScalableTargetsInput { service_namespace, resource_ids, scalable_dimension, max_results, next_token } =
        input;
    let limit = limit(max_results)?;
    let is_served = is_served(&service_namespace, scalable_dimension.as_deref());
    let query = format!("DescribeScalableTargets {is_served} {resource_ids:?}");
    let page = sandbox.store.read(|states| {
        let matches = |id: &str| is_served && (resource_ids.is_empty() || resource_ids.iter().any(|given| given == id));
        let targets = states.of::<State>().targets.iter().filter(|(id, _)| matches(id));
        let outputs = targets.map(|(id, target)| (id.to_owned(), target.to_output(&sandbox.config)));
        paging::page(outputs, &query, next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "ScalableTargets": page.items, "NextToken": page.next_token }))
}
