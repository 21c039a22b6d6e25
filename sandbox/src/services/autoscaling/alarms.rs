//! The alarms of target tracking policies, which are created, changed and deleted with their policy.
//!
//! Source: alarms of ECS services in the API: three minutes above the target scale out, fifteen minutes below 90 % of
//! it scale in, and the action is the policy's ARN with its creator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::configuration::{Configuration, TargetTracking};
use super::{ScalingPolicy, service_of};
use crate::base::ids;
use crate::services::cloudwatch::{self, AlarmSettings};
use crate::store::States;
use crate::{Config, Fault};

/// The threshold of scaling in, relative to the target.
const LOW_THRESHOLD_RATIO: f64 = 0.9;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PolicyAlarms {
    /// The alarm that scales out.
    pub high: Option<String>,
    /// The alarm that scales in, unless the policy disables that.
    pub low: Option<String>,
}

/// One of the two kinds of alarms.
struct AlarmKind {
    name: &'static str,
    operator: &'static str,
    periods: u32,
    target_ratio: f64,
}

const ALARM_HIGH: AlarmKind =
    AlarmKind { name: "AlarmHigh", operator: "GreaterThanThreshold", periods: 3, target_ratio: 1.0 };
const ALARM_LOW: AlarmKind =
    AlarmKind { name: "AlarmLow", operator: "LessThanThreshold", periods: 15, target_ratio: LOW_THRESHOLD_RATIO };

/// Creates, changes or deletes a policy's alarms according to its configuration.
pub(super) fn put(
    states: &mut States,
    config: &Config,
    policy: &mut ScalingPolicy,
    configuration: &Configuration,
    now: i64,
) -> Result<(), Fault> {
    let tracking = match configuration {
        Configuration::TargetTracking(tracking) => Some(tracking),
        Configuration::StepScaling(_) => None,
    };
    let high = policy.alarms.high.take();
    policy.alarms.high = put_one(states, config, policy, &ALARM_HIGH, high, tracking, now)?;
    let low = policy.alarms.low.take();
    let tracking = tracking.filter(|tracking| tracking.scales_in());
    policy.alarms.low = put_one(states, config, policy, &ALARM_LOW, low, tracking, now)?;
    Ok(())
}

fn put_one(
    states: &mut States,
    config: &Config,
    policy: &ScalingPolicy,
    kind: &AlarmKind,
    earlier: Option<String>,
    tracking: Option<&TargetTracking>,
    now: i64,
) -> Result<Option<String>, Fault> {
    let Some(tracking) = tracking else {
        if let Some(name) = earlier {
            states.of_mut::<cloudwatch::State>().alarms.remove(&name);
        }
        return Ok(None);
    };
    let name =
        earlier.unwrap_or_else(|| format!("TargetTracking-{}-{}-{}", policy.resource_id, kind.name, ids::uuid()));
    let settings = settings(config, policy, kind, &name, tracking)?;
    cloudwatch::put_alarm(states.of_mut::<cloudwatch::State>(), settings, BTreeMap::new(), now);
    Ok(Some(name))
}

fn settings(
    config: &Config,
    policy: &ScalingPolicy,
    kind: &AlarmKind,
    name: &str,
    tracking: &TargetTracking,
) -> Result<AlarmSettings, Fault> {
    let (cluster, service) = service_of(&policy.resource_id)?;
    let metric = tracking.metric(&cluster, &service);
    let action = format!("{}:createdBy/{}", policy.arn(config), policy.creator);
    let settings = json!({
        "AlarmName": name,
        "AlarmDescription": format!("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}."),
        "AlarmActions": [action],
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": metric.dimensions,
        "Statistic": metric.statistic,
        "Unit": metric.unit,
        "Period": 60,
        "EvaluationPeriods": kind.periods,
        "Threshold": tracking.target_value * kind.target_ratio,
        "ComparisonOperator": kind.operator,
    });
    serde_json::from_value(settings).map_err(Fault::internal)
}

pub(super) fn delete(states: &mut States, policy: &ScalingPolicy) {
    for name in [&policy.alarms.high, &policy.alarms.low].into_iter().flatten() {
        states.of_mut::<cloudwatch::State>().alarms.remove(name);
    }
}

/// All alarms whose actions name a policy, in the form of responses.
pub(super) fn to_output(states: &States, config: &Config, policy: &ScalingPolicy) -> Vec<Value> {
    let arn = policy.arn(config);
    let naming = states.of::<cloudwatch::State>().alarms.values().filter(|alarm| alarm.has_action(&arn));
    naming.map(|alarm| json!({ "AlarmName": alarm.name(), "AlarmARN": alarm.arn(config) })).collect()
}
