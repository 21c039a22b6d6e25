//! `DescribeAlarms` and `DescribeAlarmsForMetric`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Alarm, StateValue};
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::cloudwatch::{Dimension, Metric, State, invalid_combination};
use crate::{Fault, Sandbox};

pub(super) const PAGE_SIZE: usize = 100;

pub(super) fn invalid_token(_: paging::InvalidToken) -> Fault {
    Fault::client("InvalidNextToken", "The next token specified is invalid.")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeAlarmsInput {
    #[serde(default)]
    alarm_names: Vec<String>,
    alarm_name_prefix: Option<String>,
    #[serde(default)]
    alarm_types: Vec<String>,
    children_of_alarm_name: Option<String>,
    parents_of_alarm_name: Option<String>,
    state_value: Option<StateValue>,
    action_prefix: Option<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

impl DescribeAlarmsInput {
    fn matches(&self, alarm: &Alarm) -> bool {
        let settings = &alarm.settings;
        (self.alarm_names.is_empty() || self.alarm_names.contains(&settings.alarm_name))
            && self.alarm_name_prefix.as_ref().is_none_or(|prefix| settings.alarm_name.starts_with(prefix))
            && (self.alarm_types.is_empty() || self.alarm_types.iter().any(|alarm_type| alarm_type == "MetricAlarm"))
            && self.state_value.is_none_or(|state| state == alarm.state)
            && self.action_prefix.as_ref().is_none_or(|prefix| alarm.has_action(prefix))
    }
}

/// `DescribeAlarms`. The sandbox has no composite alarms.
pub(crate) fn describe(sandbox: &Arc<Sandbox>, input: DescribeAlarmsInput) -> OperationResult {
    if input.children_of_alarm_name.is_some() || input.parents_of_alarm_name.is_some() {
        return Err(Fault::not_implemented("composite alarms"));
    }
    if !input.alarm_names.is_empty() && input.alarm_name_prefix.is_some() {
        return Err(invalid_combination("The parameters AlarmNames and AlarmNamePrefix cannot be used together."));
    }
    let limit = input.max_records.unwrap_or(PAGE_SIZE);
    let query = format!(
        "DescribeAlarms {:?} {:?} {:?} {:?} {:?}",
        input.alarm_names, input.alarm_name_prefix, input.alarm_types, input.state_value, input.action_prefix
    );
    let page = sandbox.store.read(|states| {
        let alarms = states.of::<State>().alarms.iter().filter(|(_, alarm)| input.matches(alarm));
        let rows = alarms.map(|(name, alarm)| (name.to_owned(), alarm.to_output(&sandbox.config)));
        paging::page(rows, &query, input.next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    let alarms = page.items.into_iter().collect::<Result<Vec<Value>, Fault>>()?;
    Ok(json!({ "CompositeAlarms": [], "MetricAlarms": alarms, "NextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeAlarmsForMetricInput {
    metric_name: String,
    namespace: String,
    statistic: Option<String>,
    extended_statistic: Option<String>,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    period: Option<i64>,
    unit: Option<String>,
}

pub(crate) fn for_metric(sandbox: &Arc<Sandbox>, input: DescribeAlarmsForMetricInput) -> OperationResult {
    let key = Metric::key(&input.namespace, &input.metric_name, &input.dimensions);
    let matches = |alarm: &&Alarm| {
        let settings = &alarm.settings;
        let same = |filter: &Option<String>, has: &Option<String>| filter.is_none() || filter == has;
        Metric::key(&settings.namespace, &settings.metric_name, &settings.dimensions) == key
            && same(&input.statistic, &settings.statistic)
            && same(&input.extended_statistic, &settings.extended_statistic)
            && same(&input.unit, &settings.unit)
            && input.period.is_none_or(|period| period == settings.period)
    };
    sandbox.store.read(|states| {
        let alarms = states.of::<State>().alarms.values().filter(matches);
        let alarms = alarms.map(|alarm| alarm.to_output(&sandbox.config)).collect::<Result<Vec<Value>, Fault>>()?;
        Ok(json!({ "MetricAlarms": alarms }))
    })
}
