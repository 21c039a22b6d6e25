//! CloudWatch Logs: the log group of a container.

use serde_json::json;

use super::{LOG_GROUP, Resource};

/// A log group; without `retention_days` its events never expire.
pub(in crate::stack) fn log_group(name: Option<&str>, retention_days: Option<u32>) -> Resource {
    LOG_GROUP.with(json!({ "LogGroupName": name, "RetentionInDays": retention_days }))
}
