//! GetMetricData: several metrics in one request. Math expressions are refused as not served.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::data_points::{self, Point};
use super::statistics::{Statistic, aligned, buckets, is_period};
use super::{Dimension, Metric, invalid_value, validation_error};
use crate::base::clock::{clamped_millis, seconds_from_millis};
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::cloudwatch::State;
use crate::{Fault, Sandbox};

/// Source: API reference of GetMetricData.
const MAX_POINTS: usize = 100_800;
const MAX_QUERIES: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetMetricDataInput {
    metric_data_queries: Vec<Query>,
    start_time: f64,
    end_time: f64,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Query {
    id: String,
    metric_stat: Option<MetricStat>,
    expression: Option<String>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetricStat {
    metric: Named,
    period: i64,
    stat: String,
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: GetMetricDataInput) -> OperationResult {
    // Times are truncated to seconds.
    let (start, end) = (clamped_millis(input.start_time.floor()), clamped_millis(input.end_time.floor()));
    if start > end {
        return Err(validation_error("The parameter EndTime must be greater than StartTime."));
    }
    if start == end {
        return Err(validation_error("The parameter StartTime must not equal parameter EndTime."));
    }
    check(&input.metric_data_queries)?;
    let ascending = input.scan_by.as_deref() == Some("TimestampAscending");
    let limit = input.max_datapoints.unwrap_or(MAX_POINTS).clamp(1, MAX_POINTS);
    let ids: Vec<&String> = input.metric_data_queries.iter().map(|query| &query.id).collect();
    let query = format!("GetMetricData {start} {end} {ascending} {ids:?}");
    let mut skip = from(&query, input.next_token.as_deref())?;
    let stats: BTreeSet<&str> =
        input.metric_data_queries.iter().filter_map(|query| Some(query.metric_stat.as_ref()?.stat.as_str())).collect();
    let several = stats.len() > 1;
    let (mut room, from) = (limit, skip);
    let (mut results, mut more) = (Vec::new(), false);
    for query in &input.metric_data_queries {
        let Some(stat) = &query.metric_stat else { continue };
        if query.return_data == Some(false) {
            continue;
        }
        let mut data = stat.data(sandbox, start, end)?;
        if !ascending {
            data.reverse();
        }
        let before = skip.min(data.len());
        skip -= before;
        let taken: Vec<_> = data[before..].iter().take(room).collect();
        room -= taken.len();
        let partial = before + taken.len() < data.len();
        more |= partial;
        results.push(json!({
            "Id": query.id,
            "Label": query.label.clone().unwrap_or_else(|| stat.label(several)),
            "Timestamps": taken.iter().map(|(time, _)| seconds_from_millis(*time)).collect::<Vec<_>>(),
            "Values": taken.iter().map(|(_, value)| value).collect::<Vec<_>>(),
            "StatusCode": if partial { "PartialData" } else { "Complete" },
        }));
    }
    let next = more.then(|| paging::token(&query, (from + limit).to_string().as_bytes()));
    Ok(json!({ "MetricDataResults": results, "NextToken": next, "Messages": [] }))
}

/// The number of data points on earlier pages.
fn from(query: &str, token: Option<&str>) -> Result<usize, Fault> {
    let Some(token) = token else { return Ok(0) };
    let position = paging::position(query, token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let position = position.and_then(|text| text.parse().ok());
    position.ok_or_else(|| Fault::client("InvalidNextToken", "The next token specified is invalid."))
}

fn check(queries: &[Query]) -> Result<(), Fault> {
    if queries.len() > MAX_QUERIES {
        let message = format!("The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.");
        return Err(validation_error(message));
    }
    let mut seen = BTreeSet::new();
    for (at, query) in queries.iter().enumerate() {
        let begins = query.id.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins || !query.id.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') {
            let message = format!(
                "The value {} for parameter MetricDataQueries.member.{}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                query.id,
                at + 1
            );
            return Err(validation_error(message));
        }
        if !seen.insert(&query.id) {
            let message = format!("The values for parameter id in MetricDataQueries are not unique: {}", query.id);
            return Err(validation_error(message));
        }
        match (&query.metric_stat, &query.expression) {
            (None, Some(expression)) => {
                return Err(Fault::not_implemented(&format!("the expression {expression} in GetMetricData")));
            }
            (Some(stat), None) if is_period(stat.period) => drop(Statistic::parse(&stat.stat, "Stat")?),
            (Some(_), None) => {
                return Err(invalid_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
            }
            _ => {
                let message = format!(
                    "The parameter MetricDataQueries.member.{} must have exactly one of MetricStat and Expression.",
                    at + 1
                );
                return Err(validation_error(message));
            }
        }
    }
    Ok(())
}

impl MetricStat {
    /// The metric's name, made unique if the request has several queries.
    fn label(&self, several: bool) -> String {
        let name = self.metric.metric_name.as_str();
        if !several {
            return name.to_owned();
        }
        let dimensions = self.metric.dimensions.iter().map(|dimension| dimension.value.as_str());
        let parts = [name].into_iter().chain(dimensions).chain([self.stat.as_str()]);
        parts.collect::<Vec<_>>().join(" ")
    }

    /// The statistic of each period that has data, sorted by time.
    fn data(&self, sandbox: &Sandbox, start: i64, end: i64) -> Result<Vec<(i64, f64)>, Fault> {
        let statistic = Statistic::parse(&self.stat, "Stat")?;
        let start = aligned(start, self.period);
        let key = Metric::key(&self.metric.namespace, &self.metric.metric_name, &self.metric.dimensions);
        let metric = sandbox.store.read(|states| states.of::<State>().metrics.get(&key).map(|metric| metric.id));
        let points = metric.map_or(Ok(Vec::new()), |metric| data_points::between(sandbox, metric, start, end))?;
        let has_unit = |point: &&Point| self.unit.as_ref().is_none_or(|unit| *unit == point.unit);
        let values = buckets(&points, start, self.period * 1000).into_iter().filter_map(|(time, bucket)| {
            let points: Vec<&Point> = bucket.iter().filter(has_unit).collect();
            Some((time, statistic.of(points.iter().copied())?))
        });
        Ok(values.collect())
    }
}
