//! Scaling policies: put, describe, delete.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::alarms::{self, PolicyAlarms};
use super::configuration::{Configuration, PolicyType};
use super::{
    DIMENSION, NAMESPACE, check_target, invalid_token, is_served, limit, not_found, service_of, validation_exception,
};
use crate::base::clock::epoch_seconds;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::services::autoscaling::State;
use crate::store::States;
use crate::{Config, Fault, Sandbox};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScalingPolicy {
    /// The UUID in its ARN.
    pub id: String,
    pub name: String,
    /// `service/CLUSTER/NAME`.
    pub resource_id: String,
    pub policy_type: PolicyType,
    /// `TargetTrackingScalingPolicyConfiguration` or `StepScalingPolicyConfiguration`, as given.
    pub configuration: Value,
    pub created_at: Timestamp,
    /// The alarms that were created for it.
    #[serde(default)]
    pub alarms: PolicyAlarms,
    /// The UUID that identifies it in the actions of its alarms.
    #[serde(default = "ids::uuid")]
    pub creator: String,
}

impl ScalingPolicy {
    fn key(&self) -> String {
        key(&self.resource_id, &self.name)
    }

    pub(super) fn arn(&self, config: &Config) -> String {
        let Self { id, resource_id, name, .. } = self;
        config.arn("autoscaling", &format!("scalingPolicy:{id}:resource/{NAMESPACE}/{resource_id}:policyName/{name}"))
    }

    pub(super) fn configuration(&self) -> Result<Configuration, Fault> {
        Configuration::read(self.policy_type, Some(self.configuration.clone()))
    }

    fn to_output(&self, states: &States, config: &Config) -> Value {
        let mut output = json!({
            "PolicyARN": self.arn(config),
            "PolicyName": self.name,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "PolicyType": self.policy_type,
            "Alarms": alarms::to_output(states, config, self),
            "CreationTime": epoch_seconds(self.created_at),
        });
        output[self.policy_type.member()] = self.configuration.clone();
        output
    }
}

fn key(resource_id: &str, name: &str) -> String {
    format!("{resource_id}:{name}")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutScalingPolicyInput {
    policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    policy_type: Option<String>,
    target_tracking_scaling_policy_configuration: Option<Value>,
    step_scaling_policy_configuration: Option<Value>,
}

/// Creates or replaces a policy.
pub(super) fn put(sandbox: &Arc<Sandbox>, input: PutScalingPolicyInput) -> OperationResult {
    check_target(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
    let policy_type = input.policy_type.as_deref().map_or(Ok(PolicyType::StepScaling), PolicyType::parse)?;
    let given = match policy_type {
        PolicyType::TargetTrackingScaling => input.target_tracking_scaling_policy_configuration,
        PolicyType::StepScaling => input.step_scaling_policy_configuration,
    };
    let configuration = Configuration::read(policy_type, given)?;
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        if !states.of::<State>().targets.contains(&input.resource_id) {
            return Err(not_found("scalable target registered", &input.resource_id));
        }
        check_unique_metric(states, &input.resource_id, &input.policy_name, &configuration)?;
        let earlier = states.of::<State>().policies.get(&key(&input.resource_id, &input.policy_name)).cloned();
        let mut policy = earlier.unwrap_or_else(|| ScalingPolicy {
            id: ids::uuid(),
            created_at: now,
            name: input.policy_name,
            resource_id: input.resource_id,
            policy_type,
            configuration: Value::Null,
            alarms: PolicyAlarms::default(),
            creator: ids::uuid(),
        });
        policy.policy_type = policy_type;
        policy.configuration = configuration.to_output()?;
        alarms::put(states, &sandbox.config, &mut policy, &configuration, now.as_millisecond())?;
        let response = json!({
            "PolicyARN": policy.arn(&sandbox.config),
            "Alarms": alarms::to_output(states, &sandbox.config, &policy),
        });
        states.of_mut::<State>().policies.insert(policy.key(), policy);
        Ok(response)
    })
}

/// Refuses a second policy that tracks the same metric.
fn check_unique_metric(states: &States, resource_id: &str, name: &str, given: &Configuration) -> Result<(), Fault> {
    let Configuration::TargetTracking(given) = given else { return Ok(()) };
    let (cluster, service) = service_of(resource_id)?;
    let metric = given.metric(&cluster, &service);
    for other in states.of::<State>().policies.values() {
        if other.resource_id != resource_id || other.name == name {
            continue;
        }
        if let Ok(Configuration::TargetTracking(tracking)) = other.configuration()
            && tracking.metric(&cluster, &service) == metric
        {
            return Err(validation_exception(
                "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
            ));
        }
    }
    Ok(())
}

/// Creates the alarms of policies that were stored by an older version without alarms.
pub(crate) fn create_missing_alarms(sandbox: &Sandbox) -> Result<(), Fault> {
    let lacks_alarms = |policy: &ScalingPolicy| {
        policy.policy_type == PolicyType::TargetTrackingScaling && policy.alarms.high.is_none()
    };
    let policies: Vec<(String, ScalingPolicy)> = sandbox.store.read(|states| {
        let policies = states.of::<State>().policies.iter().filter(|(_, policy)| lacks_alarms(policy));
        policies.map(|(key, policy)| (key.to_owned(), policy.clone())).collect()
    });
    if policies.is_empty() {
        return Ok(());
    }
    let now = sandbox.clock.now().as_millisecond();
    sandbox.store.write(|states| {
        for (key, mut policy) in policies {
            // A policy that would be refused today is not changed.
            if let Ok(configuration) = policy.configuration() {
                policy.configuration = configuration.to_output()?;
                alarms::put(states, &sandbox.config, &mut policy, &configuration, now)?;
                states.of_mut::<State>().policies.insert(key, policy);
            }
        }
        Ok(())
    })
}

/// Removes a policy and the alarms that were created for it.
pub(super) fn remove(states: &mut States, key: &str) -> Option<ScalingPolicy> {
    let policy = states.of_mut::<State>().policies.remove(key)?;
    alarms::delete(states, &policy);
    Some(policy)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteScalingPolicyInput {
    policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteScalingPolicyInput) -> OperationResult {
    check_target(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
    sandbox.store.write(|states| {
        let removed = remove(states, &key(&input.resource_id, &input.policy_name));
        removed.map(|_| Value::Null).ok_or_else(|| {
            let fault = not_found("scaling policy found", &input.resource_id);
            Fault { message: format!("{}, policy name: {}", fault.message, input.policy_name), ..fault }
        })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeScalingPoliciesInput {
    service_namespace: String,
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
    #[serde(default)]
    policy_names: Vec<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeScalingPoliciesInput) -> OperationResult {
    let DescribeScalingPoliciesInput {
        service_namespace,
        resource_id,
        scalable_dimension,
        policy_names,
        max_results,
        next_token,
    } = input;
    let limit = limit(max_results)?;
    let is_served = is_served(&service_namespace, scalable_dimension.as_deref());
    let query = format!("DescribeScalingPolicies {is_served} {resource_id:?} {policy_names:?}");
    let page = sandbox.store.read(|states| {
        let named = |policy: &ScalingPolicy| {
            let arn = policy.arn(&sandbox.config);
            policy_names.is_empty() || policy_names.iter().any(|given| *given == policy.name || *given == arn)
        };
        let rows = states.of::<State>().policies.iter().filter(|(_, policy)| {
            is_served && resource_id.as_ref().is_none_or(|id| *id == policy.resource_id) && named(policy)
        });
        let outputs = rows.map(|(key, policy)| (key.to_owned(), policy.to_output(states, &sandbox.config)));
        paging::page(outputs, &query, next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "ScalingPolicies": page.items, "NextToken": page.next_token }))
}
