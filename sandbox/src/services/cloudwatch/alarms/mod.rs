//! Metric alarms: their operations, the loop that evaluates them, and their actions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Dimension;
use crate::base::clock::seconds_from_millis;
use crate::base::tags::TagMap;
use crate::services::cloudwatch::State;
use crate::{Config, Fault, Sandbox};

mod actions;
pub(super) mod changes;
mod comparison_operator;
pub(super) mod describe_alarms;
pub(super) mod evaluation;
mod evaluation_loop;
pub(super) mod put_metric_alarm;

use comparison_operator::ComparisonOperator;
pub(crate) use evaluation_loop::{alarm_values, evaluate_alarms, wall_clock_millis};
pub(crate) use put_metric_alarm::put_alarm;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StateValue {
    /// The metric is within the threshold.
    Ok,
    /// The metric is beyond the threshold.
    Alarm,
    /// There is not enough data.
    InsufficientData,
}

impl StateValue {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// The settings of an alarm, in the API's members.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Settings {
    pub(super) alarm_name: String,
    pub(super) alarm_description: Option<String>,
    #[serde(default = "enabled")]
    pub(super) actions_enabled: bool,
    #[serde(rename = "OKActions", default)]
    pub(super) ok_actions: Vec<String>,
    #[serde(default)]
    pub(super) alarm_actions: Vec<String>,
    #[serde(default)]
    pub(super) insufficient_data_actions: Vec<String>,
    pub(super) metric_name: String,
    pub(super) namespace: String,
    pub(super) statistic: Option<String>,
    pub(super) extended_statistic: Option<String>,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
    /// In seconds.
    pub(super) period: i64,
    pub(super) unit: Option<String>,
    pub(super) evaluation_periods: usize,
    pub(super) datapoints_to_alarm: Option<usize>,
    pub(super) threshold: f64,
    pub(super) comparison_operator: ComparisonOperator,
    pub(super) treat_missing_data: Option<String>,
    pub(super) evaluate_low_sample_count_percentile: Option<String>,
}

fn enabled() -> bool {
    true
}

impl Settings {
    /// The name of its statistic or extended statistic.
    pub(super) fn statistic(&self) -> &str {
        self.statistic.as_deref().or(self.extended_statistic.as_deref()).unwrap_or_default()
    }

    pub(super) fn actions(&self, state: StateValue) -> &[String] {
        match state {
            StateValue::Ok => &self.ok_actions,
            StateValue::Alarm => &self.alarm_actions,
            StateValue::InsufficientData => &self.insufficient_data_actions,
        }
    }
}

/// An alarm. Times are milliseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub settings: Settings,
    /// When its settings last changed.
    #[serde(rename = "configured")]
    pub configured_at_millis: i64,
    pub state: StateValue,
    /// The reason for its state, for people.
    pub reason: String,
    /// The reason for programs: JSON.
    pub reason_data: Option<String>,
    /// When its state or the reason for it last changed.
    #[serde(rename = "state_updated")]
    pub state_updated_at_millis: i64,
    /// When its state last changed.
    #[serde(rename = "transitioned")]
    pub transitioned_at_millis: i64,
    pub tags: TagMap,
}

impl Alarm {
    /// An alarm that has not been evaluated yet.
    fn new(settings: Settings, tags: TagMap, now: i64) -> Self {
        Self {
            settings,
            configured_at_millis: now,
            state: StateValue::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            state_updated_at_millis: now,
            transitioned_at_millis: now,
            tags,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.settings.alarm_name
    }

    /// Whether it is in state `ALARM`.
    pub(crate) fn is_alarming(&self) -> bool {
        self.state == StateValue::Alarm
    }

    /// Whether one of its actions, for any state, begins with `prefix`.
    pub(crate) fn has_action(&self, prefix: &str) -> bool {
        let Settings { ok_actions, alarm_actions, insufficient_data_actions, .. } = &self.settings;
        let mut actions = [ok_actions, alarm_actions, insufficient_data_actions].into_iter().flatten();
        actions.any(|action| action.starts_with(prefix))
    }

    pub(crate) fn arn(&self, config: &Config) -> String {
        config.arn("cloudwatch", &format!("alarm:{}", self.settings.alarm_name))
    }

    /// The alarm in the form of responses.
    fn to_output(&self, config: &Config) -> Result<Value, Fault> {
        let mut output = serde_json::to_value(&self.settings).map_err(Fault::internal)?;
        output["AlarmArn"] = self.arn(config).into();
        output["AlarmConfigurationUpdatedTimestamp"] = seconds_from_millis(self.configured_at_millis).into();
        output["StateValue"] = self.state.name().into();
        output["StateReason"] = self.reason.as_str().into();
        output["StateReasonData"] = self.reason_data.clone().into();
        output["StateUpdatedTimestamp"] = seconds_from_millis(self.state_updated_at_millis).into();
        output["StateTransitionedTimestamp"] = seconds_from_millis(self.transitioned_at_millis).into();
        Ok(output)
    }
}

/// Sets an alarm's state, and performs the actions of a new one.
pub(super) fn transition(
    sandbox: &Arc<Sandbox>,
    name: &str,
    state: StateValue,
    reason: &str,
    reason_data: Option<String>,
) -> Result<(), Fault> {
    let now = sandbox.clock.now().as_millisecond();
    let changed = sandbox.store.write(|states| {
        let missing = || Fault::not_found("ResourceNotFound", "").with_status(404);
        let alarm = states.of_mut::<State>().alarms.get_mut(name).ok_or_else(missing)?;
        let before = alarm.state;
        alarm.state = state;
        reason.clone_into(&mut alarm.reason);
        alarm.reason_data = reason_data;
        alarm.state_updated_at_millis = now;
        if before == state {
            return Ok(None);
        }
        alarm.transitioned_at_millis = now;
        Ok(Some(alarm.clone()))
    })?;
    if let Some(alarm) = changed {
        actions::perform(sandbox, &alarm);
    }
    Ok(())
}
