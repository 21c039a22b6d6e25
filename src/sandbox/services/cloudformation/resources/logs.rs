//! `AWS::Logs::LogGroup`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Made, ResourceType, resource_type};
use crate::sandbox::Fault;
use crate::sandbox::services::cloudformation::model::{Incarnation, Tag};

/// The rows.
pub const TYPES: &[ResourceType] = &[
    resource_type!("AWS::Logs::LogGroup", attributes: ["Arn"], create_only: ["LogGroupName"], create, update, delete),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    log_group_name: Option<String>,
    retention_in_days: Option<i64>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create(context: Context, properties: Value) -> Result<Made, Fault> {
    let properties: Properties = context.properties(properties)?;
    let name = properties.log_group_name.clone().unwrap_or_else(|| context.generated_name(512));
    let tags: Value =
        context.all_tags(&properties.tags).into_iter().map(|Tag { key, value }| (key, Value::String(value))).collect();
    context.call("logs", "CreateLogGroup", json!({ "logGroupName": name, "tags": tags })).await?;
    retain(&context, &name, properties.retention_in_days).await?;
    let arn = context.sandbox.config.arn("logs", &format!("log-group:{name}:*"));
    Ok(Made::new(&name, json!({ "Arn": arn })))
}

async fn retain(context: &Context, name: &str, days: Option<i64>) -> Result<(), Fault> {
    match days {
        Some(days) => {
            let input = json!({ "logGroupName": name, "retentionInDays": days });
            context.call("logs", "PutRetentionPolicy", input).await.map(drop)
        }
        None => context.call("logs", "DeleteRetentionPolicy", json!({ "logGroupName": name })).await.map(drop),
    }
}

async fn update(context: Context, old: Incarnation, properties: Value) -> Result<Made, Fault> {
    let properties: Properties = context.properties(properties)?;
    retain(&context, &old.physical_id, properties.retention_in_days).await?;
    Ok(Made::from(&old))
}

async fn delete(context: Context, old: Incarnation) -> Result<(), Fault> {
    context.call("logs", "DeleteLogGroup", json!({ "logGroupName": old.physical_id })).await.map(drop)
}
