//! Metrics, to which data points belong, and ListMetrics.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{invalid_value, validation_error};
use crate::Sandbox;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::cloudwatch::State;

const PAGE_SIZE: usize = 500;
/// A metric without data for two weeks is not listed any more (CloudWatch user guide).
const LISTED_MILLIS: i64 = 14 * 24 * 60 * 60 * 1000;
const RECENTLY_ACTIVE_MILLIS: i64 = 3 * 60 * 60 * 1000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Dimension {
    /// Such as `ClusterName`.
    pub name: String,
    /// Such as `container-demo`.
    pub value: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the name is the API's")]
pub(crate) struct Metric {
    /// Identifies the metric in the keys of its data points.
    pub id: u64,
    /// Such as `AWS/ECS`.
    pub namespace: String,
    /// Such as `CPUUtilization`.
    pub metric_name: String,
    /// In the order of the first data point.
    pub dimensions: Vec<Dimension>,
    /// When data was last put, in milliseconds since 1970, rounded down to the minute.
    pub last_data: i64,
}

impl Metric {
    /// The key of a metric. The order of its dimensions does not matter.
    pub(crate) fn key(namespace: &str, name: &str, dimensions: &[Dimension]) -> String {
        let mut dimensions: Vec<_> =
            dimensions.iter().map(|dimension| format!("{}\u{1}{}", dimension.name, dimension.value)).collect();
        dimensions.sort_unstable();
        format!("{namespace}\u{2}{name}\u{2}{}", dimensions.join("\u{2}"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DimensionFilter {
    name: String,
    value: Option<String>,
}

impl DimensionFilter {
    fn accepts(&self, metric: &Metric) -> bool {
        let is_match = |dimension: &Dimension| {
            dimension.name == self.name && self.value.as_ref().is_none_or(|value| *value == dimension.value)
        };
        metric.dimensions.iter().any(is_match)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMetricsInput {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<DimensionFilter>,
    next_token: Option<String>,
    recently_active: Option<String>,
    #[serde(default)]
    include_linked_accounts: bool,
    owning_account: Option<String>,
}

/// `ListMetrics`: the metrics with data in the last two weeks.
pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListMetricsInput) -> OperationResult {
    let age = match input.recently_active.as_deref() {
        None => LISTED_MILLIS,
        Some("PT3H") => RECENTLY_ACTIVE_MILLIS,
        Some(_) => return Err(validation_error("The value of RecentlyActive must be PT3H")),
    };
    let since = sandbox.clock.now().as_millisecond() - age;
    let own = input.owning_account.as_ref().is_none_or(|account| *account == sandbox.config.account);
    let filters: Vec<_> = input.dimensions.iter().map(|filter| (&filter.name, &filter.value)).collect();
    let query = format!("ListMetrics {:?} {:?} {filters:?} {age} {own}", input.namespace, input.metric_name);
    let page = sandbox.store.read(|states| {
        let metrics = states.of::<State>().metrics.iter().filter(|(_, metric)| {
            own && metric.last_data >= since
                && input.namespace.as_ref().is_none_or(|namespace| *namespace == metric.namespace)
                && input.metric_name.as_ref().is_none_or(|name| *name == metric.metric_name)
                && input.dimensions.iter().all(|filter| filter.accepts(metric))
        });
        let outputs = metrics.map(|(key, metric)| (key.to_owned(), to_output(metric)));
        paging::page(outputs, &query, input.next_token.as_deref(), PAGE_SIZE)
            .map_err(|_| invalid_value("Request parameter NextToken is invalid"))
    })?;
    let owners = input.include_linked_accounts.then(|| vec![&sandbox.config.account; page.items.len()]);
    Ok(json!({ "Metrics": page.items, "NextToken": page.next_token, "OwningAccounts": owners }))
}

fn to_output(metric: &Metric) -> Value {
    json!({ "Namespace": metric.namespace, "MetricName": metric.metric_name, "Dimensions": metric.dimensions })
}
