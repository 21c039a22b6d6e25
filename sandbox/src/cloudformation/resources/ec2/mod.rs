//! The types of `AWS::EC2`.

use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, OnlyTags, PhysicalResource, ResourceType, nothing_to_update, resource_type, text,
};
use crate::Fault;
use crate::base::tags::Tag;

mod addresses;
mod gateways;
mod instance;
mod routes;
mod security_groups;
mod subnet;
mod vpc;

pub(super) const TYPES: &[ResourceType] = &[
    vpc::TYPE,
    subnet::TYPE,
    routes::TABLE,
    routes::ASSOCIATION,
    routes::ROUTE,
    addresses::TYPE,
    gateways::NAT,
    gateways::INTERNET,
    gateways::ATTACHMENT,
    security_groups::GROUP,
    security_groups::INGRESS,
    instance::TYPE,
];

/// The `TagSpecification` of a new resource of EC2's type `resource_type`. CloudFormation's own tags have reserved keys, which EC2 only
/// takes as `SystemTag`; those of a template are refused.
fn tag_specification(context: &HandlerContext, resource_type: &str, own: &[Tag]) -> Value {
    let (system, stack): (Vec<&Tag>, Vec<&Tag>) = context.tags.iter().partition(|tag| is_reserved(tag));
    let inherited = stack.into_iter().filter(|tag| !own.iter().any(|own_tag| own_tag.key == tag.key));
    let tags: Vec<&Tag> = own.iter().chain(inherited).collect();
    json!([{ "ResourceType": resource_type, "Tag": tags, "SystemTag": system }])
}

fn is_reserved(tag: &Tag) -> bool {
    tag.key.starts_with("aws:")
}

/// Gives a resource the tags of its new properties.
async fn retag(context: &HandlerContext, id: &str, before: &[Tag], after: &[Tag]) -> Result<(), Fault> {
    let removed: Vec<&Tag> = before.iter().filter(|tag| !after.iter().any(|new| new.key == tag.key)).collect();
    if !removed.is_empty() {
        context.call("ec2", "DeleteTags", json!({ "ResourceId": [id], "Tag": removed })).await?;
    }
    // CloudFormation's own tags are set once, at the creation.
    let tags: Vec<Tag> =
        context.all_tags(after).into_iter().filter(|tag| !is_reserved(tag) || after.contains(tag)).collect();
    if tags.is_empty() {
        return Ok(());
    }
    context.call("ec2", "CreateTags", json!({ "ResourceId": [id], "Tag": tags })).await.map(drop)
}

/// The tags in a resource's properties.
fn tags_of(properties: &Value) -> Vec<Tag> {
    serde_json::from_value(properties["Tags"].clone()).unwrap_or_default()
}

/// The update of a type of which only the tags can be updated in place, by the physical id.
async fn update_tags(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    retag(&context, &old.physical_id, &tags_of(&old.properties), &tags_of(&properties)).await?;
    Ok(HandlerOutput::from(&old))
}
