//! GetMetricStatistics.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::data_points::{self, Point};
use super::statistics::{Statistic, aligned, buckets, is_period};
use super::{Dimension, Metric, invalid_combination, invalid_value};
use crate::base::clock::{clamped_millis, seconds_from_millis};
use crate::core::OperationResult;
use crate::services::cloudwatch::State;
use crate::{Fault, Sandbox};

const MAX_POINTS: i64 = 1440;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetMetricStatisticsInput {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: f64,
    end_time: f64,
    period: i64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: GetMetricStatisticsInput) -> OperationResult {
    if input.statistics.is_empty() == input.extended_statistics.is_empty() {
        return Err(invalid_combination("Must specify either Statistics or ExtendedStatistics"));
    }
    // Times are truncated to seconds.
    let (start, end) = (clamped_millis(input.start_time.floor()), clamped_millis(input.end_time.floor()));
    if start >= end {
        return Err(invalid_value("The parameter StartTime must be less than the parameter EndTime."));
    }
    check_period(input.period, start, end)?;
    let parse = |name: &String| Ok((name.clone(), Statistic::parse(name, "ExtendedStatistics.member.1")?));
    let plain = input.statistics.iter().map(parse).collect::<Result<Vec<_>, Fault>>()?;
    let extended = input.extended_statistics.iter().map(parse).collect::<Result<Vec<_>, Fault>>()?;

    let start = aligned(start, input.period);
    let key = Metric::key(&input.namespace, &input.metric_name, &input.dimensions);
    let metric = sandbox.store.read(|states| states.of::<State>().metrics.get(&key).map(|metric| metric.id));
    let points = metric.map_or(Ok(Vec::new()), |metric| data_points::between(sandbox, metric, start, end))?;
    let mut outputs = Vec::new();
    for (time, bucket) in buckets(&points, start, input.period * 1000) {
        for (unit, points) in by_unit(bucket, input.unit.as_deref()) {
            outputs.push(datapoint(time, unit, &points, &plain, &extended));
        }
    }
    Ok(json!({ "Label": input.metric_name, "Datapoints": outputs }))
}

fn check_period(period: i64, start: i64, end: i64) -> Result<(), Fault> {
    if !is_period(period) {
        return Err(invalid_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
    }
    let requested = (end - start).div_euclid(period * 1000);
    if requested <= MAX_POINTS {
        return Ok(());
    }
    Err(invalid_combination(format!(
        "You have requested up to {} datapoints, which exceeds the limit of {}. You may reduce the datapoints requested by \
         increasing Period, or decreasing the time range.",
        grouped(requested),
        grouped(MAX_POINTS)
    )))
}

/// Formats a number with thousands separators.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let thousands: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    thousands.join(",")
}

/// Groups points by unit: data of different units are different data points.
fn by_unit<'a>(points: &'a [Point], unit: Option<&str>) -> BTreeMap<&'a str, Vec<&'a Point>> {
    let mut groups = BTreeMap::<&str, Vec<&Point>>::new();
    for point in points.iter().filter(|point| unit.is_none_or(|unit| unit == point.unit)) {
        groups.entry(&point.unit).or_default().push(point);
    }
    groups
}

fn datapoint(
    time: i64,
    unit: &str,
    points: &[&Point],
    plain: &[(String, Statistic)],
    extended: &[(String, Statistic)],
) -> Value {
    let value = |(name, statistic): &(String, Statistic)| {
        Some((name.clone(), statistic.of(points.iter().copied()).map(Value::from)?))
    };
    let mut output =
        Map::from_iter([("Timestamp".to_owned(), seconds_from_millis(time).into()), ("Unit".to_owned(), unit.into())]);
    output.extend(plain.iter().filter_map(value));
    if !extended.is_empty() {
        output.insert("ExtendedStatistics".to_owned(), Value::Object(extended.iter().filter_map(value).collect()));
    }
    Value::Object(output)
}
