//! `AWS::EC2::EIP`. Its physical id is the public IP address; EC2's other operations take its allocation id.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, PhysicalResource, ResourceType, Tag, resource_type, retag, tag_specification,
    tags_of, text,
};
use crate::Fault;

pub(super) const TYPE: ResourceType = resource_type!(
    "AWS::EC2::EIP", attributes: ["AllocationId", "PublicIp"], create_only: [], create, update, delete
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ElasticIpProperties {
    domain: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let ElasticIpProperties { domain, tags } = context.properties(properties)?;
    let input = json!({ "Domain": domain, "TagSpecification": tag_specification(&context, "elastic-ip", &tags) });
    let response = context.call("ec2", "AllocateAddress", input).await?;
    let address = text(&response, "/publicIp");
    Ok(HandlerOutput::new(address, json!({ "AllocationId": text(&response, "/allocationId"), "PublicIp": address })))
}

fn allocation(old: &PhysicalResource) -> &str {
    old.attributes.get("AllocationId").and_then(Value::as_str).unwrap_or_default()
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let ElasticIpProperties { tags, .. } = context.properties(properties)?;
    retag(&context, allocation(&old), &tags_of(&old.properties), &tags).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "ReleaseAddress", json!({ "AllocationId": allocation(&old) })).await.map(drop)
}
