//! Types without anything behind their physical ids: `AWS::CDK::Metadata` and `AWS::CloudFormation::WaitConditionHandle`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, nothing_to_update, resource_type};
use crate::Fault;
use crate::base::ids;
use crate::cloudformation::model::PhysicalResource;

pub(super) const TYPES: &[ResourceType] = &[
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
struct NoProperties {}

async fn create_metadata(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    context.properties::<Metadata>(properties)?;
    Ok(HandlerOutput::new(&ids::uuid(), json!({})))
}

async fn create_handle(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    context.properties::<NoProperties>(properties)?;
    Ok(HandlerOutput::new(&context.generated_name(64), json!({})))
}

async fn delete(_context: HandlerContext, _old: PhysicalResource) -> Result<(), Fault> {
    Ok(())
}
