//! `PutMetricAlarm`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Alarm, Settings};
use crate::base::tags::{self, Tag, TagMap};
use crate::core::OperationResult;
use crate::protocol::coerce::{self, InputError};
use crate::services::cloudwatch::statistics::{Statistic, is_period};
use crate::services::cloudwatch::tags::check_count;
use crate::services::cloudwatch::{State, invalid_combination, validation_error};
use crate::{Fault, Sandbox};

const DAY: i64 = 24 * 60 * 60;
/// The evaluation range of an alarm whose period is at least an hour.
const WEEK: i64 = 7 * DAY;
const MISSING_DATA: &[&str] = &["breaching", "notBreaching", "ignore", "missing"];
const LOW_SAMPLE_COUNT: &[&str] = &["evaluate", "ignore"];
/// Members of the kinds of alarms that are not served.
const NOT_SERVED: &[&str] = &[
    "Metrics",
    "ThresholdMetricId",
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
];
const ANOMALY_DETECTION_OPERATORS: &[&str] =
    &["LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"];
const REQUIRED: &[&str] =
    &["MetricName", "Namespace", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(crate) fn run(sandbox: &Arc<Sandbox>, input: Value) -> OperationResult {
    for member in NOT_SERVED {
        if input.get(member).is_some_and(|given| !given.is_null()) {
            return Err(Fault::not_implemented(&format!("{member} in PutMetricAlarm")));
        }
    }
    for member in REQUIRED {
        if input.get(member).is_none_or(Value::is_null) {
            return Err(Fault::client("MissingParameter", format!("The parameter {member} is required.")));
        }
    }
    if let Some(operator) =
        input["ComparisonOperator"].as_str().filter(|operator| ANOMALY_DETECTION_OPERATORS.contains(operator))
    {
        return Err(Fault::not_implemented(&format!("alarms that compare with {operator}")));
    }
    let read = |error: InputError| validation_error(error.to_string());
    let Tagged { tags } = coerce::from_value(input.clone()).map_err(read)?;
    let settings: Settings = coerce::from_value(input).map_err(read)?;
    check(&settings)?;
    let now = sandbox.clock.now().as_millisecond();
    sandbox.store.write(|states| {
        if !states.of::<State>().alarms.contains(&settings.alarm_name) {
            check_count(tags.len())?;
        }
        let tags = tags::to_map(tags);
        put_alarm(states.of_mut::<State>(), settings, tags, now);
        Ok(Value::Null)
    })
}

/// Creates an alarm, or replaces the settings of an existing one. Tags are applied to a new alarm only.
pub(crate) fn put_alarm(state: &mut State, settings: Settings, tags: TagMap, now: i64) {
    let alarm = match state.alarms.get(&settings.alarm_name).cloned() {
        Some(before) => Alarm { settings, configured_at_millis: now, ..before },
        None => Alarm::new(settings, tags, now),
    };
    state.alarms.insert(alarm.settings.alarm_name.clone(), alarm);
}

fn check(settings: &Settings) -> Result<(), Fault> {
    match (&settings.statistic, &settings.extended_statistic) {
        (Some(_), None) => {}
        (None, Some(extended)) => drop(Statistic::parse(extended, "ExtendedStatistic")?),
        _ => return Err(invalid_combination("Must specify either Statistic or ExtendedStatistic")),
    }
    check_option("TreatMissingData", settings.treat_missing_data.as_deref(), MISSING_DATA)?;
    let low = settings.evaluate_low_sample_count_percentile.as_deref();
    check_option("EvaluateLowSampleCountPercentile", low, LOW_SAMPLE_COUNT)?;
    if !is_period(settings.period) || settings.period < 10 {
        return Err(validation_error("Metric period must be 10, 20, 30 or a multiple of 60."));
    }
    let looks_back = settings.period.saturating_mul(i64::try_from(settings.evaluation_periods).unwrap_or(i64::MAX));
    let (limit, words) = if settings.period < 3600 { (DAY, "a day") } else { (WEEK, "a week") };
    if looks_back > limit {
        return Err(validation_error(format!(
            "Metrics cannot be checked across more than {words} (EvaluationPeriods * Period must be <= {limit})."
        )));
    }
    if settings.datapoints_to_alarm.is_some_and(|datapoints| datapoints > settings.evaluation_periods) {
        return Err(validation_error("DatapointsToAlarm must be less than or equal to EvaluationPeriods."));
    }
    let actions = [&settings.ok_actions, &settings.alarm_actions, &settings.insufficient_data_actions];
    match actions.into_iter().flatten().find(|action| !action.starts_with("arn:")) {
        Some(action) => Err(validation_error(format!("Invalid arn syntax: {action}"))),
        None => Ok(()),
    }
}

fn check_option(parameter: &str, given: Option<&str>, options: &[&str]) -> Result<(), Fault> {
    let Some(given) = given.filter(|given| !options.contains(given)) else { return Ok(()) };
    let (last, others) = options.split_last().unwrap_or((&"", &[]));
    Err(validation_error(format!(
        "Option {given} is not supported. Supported options for parameter {parameter} are {} and {last}.",
        others.join(", ")
    )))
}
