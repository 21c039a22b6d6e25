//! Scaling policies: put, describe, delete.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DIMENSION, NAMESPACE, check_place, invalid, invalid_token, limit, not_found};
use crate::sandbox::services::{Reply, paging};
use crate::sandbox::world::clock::epoch_seconds;
use crate::sandbox::world::ids;
use crate::sandbox::{Config, Fault, Sandbox};

/// What target tracking can follow for an ECS service without a metric of one's own.
const METRICS: [&str; 3] =
    ["ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization", "ALBRequestCountPerTarget"];

/// One scaling policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    /// The UUID in its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `service/CLUSTER/NAME`.
    pub resource_id: String,
    /// `TargetTrackingScaling` or `StepScaling`.
    pub policy_type: String,
    /// `TargetTrackingScalingPolicyConfiguration` or `StepScalingPolicyConfiguration`, as it was given.
    pub configuration: Value,
    /// When it was first put.
    pub created_at: Timestamp,
}

impl Policy {
    fn key(&self) -> String {
        key(&self.resource_id, &self.name)
    }

    fn arn(&self, config: &Config) -> String {
        let Self { id, resource_id, name, .. } = self;
        config.arn("autoscaling", &format!("scalingPolicy:{id}:resource/{NAMESPACE}/{resource_id}:policyName/{name}"))
    }

    fn describe(&self, config: &Config) -> Value {
        let mut described = json!({
            "PolicyARN": self.arn(config),
            "PolicyName": self.name,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "PolicyType": self.policy_type,
            "Alarms": [],
            "CreationTime": epoch_seconds(self.created_at),
        });
        described[configuration_member(&self.policy_type)] = self.configuration.clone();
        described
    }
}

fn key(resource_id: &str, name: &str) -> String {
    format!("{resource_id}:{name}")
}

fn configuration_member(policy_type: &str) -> &'static str {
    if policy_type == "TargetTrackingScaling" {
        "TargetTrackingScalingPolicyConfiguration"
    } else {
        "StepScalingPolicyConfiguration"
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Put {
    policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
    policy_type: Option<String>,
    target_tracking_scaling_policy_configuration: Option<Value>,
    step_scaling_policy_configuration: Option<Value>,
}

/// Puts a policy, in place of one of the same name.
pub(super) fn put(sandbox: &Arc<Sandbox>, input: Put) -> Reply {
    check_place(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
    let policy_type = input.policy_type.unwrap_or_else(|| "StepScaling".to_owned());
    let configuration = match policy_type.as_str() {
        "TargetTrackingScaling" => input.target_tracking_scaling_policy_configuration,
        "StepScaling" => input.step_scaling_policy_configuration,
        other => return Err(Fault::not_implemented(&format!("scaling policies of the type {other}"))),
    };
    let configuration =
        configuration.ok_or_else(|| invalid(format!("{} is required", configuration_member(&policy_type))))?;
    if policy_type == "TargetTrackingScaling" {
        check_target_tracking(&configuration)?;
    }
    sandbox.world.write(|world| {
        if !world.autoscaling.targets.contains(&input.resource_id) {
            return Err(not_found("scalable target registered", &input.resource_id));
        }
        let earlier = world.autoscaling.policies.get(&key(&input.resource_id, &input.policy_name));
        let policy = Policy {
            id: earlier.map_or_else(ids::uuid, |policy| policy.id.clone()),
            created_at: earlier.map_or_else(|| sandbox.clock.now(), |policy| policy.created_at),
            name: input.policy_name,
            resource_id: input.resource_id,
            policy_type,
            configuration,
        };
        let arn = policy.arn(&sandbox.config);
        world.autoscaling.policies.insert(policy.key(), policy);
        Ok(json!({ "PolicyARN": arn, "Alarms": [] }))
    })
}

fn check_target_tracking(configuration: &Value) -> Result<(), Fault> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let target = configuration.get("TargetValue").and_then(number);
    if !target.is_some_and(|target| target > 0.0) {
        return Err(invalid("TargetValue must be a positive number"));
    }
    let predefined = configuration.get("PredefinedMetricSpecification");
    let custom = configuration.get("CustomizedMetricSpecification");
    match (predefined, custom) {
        (Some(_), Some(_)) | (None, None) => Err(invalid(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified",
        )),
        (Some(predefined), None) => {
            let metric = predefined.get("PredefinedMetricType").and_then(Value::as_str).unwrap_or_default();
            if METRICS.contains(&metric) {
                Ok(())
            } else {
                Err(invalid(format!("Invalid predefined metric type: {metric}")))
            }
        }
        (None, Some(_)) => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    policy_name: String,
    service_namespace: String,
    resource_id: String,
    scalable_dimension: String,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, input: Delete) -> Reply {
    check_place(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
    sandbox.world.write(|world| {
        let removed = world.autoscaling.policies.remove(&key(&input.resource_id, &input.policy_name));
        removed.map(|_| Value::Null).ok_or_else(|| {
            let Fault { status, code, message } = not_found("scaling policy found", &input.resource_id);
            Fault::new(status, code, format!("{message}, policy name: {}", input.policy_name))
        })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    service_namespace: String,
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
    #[serde(default)]
    policy_names: Vec<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    let Describe { service_namespace, resource_id, scalable_dimension, policy_names, max_results, next_token } = input;
    let limit = limit(max_results)?;
    let here = service_namespace == NAMESPACE && scalable_dimension.is_none_or(|dimension| dimension == DIMENSION);
    let question = format!("DescribeScalingPolicies {here} {resource_id:?} {policy_names:?}");
    let page = sandbox.world.read(|world| {
        let named = |policy: &Policy| {
            let arn = policy.arn(&sandbox.config);
            policy_names.is_empty() || policy_names.iter().any(|given| *given == policy.name || *given == arn)
        };
        let rows = world.autoscaling.policies.iter().filter(|(_, policy)| {
            here && resource_id.as_ref().is_none_or(|id| *id == policy.resource_id) && named(policy)
        });
        let described = rows.map(|(key, policy)| (key.to_owned(), policy.describe(&sandbox.config)));
        paging::page(described, &question, next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "ScalingPolicies": page.items, "NextToken": page.next_token }))
}
