//! `AWS::Logs::LogGroup` and `::LogStream`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, handler_faults, resource_type};
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;
use crate::{Fault, FaultKind};

pub(super) const TYPES: &[ResourceType] = &[
    resource_type!("AWS::Logs::LogGroup", attributes: ["Arn"], create_only: [], create, update, delete),
    resource_type!(
        "AWS::Logs::LogStream",
        attributes: [],
        create_only: [],
        create_stream, super::nothing_to_update, delete_stream
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LogGroupProperties {
    log_group_name: Option<String>,
    retention_in_days: Option<i64>,
    kms_key_id: Option<String>,
    log_group_class: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let properties: LogGroupProperties = context.properties(properties)?;
    let name = properties.log_group_name.clone().unwrap_or_else(|| context.generated_name(512));
    let input = json!({
        "logGroupName": name,
        "kmsKeyId": properties.kms_key_id,
        "logGroupClass": properties.log_group_class,
        "tags": context.tag_map(&properties.tags),
    });
    let created = context.call("logs", "CreateLogGroup", input).await;
    created.map_err(|fault| match fault.kind {
        FaultKind::AlreadyExists => handler_faults::already_exists(
            "AWS::Logs::LogGroup",
            &json!({ "/properties/LogGroupName": name }).to_string(),
        ),
        _ => fault,
    })?;
    retain(&context, &name, properties.retention_in_days).await?;
    let arn = context.sandbox.config.arn("logs", &format!("log-group:{name}:*"));
    Ok(HandlerOutput::new(&name, json!({ "Arn": arn })))
}

async fn retain(context: &HandlerContext, name: &str, days: Option<i64>) -> Result<(), Fault> {
    match days {
        Some(days) => {
            let input = json!({ "logGroupName": name, "retentionInDays": days });
            context.call("logs", "PutRetentionPolicy", input).await.map(drop)
        }
        None => context.call("logs", "DeleteRetentionPolicy", json!({ "logGroupName": name })).await.map(drop),
    }
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let before: LogGroupProperties = context.properties(old.properties.clone())?;
    let after: LogGroupProperties = context.properties(properties)?;
    if before.kms_key_id != after.kms_key_id || before.log_group_class != after.log_group_class {
        return Err(Fault::not_implemented(
            "another KmsKeyId or LogGroupClass of an AWS::Logs::LogGroup that there is",
        ));
    }
    let name = old.physical_id.as_str();
    retain(&context, name, after.retention_in_days).await?;
    let listed = context.call("logs", "ListTagsLogGroup", json!({ "logGroupName": name })).await?;
    let removed = context.removed_tag_keys(&listed["tags"], &after.tags);
    if !removed.is_empty() {
        context.call("logs", "UntagLogGroup", json!({ "logGroupName": name, "tags": removed })).await?;
    }
    context.call("logs", "TagLogGroup", json!({ "logGroupName": name, "tags": context.tag_map(&after.tags) })).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("logs", "DeleteLogGroup", json!({ "logGroupName": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LogStreamProperties {
    log_group_name: String,
    log_stream_name: Option<String>,
}

async fn create_stream(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let LogStreamProperties { log_group_name, log_stream_name } = context.properties(properties)?;
    let name = log_stream_name.unwrap_or_else(|| context.generated_name(512));
    let input = json!({ "logGroupName": log_group_name, "logStreamName": name });
    context.call("logs", "CreateLogStream", input).await?;
    Ok(HandlerOutput::new(&name, json!({})))
}

async fn delete_stream(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let LogStreamProperties { log_group_name, .. } = context.properties(old.properties)?;
    let input = json!({ "logGroupName": log_group_name, "logStreamName": old.physical_id });
    context.call("logs", "DeleteLogStream", input).await.map(drop)
}
