//! Route tables, their routes and their associations with subnets.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::cidr::Cidr;
use super::records::{self, list};
use super::resource_kinds::{INTERNET_GATEWAY, NAT_GATEWAY, ROUTE_TABLE, SUBNET, VPC, VPN_GATEWAY};
use super::tags::{self, TagSpecification};
use crate::base::ids;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

/// A new route table with its local route.
pub(super) fn record(owner: &str, vpc: &str, cidr: &str, tags: Value, main: bool) -> Value {
    let id = ids::resource("rtb");
    let associations = if main { json!([association(&id, &json!({ "main": true }))]) } else { json!([]) };
    json!({
        "routeTableId": id,
        "vpcId": vpc,
        "ownerId": owner,
        "routeSet": [{ "destinationCidrBlock": cidr, "gatewayId": "local", "state": "active", "origin": "CreateRouteTable" }],
        "associationSet": associations,
        "propagatingVgwSet": [],
        "tagSet": tags,
    })
}

/// A new association of a table with a subnet, or with the VPC as its main table.
pub(super) fn association(table: &str, of: &Value) -> Value {
    let main = of["main"] == true;
    json!({
        "routeTableAssociationId": ids::resource("rtbassoc"),
        "routeTableId": table,
        "subnetId": of["subnetId"],
        "main": main,
        "associationState": { "state": "associated" },
    })
}

/// Whether a table is the main one of its VPC.
pub(super) fn is_main(table: &Value) -> bool {
    table["associationSet"].as_array().is_some_and(|all| all.iter().any(|association| association["main"] == true))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateRouteTableInput {
    vpc_id: String,
    client_token: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

pub(super) fn create_table(sandbox: &Arc<Sandbox>, input: CreateRouteTableInput) -> OperationResult {
    let tags = tags::tag_set(&ROUTE_TABLE, input.tag_specification)?;
    sandbox.store.write(|states| {
        if let Some(table) =
            records::find_by_client_token(states.of::<State>(), &ROUTE_TABLE, input.client_token.as_deref())
        {
            return Ok(json!({ "routeTable": table, "clientToken": input.client_token }));
        }
        let cidr = records::get(states.of::<State>(), &VPC, &input.vpc_id)?["cidrBlock"].as_str().unwrap_or_default();
        let mut table = record(&sandbox.config.account, &input.vpc_id, cidr, tags, false);
        table["attributes"] = json!({ "clientToken": input.client_token });
        states.of_mut::<State>().records.insert(table["routeTableId"].as_str().unwrap_or_default(), table.clone());
        table["attributes"] = Value::Null;
        Ok(json!({ "routeTable": table, "clientToken": input.client_token }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteRouteTableInput {
    route_table_id: String,
}

/// `DeleteRouteTable`: refused while a subnet uses the table.
pub(super) fn delete_table(sandbox: &Arc<Sandbox>, input: DeleteRouteTableInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = &input.route_table_id;
        let table = records::get(states.of::<State>(), &ROUTE_TABLE, id)?;
        if table["associationSet"].as_array().is_some_and(|all| !all.is_empty()) {
            return Err(records::dependency_violation("routeTable", id));
        }
        states.of_mut::<State>().records.remove(id);
        Ok(records::success())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AssociateRouteTableInput {
    route_table_id: String,
    subnet_id: String,
}

pub(super) fn associate(sandbox: &Arc<Sandbox>, input: AssociateRouteTableInput) -> OperationResult {
    sandbox.store.write(|states| {
        let AssociateRouteTableInput { route_table_id: table, subnet_id: subnet } = &input;
        let vpc = records::get(states.of::<State>(), &SUBNET, subnet)?["vpcId"].clone();
        if records::get(states.of::<State>(), &ROUTE_TABLE, table)?["vpcId"] != vpc {
            let message = format!("Route table {table} and network {subnet} belong to different networks");
            return Err(Fault::client("InvalidParameterValue", message));
        }
        if records::any(states.of::<State>(), &ROUTE_TABLE, "associationSet/subnetId", subnet) {
            let message =
                format!("the specified association for route table {table} conflicts with an existing association");
            return Err(Fault::client("Resource.AlreadyAssociated", message));
        }
        let association = association(table, &json!({ "subnetId": subnet }));
        let id = association["routeTableAssociationId"].clone();
        list(records::get_mut(states.of_mut::<State>(), &ROUTE_TABLE, table)?, "associationSet").push(association);
        Ok(json!({ "associationId": id, "associationState": { "state": "associated" } }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DisassociateRouteTableInput {
    association_id: String,
}

pub(super) fn disassociate(sandbox: &Arc<Sandbox>, input: DisassociateRouteTableInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = &input.association_id;
        if !remove_association(states.of_mut::<State>(), "routeTableAssociationId", id) {
            let message = format!("The association ID '{id}' does not exist");
            return Err(Fault::not_found("InvalidAssociationID.NotFound", message));
        }
        Ok(records::success())
    })
}

/// Removes the associations of a deleted subnet.
pub(super) fn remove_subnet_associations(state: &mut State, subnet: &str) {
    remove_association(state, "subnetId", subnet);
}

fn remove_association(state: &mut State, member: &str, text: &str) -> bool {
    let holds = |table: &Value| {
        table["associationSet"].as_array().is_some_and(|all| all.iter().any(|association| association[member] == text))
    };
    let table =
        state.records.with_prefix(ROUTE_TABLE.prefix).find(|(_, table)| holds(table)).map(|(id, _)| id.to_owned());
    let Some(record) = table.and_then(|id| state.records.get_mut(&id)) else { return false };
    list(record, "associationSet").retain(|association| association[member] != text);
    true
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateRouteInput {
    route_table_id: String,
    destination_cidr_block: String,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
}

/// `CreateRoute`, through an internet gateway or a NAT gateway.
pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateRouteInput) -> OperationResult {
    sandbox.store.write(|states| {
        let destination = &Cidr::parse_parameter("destinationCidrBlock", &input.destination_cidr_block)?.to_string();
        let through = target(
            states.of::<State>(),
            &input.route_table_id,
            input.gateway_id.as_deref(),
            input.nat_gateway_id.as_deref(),
        )?;
        let table = records::get_mut(states.of_mut::<State>(), &ROUTE_TABLE, &input.route_table_id)?;
        let routes = list(table, "routeSet");
        if routes.iter().any(|route| route["destinationCidrBlock"] == destination.as_str()) {
            return Err(Fault::already_exists(
                "RouteAlreadyExists",
                format!("The route identified by {destination} already exists."),
            ));
        }
        routes.push(json!({
            "destinationCidrBlock": destination, through.0: through.1, "state": "active", "origin": "CreateRoute",
        }));
        Ok(records::success())
    })
}

/// The member of a route for its target, and the target's id. The target must be in the table's VPC: an internet
/// gateway attached to it, or a NAT gateway in one of its subnets.
pub(super) fn target<'a>(
    state: &State,
    table: &str,
    gateway: Option<&'a str>,
    nat: Option<&'a str>,
) -> Result<(&'static str, &'a str), Fault> {
    let vpc = || Ok::<_, Fault>(&records::get(state, &ROUTE_TABLE, table)?["vpcId"]);
    match (gateway, nat) {
        (Some(id), None) => {
            let gateway = gateway_of(state, id)?;
            let vpc = vpc()?;
            if !gateway["attachmentSet"]
                .as_array()
                .is_some_and(|all| all.iter().any(|attachment| attachment["vpcId"] == *vpc))
            {
                return Err(different_networks(table, &format!("network gateway {id}")));
            }
            Ok(("gatewayId", id))
        }
        (None, Some(id)) => {
            let gateway = records::get(state, &NAT_GATEWAY, id)?;
            if gateway["vpcId"] != *vpc()? {
                let interface = gateway["natGatewayAddressSet"][0]["networkInterfaceId"].as_str().unwrap_or_default();
                return Err(different_networks(
                    table,
                    &format!("interface {}", interface.replace("eni-", "interface-")),
                ));
            }
            Ok(("natGatewayId", id))
        }
        _ => {
            let message = "The request must contain exactly one of gatewayId, natGatewayId";
            Err(Fault::client("MissingParameter", message))
        }
    }
}

/// The record of a route's gateway. It has to be an internet gateway, since the sandbox has no virtual private
/// gateways.
fn gateway_of<'a>(state: &'a State, id: &str) -> Result<&'a Value, Fault> {
    let is_gateway = [INTERNET_GATEWAY.prefix, VPN_GATEWAY.prefix].iter().any(|prefix| id.starts_with(prefix));
    if !is_gateway {
        // The message for a NAT gateway's id: https://github.com/ansible-collections/amazon.aws/issues/2631
        let message = format!("invalid value for parameter gateway-id: {id}");
        return Err(Fault::client("InvalidParameterValue", message));
    }
    let absent = |_| Fault::not_found("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"));
    records::get(state, &INTERNET_GATEWAY, id).map_err(absent)
}

fn different_networks(table: &str, gateway: &str) -> Fault {
    let message = format!("route table {table} and {gateway} belong to different networks");
    Fault::client("InvalidParameterValue", message)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteRouteInput {
    route_table_id: String,
    destination_cidr_block: String,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteRouteInput) -> OperationResult {
    let destination = Cidr::parse_parameter("destinationCidrBlock", &input.destination_cidr_block)?.to_string();
    sandbox.store.write(|states| {
        let routes = list(records::get_mut(states.of_mut::<State>(), &ROUTE_TABLE, &input.route_table_id)?, "routeSet");
        let before = routes.len();
        routes.retain(|route| route["destinationCidrBlock"] != destination.as_str() || route["gatewayId"] == "local");
        if routes.len() == before {
            let message =
                format!("no route with destination-cidr-block {destination} in route table {}", input.route_table_id);
            return Err(Fault::not_found("InvalidRoute.NotFound", message));
        }
        Ok(records::success())
    })
}
