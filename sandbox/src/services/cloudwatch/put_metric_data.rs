//! PutMetricData, and the same for the sandbox's own measurements.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::data_points::{self, NO_UNIT, Point};
use super::{Dimension, Measurements, Metric, invalid_combination, invalid_value};
use crate::base::clock::clamped_millis;
use crate::core::OperationResult;
use crate::services::cloudwatch::State;
use crate::{Fault, Sandbox};

/// How old data may be (two weeks), and how far in the future (two hours).
const MAX_AGE_MILLIS: i64 = 14 * 24 * 60 * 60 * 1000;
const MAX_FUTURE_MILLIS: i64 = 2 * 60 * 60 * 1000;
const MAX_DATA: usize = 1000;
const MAX_VALUES: usize = 150;
const MINUTE: i64 = 60 * 1000;
/// The largest absolute value (API reference of MetricDatum: -2^360 to 2^360).
const MAX_VALUE: f64 = 2.348_542_582_773_834e108;

/// A measurement of a metric.
#[derive(Debug, Clone)]
pub(crate) struct Datum {
    /// Such as `CPUUtilization`.
    pub metric_name: String,
    /// The dimensions that identify the metric.
    pub dimensions: Vec<Dimension>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Such as `Percent`.
    pub unit: String,
    pub values: Measurements,
}

/// Puts measurements into a namespace.
///
/// # Errors
/// When the database fails.
pub(crate) fn put(sandbox: &Sandbox, namespace: &str, data: Vec<Datum>) -> Result<(), Fault> {
    let keys: BTreeMap<String, &Datum> =
        data.iter().map(|datum| (Metric::key(namespace, &datum.metric_name, &datum.dimensions), datum)).collect();
    let minute = sandbox.clock.now().as_millisecond() / MINUTE * MINUTE;
    let is_recent =
        |states: &super::State, key: &str| states.metrics.get(key).is_some_and(|metric| metric.last_data >= minute);
    if !sandbox.store.read(|states| keys.keys().all(|key| is_recent(states.of::<State>(), key))) {
        sandbox.store.write(|states| {
            for (key, datum) in &keys {
                let known = states.of::<State>().metrics.get(key).cloned();
                let metric = known.unwrap_or_else(|| Metric {
                    id: rand::random(),
                    namespace: namespace.to_owned(),
                    metric_name: datum.metric_name.clone(),
                    dimensions: datum.dimensions.clone(),
                    last_data: 0,
                });
                states.of_mut::<State>().metrics.insert(key.clone(), Metric { last_data: minute, ..metric });
            }
            Ok(())
        })?;
    }
    let points: Vec<(u64, Point)> = sandbox.store.read(|states| {
        let placed = data.into_iter().filter_map(|datum| {
            let key = Metric::key(namespace, &datum.metric_name, &datum.dimensions);
            let metric = states.of::<State>().metrics.get(&key)?;
            Some((metric.id, Point { timestamp: datum.timestamp, unit: datum.unit, values: datum.values }))
        });
        placed.collect()
    });
    data_points::append(sandbox, &points)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutMetricDataInput {
    namespace: String,
    #[serde(default)]
    metric_data: Vec<MetricDatumInput>,
    #[serde(default)]
    entity_metric_data: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricDatumInput {
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<f64>,
    value: Option<Number>,
    #[serde(default)]
    values: Vec<Number>,
    #[serde(default)]
    counts: Vec<Number>,
    statistic_values: Option<Set>,
    unit: Option<String>,
    storage_resolution: Option<i64>,
}

/// A number, or a string for the values that JSON has no number for, such as `NaN`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Finite(f64),
    Other(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Set {
    sample_count: Number,
    sum: Number,
    minimum: Number,
    maximum: Number,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: PutMetricDataInput) -> OperationResult {
    if !input.entity_metric_data.is_empty() {
        return Err(Fault::not_implemented("EntityMetricData in PutMetricData"));
    }
    if input.namespace.starts_with("AWS/") {
        return Err(invalid_value(format!("The value {} for parameter Namespace is invalid.", input.namespace)));
    }
    if input.metric_data.is_empty() {
        return Err(Fault::client("MissingParameter", "The parameter MetricData is required."));
    }
    if input.metric_data.len() > MAX_DATA {
        let message = format!("The collection MetricData must not have a size greater than {MAX_DATA}.");
        return Err(invalid_value(message));
    }
    let now = sandbox.clock.now().as_millisecond();
    let data = input.metric_data.into_iter().enumerate();
    let data = data.map(|(at, given)| given.checked(&format!("MetricData.member.{}", at + 1), now));
    put(sandbox, &input.namespace, data.collect::<Result<_, _>>()?)?;
    Ok(Value::Null)
}

impl MetricDatumInput {
    fn checked(self, at: &str, now: i64) -> Result<Datum, Fault> {
        let timestamp = self.timestamp.map_or(now, clamped_millis);
        if timestamp < now - MAX_AGE_MILLIS || timestamp > now + MAX_FUTURE_MILLIS {
            let message = format!(
                "The parameter {at}.Timestamp must specify a time within the past two weeks and no more than two hours in the future."
            );
            return Err(invalid_value(message));
        }
        if !matches!(self.storage_resolution, None | Some(1 | 60)) {
            return Err(invalid_value(format!("The parameter {at}.StorageResolution must be 1 or 60.")));
        }
        let values = measured(at, self.value, &self.values, &self.counts, self.statistic_values)?;
        Ok(Datum {
            metric_name: self.metric_name,
            dimensions: self.dimensions,
            timestamp,
            unit: self.unit.unwrap_or_else(|| NO_UNIT.to_owned()),
            values,
        })
    }
}

fn measured(
    at: &str,
    value: Option<Number>,
    values: &[Number],
    counts: &[Number],
    set: Option<Set>,
) -> Result<Measurements, Fault> {
    let exclusive = |first: &str, second: &str| {
        format!("The parameters {at}.{first} and {at}.{second} are mutually exclusive and you have specified both.")
    };
    match (value, values, set) {
        (Some(_), [_, ..], _) => Err(invalid_value(exclusive("Value", "Values"))),
        (Some(_), _, Some(_)) => Err(invalid_combination(exclusive("Value", "StatisticValues"))),
        (None, [_, ..], Some(_)) => Err(invalid_combination(exclusive("Values", "StatisticValues"))),
        (Some(value), [], None) => Ok(Measurements::Each(vec![(value.finite(at, "Value")?, 1.0)])),
        (None, [], Some(set)) => Ok(Measurements::Set {
            count: set.sample_count.finite(at, "StatisticValues.SampleCount")?,
            sum: set.sum.finite(at, "StatisticValues.Sum")?,
            minimum: set.minimum.finite(at, "StatisticValues.Minimum")?,
            maximum: set.maximum.finite(at, "StatisticValues.Maximum")?,
        }),
        (None, [], None) => {
            let message = format!(
                "At least one of the parameters {at}.Value, {at}.Values or {at}.StatisticValues must be specified."
            );
            Err(Fault::client("MissingParameter", message))
        }
        (None, values, None) => with_counts(at, values, counts),
    }
}

fn with_counts(at: &str, values: &[Number], counts: &[Number]) -> Result<Measurements, Fault> {
    if !counts.is_empty() && counts.len() != values.len() {
        return Err(invalid_value(format!("The parameters {at}.Values and {at}.Counts must be of the same size.")));
    }
    if values.len() > MAX_VALUES {
        return Err(invalid_value(format!(
            "The collection {at}.Values must not have a size greater than {MAX_VALUES}."
        )));
    }
    let times = |index: usize| counts.get(index).map_or(Ok(1.0), |count| count.finite(at, "Counts"));
    let each = values.iter().enumerate().map(|(index, value)| Ok((value.finite(at, "Values")?, times(index)?)));
    Ok(Measurements::Each(each.collect::<Result<_, Fault>>()?))
}

impl Number {
    fn finite(&self, at: &str, member: &str) -> Result<f64, Fault> {
        let invalid = |text: &str| invalid_value(format!("The value {text} for parameter {at}.{member} is invalid."));
        match self {
            Self::Finite(number) if number.abs() <= MAX_VALUE => Ok(*number),
            Self::Finite(number) => Err(invalid(&number.to_string())),
            Self::Other(text) => match text.parse::<f64>() {
                Ok(number) if number.abs() <= MAX_VALUE => Ok(number),
                _ => Err(invalid(text)),
            },
        }
    }
}
