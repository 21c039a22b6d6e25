//! `AWS::SSM::Parameter`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, resource_type};
use crate::Fault;
use crate::base::ids;
use crate::base::tags::{self, TagMap};
use crate::cloudformation::model::PhysicalResource;

pub(super) const TYPES: &[ResourceType] =
    &[resource_type!("AWS::SSM::Parameter", attributes: ["Type", "Value"], create_only: [], create, update, delete)];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ParameterProperties {
    name: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
    value: String,
    description: Option<String>,
    tier: Option<String>,
    data_type: Option<String>,
    allowed_pattern: Option<String>,
    /// A map, unlike the tags of other types.
    #[serde(default)]
    tags: TagMap,
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let properties: ParameterProperties = context.properties(properties)?;
    let name = properties
        .name
        .clone()
        .unwrap_or_else(|| format!("CFN-{}-{}", context.logical_id, ids::random_alphanumeric(12)));
    put(&context, &name, &properties, false).await
}

async fn put(
    context: &HandlerContext,
    name: &str,
    properties: &ParameterProperties,
    overwrite: bool,
) -> Result<HandlerOutput, Fault> {
    let ParameterProperties { kind, value, description, tier, data_type, allowed_pattern, tags, .. } = properties;
    if kind == "SecureString" {
        return Err(Fault::client("ValidationError", "SecureString is not supported by AWS::SSM::Parameter"));
    }
    let input = json!({
        "Name": name,
        "Type": kind,
        "Value": value,
        "Description": description,
        "Tier": tier,
        "DataType": data_type,
        "AllowedPattern": allowed_pattern,
        "Overwrite": overwrite,
    });
    context.call("ssm", "PutParameter", input).await?;
    let own = tags::from_map(tags);
    let resource = json!({ "ResourceType": "Parameter", "ResourceId": name });
    let listed = context.call("ssm", "ListTagsForResource", resource.clone()).await?;
    let mut removal = resource.clone();
    removal["TagKeys"] = json!(context.removed_tag_keys(&listed["TagList"], &own));
    context.call("ssm", "RemoveTagsFromResource", removal).await?;
    let mut addition = resource;
    addition["Tags"] = json!(context.all_tags(&own));
    context.call("ssm", "AddTagsToResource", addition).await?;
    Ok(HandlerOutput::new(name, json!({ "Type": kind, "Value": value })))
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    put(&context, &old.physical_id, &context.properties(properties)?, true).await
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ssm", "DeleteParameter", json!({ "Name": old.physical_id })).await.map(drop)
}
