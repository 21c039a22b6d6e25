//! `AWS::SSM::Parameter`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Made, ResourceType, resource_type};
use crate::sandbox::Fault;
use crate::sandbox::services::cloudformation::model::Incarnation;
use crate::sandbox::world::ids;

/// The rows.
pub const TYPES: &[ResourceType] = &[
    resource_type!("AWS::SSM::Parameter", attributes: ["Type", "Value"], create_only: ["Name"], create, update, delete),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    name: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
    value: String,
    description: Option<String>,
}

async fn create(context: Context, properties: Value) -> Result<Made, Fault> {
    let properties: Properties = context.properties(properties)?;
    let name = properties.name.clone().unwrap_or_else(|| format!("CFN-{}-{}", context.logical_id, ids::mixed(12)));
    put(&context, &name, &properties, false).await
}

async fn put(context: &Context, name: &str, properties: &Properties, overwrite: bool) -> Result<Made, Fault> {
    let Properties { kind, value, description, .. } = properties;
    let input =
        json!({ "Name": name, "Type": kind, "Value": value, "Description": description, "Overwrite": overwrite });
    context.call("ssm", "PutParameter", input).await?;
    Ok(Made::new(name, json!({ "Type": kind, "Value": value })))
}

async fn update(context: Context, old: Incarnation, properties: Value) -> Result<Made, Fault> {
    put(&context, &old.physical_id, &context.properties(properties)?, true).await
}

async fn delete(context: Context, old: Incarnation) -> Result<(), Fault> {
    context.call("ssm", "DeleteParameter", json!({ "Name": old.physical_id })).await.map(drop)
}
