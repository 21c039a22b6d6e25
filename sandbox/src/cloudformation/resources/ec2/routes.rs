//! `AWS::EC2::RouteTable`, `::SubnetRouteTableAssociation` and `::Route`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, PhysicalResource, ResourceType, Tag, nothing_to_update, resource_type,
    tag_specification, text, update_tags,
};
use crate::Fault;

pub(super) const TABLE: ResourceType = resource_type!(
    "AWS::EC2::RouteTable", attributes: ["RouteTableId"], create_only: [], create_table, update_tags, delete_table
);
/// The association of a subnet with a route table.
pub(super) const ASSOCIATION: ResourceType = resource_type!(
    "AWS::EC2::SubnetRouteTableAssociation", attributes: ["Id"], create_only: [], associate, nothing_to_update, disassociate
);
/// A route of a table.
pub(super) const ROUTE: ResourceType = resource_type!(
    "AWS::EC2::Route", attributes: ["CidrBlock"], create_only: [],
    create_route, update_route, delete_route
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RouteTableProperties {
    vpc_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create_table(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let RouteTableProperties { vpc_id, tags } = context.properties(properties)?;
    let input = json!({ "VpcId": vpc_id, "TagSpecification": tag_specification(&context, "route-table", &tags) });
    let response = context.call("ec2", "CreateRouteTable", input).await?;
    let id = text(&response, "/routeTable/routeTableId");
    Ok(HandlerOutput::new(id, json!({ "RouteTableId": id })))
}

async fn delete_table(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DeleteRouteTable", json!({ "RouteTableId": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AssociationProperties {
    route_table_id: String,
    subnet_id: String,
}

async fn associate(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let AssociationProperties { route_table_id, subnet_id } = context.properties(properties)?;
    let input = json!({ "RouteTableId": route_table_id, "SubnetId": subnet_id });
    let response = context.call("ec2", "AssociateRouteTable", input).await?;
    let id = text(&response, "/associationId");
    Ok(HandlerOutput::new(id, json!({ "Id": id })))
}

async fn disassociate(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "DisassociateRouteTable", json!({ "AssociationId": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RouteProperties {
    route_table_id: String,
    destination_cidr_block: String,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
}

async fn create_route(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let RouteProperties { route_table_id, destination_cidr_block, gateway_id, nat_gateway_id } =
        context.properties(properties)?;
    let input = json!({
        "RouteTableId": route_table_id,
        "DestinationCidrBlock": destination_cidr_block,
        "GatewayId": gateway_id,
        "NatGatewayId": nat_gateway_id,
    });
    context.call("ec2", "CreateRoute", input).await?;
    let id = format!("{route_table_id}|{destination_cidr_block}");
    Ok(HandlerOutput::new(&id, json!({ "CidrBlock": destination_cidr_block })))
}

async fn update_route(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    delete_route(context.clone(), old).await?;
    create_route(context, properties).await
}

async fn delete_route(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let route: RouteProperties = context.properties(old.properties)?;
    let input = json!({ "RouteTableId": route.route_table_id, "DestinationCidrBlock": route.destination_cidr_block });
    context.call("ec2", "DeleteRoute", input).await.map(drop)
}
