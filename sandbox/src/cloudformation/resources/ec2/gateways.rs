//! `AWS::EC2::NatGateway`, `::InternetGateway` and `::VPCGatewayAttachment`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, OnlyTags, PhysicalResource, ResourceType, Tag, resource_type, tag_specification,
    text, update_tags,
};
use crate::Fault;

pub(super) const NAT: ResourceType = resource_type!(
    "AWS::EC2::NatGateway",
    attributes: ["NatGatewayId"],
    create_only: [],
    create_nat, update_tags, delete_nat
);
pub(super) const INTERNET: ResourceType = resource_type!(
    "AWS::EC2::InternetGateway", attributes: ["InternetGatewayId"], create_only: [], create_internet, update_tags, delete_internet
);
/// The attachment of an internet gateway to a VPC.
pub(super) const ATTACHMENT: ResourceType = resource_type!(
    "AWS::EC2::VPCGatewayAttachment", attributes: ["AttachmentType"], create_only: [], attach, reattach, detach
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NatGatewayProperties {
    allocation_id: Option<String>,
    subnet_id: String,
    connectivity_type: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create_nat(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let NatGatewayProperties { allocation_id, subnet_id, connectivity_type, tags } = context.properties(properties)?;
    if connectivity_type.is_some_and(|kind| kind != "public") {
        return Err(Fault::not_implemented("private NAT gateways"));
    }
    let tags = tag_specification(&context, "natgateway", &tags);
    let input = json!({ "AllocationId": allocation_id, "SubnetId": subnet_id, "TagSpecification": tags });
    let response = context.call("ec2", "CreateNatGateway", input).await?;
    let id = text(&response, "/natGateway/natGatewayId");
    Ok(HandlerOutput::new(id, json!({ "NatGatewayId": id })))
}

async fn delete_nat(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DeleteNatGateway", json!({ "NatGatewayId": old.physical_id })).await.map(drop)
}

async fn create_internet(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let OnlyTags { tags } = context.properties(properties)?;
    let input = json!({ "TagSpecification": tag_specification(&context, "internet-gateway", &tags) });
    let response = context.call("ec2", "CreateInternetGateway", input).await?;
    let id = text(&response, "/internetGateway/internetGatewayId");
    Ok(HandlerOutput::new(id, json!({ "InternetGatewayId": id })))
}

async fn delete_internet(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DeleteInternetGateway", json!({ "InternetGatewayId": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GatewayAttachmentProperties {
    internet_gateway_id: String,
    vpc_id: String,
}

impl GatewayAttachmentProperties {
    fn input(&self) -> Value {
        json!({ "InternetGatewayId": self.internet_gateway_id, "VpcId": self.vpc_id })
    }
}

async fn attach(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let attachment: GatewayAttachmentProperties = context.properties(properties)?;
    context.call("ec2", "AttachInternetGateway", attachment.input()).await?;
    Ok(HandlerOutput::new(&format!("IGW|{}", attachment.vpc_id), json!({ "AttachmentType": "IGW" })))
}

async fn reattach(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    detach(context.clone(), old).await?;
    attach(context, properties).await
}

async fn detach(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let attachment: GatewayAttachmentProperties = context.properties(old.properties)?;
    context.call("ec2", "DetachInternetGateway", attachment.input()).await.map(drop)
}
