//! `AWS::Logs::LogGroup`: where the container's output goes.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::Logs::LogGroup", required_first: &[] };

/// A log group; without `retention_days` its events stay for ever.
pub(in crate::stack) fn properties(name: Option<&str>, retention_days: Option<u32>) -> Value {
    json!({ "LogGroupName": name, "RetentionInDays": retention_days })
}
