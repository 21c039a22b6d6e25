//! `AWS::EC2::Subnet`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, PhysicalResource, ResourceType, Tag, resource_type, retag, tag_specification,
    tags_of, text,
};
use crate::Fault;

pub(super) const TYPE: ResourceType = resource_type!(
    "AWS::EC2::Subnet",
    attributes: ["SubnetId", "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId"],
    create_only: [],
    create, update, delete
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SubnetProperties {
    availability_zone: Option<String>,
    cidr_block: String,
    map_public_ip_on_launch: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
    vpc_id: String,
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let subnet: SubnetProperties = context.properties(properties)?;
    let input = json!({
        "VpcId": subnet.vpc_id,
        "CidrBlock": subnet.cidr_block,
        "AvailabilityZone": subnet.availability_zone,
        "TagSpecification": tag_specification(&context, "subnet", &subnet.tags),
    });
    let response = context.call("ec2", "CreateSubnet", input).await?;
    let id = text(&response, "/subnet/subnetId");
    map_public_ip(&context, id, &subnet).await?;
    let attributes = json!({
        "SubnetId": id,
        "AvailabilityZone": text(&response, "/subnet/availabilityZone"),
        "AvailabilityZoneId": text(&response, "/subnet/availabilityZoneId"),
        "CidrBlock": text(&response, "/subnet/cidrBlock"),
        "VpcId": subnet.vpc_id,
    });
    Ok(HandlerOutput::new(id, attributes))
}

async fn map_public_ip(context: &HandlerContext, id: &str, subnet: &SubnetProperties) -> Result<(), Fault> {
    let value = subnet.map_public_ip_on_launch.unwrap_or(false);
    let input = json!({ "SubnetId": id, "MapPublicIpOnLaunch": { "Value": value } });
    context.call("ec2", "ModifySubnetAttribute", input).await.map(drop)
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let subnet: SubnetProperties = context.properties(properties)?;
    map_public_ip(&context, &old.physical_id, &subnet).await?;
    retag(&context, &old.physical_id, &tags_of(&old.properties), &subnet.tags).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DeleteSubnet", json!({ "SubnetId": old.physical_id })).await.map(drop)
}
