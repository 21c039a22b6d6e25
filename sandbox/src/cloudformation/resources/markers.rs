//! Types that stand for nothing in the world.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Made, ResourceType, nothing_to_update, resource_type};
use crate::Fault;
use crate::base::ids;
use crate::cloudformation::model::Incarnation;

/// The rows.
pub const TYPES: &[ResourceType] = &[
    resource_type!("AWS::CDK::Metadata", attributes: [], create_only: [], create_metadata, nothing_to_update, delete),
    resource_type!("AWS::CloudFormation::WaitConditionHandle", attributes: [], create_only: [], create_handle, nothing_to_update, delete),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    #[serde(rename = "Analytics")]
    _analytics: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn create_metadata(context: Context, properties: Value) -> Result<Made, Fault> {
    context.properties::<Metadata>(properties)?;
    Ok(Made::new(&ids::uuid(), json!({})))
}

async fn create_handle(context: Context, properties: Value) -> Result<Made, Fault> {
    context.properties::<Nothing>(properties)?;
    Ok(Made::new(&context.generated_name(64), json!({})))
}

async fn delete(_context: Context, _old: Incarnation) -> Result<(), Fault> {
    Ok(())
}
