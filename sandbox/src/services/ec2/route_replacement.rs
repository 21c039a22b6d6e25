//! ReplaceRoute and ReplaceRouteTableAssociation.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::records::{self, list};
use super::resource_kinds::ROUTE_TABLE;
use super::routes;
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplaceRouteInput {
    route_table_id: String,
    destination_cidr_block: String,
    gateway_id: Option<String>,
    nat_gateway_id: Option<String>,
}

/// `ReplaceRoute`: changes the target of an existing route.
pub(super) fn route(sandbox: &Arc<Sandbox>, input: ReplaceRouteInput) -> OperationResult {
    sandbox.store.write(|states| {
        let destination = Cidr::parse_parameter("destinationCidrBlock", &input.destination_cidr_block)?.to_string();
        let ReplaceRouteInput { route_table_id, gateway_id, nat_gateway_id, .. } = &input;
        let through =
            routes::target(states.of::<State>(), route_table_id, gateway_id.as_deref(), nat_gateway_id.as_deref())?;
        let table = records::get_mut(states.of_mut::<State>(), &ROUTE_TABLE, &input.route_table_id)?;
        let route = list(table, "routeSet")
            .iter_mut()
            .find(|route| route["destinationCidrBlock"] == destination.as_str() && route["gatewayId"] != "local");
        let Some(route) = route else {
            let message = format!("There is no route defined for '{destination}' in the route table.");
            return Err(Fault::client("InvalidParameterValue", message));
        };
        *route = json!({
            "destinationCidrBlock": destination, through.0: through.1, "state": "active", "origin": "CreateRoute",
        });
        Ok(records::success())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplaceRouteTableAssociationInput {
    association_id: String,
    route_table_id: String,
}

/// `ReplaceRouteTableAssociation`: associates a subnet, or a VPC as a whole, with another table.
pub(super) fn association(sandbox: &Arc<Sandbox>, input: ReplaceRouteTableAssociationInput) -> OperationResult {
    sandbox.store.write(|states| {
        let ReplaceRouteTableAssociationInput { association_id: id, route_table_id: to } = &input;
        let holds = |table: &Value| {
            table["associationSet"].as_array()?.iter().find(|association| association["routeTableAssociationId"] == id.as_str()).cloned()
        };
        let association = states.of::<State>().records.with_prefix(ROUTE_TABLE.prefix).find_map(|(from, table)| {
            Some((from.to_owned(), holds(table)?, table["vpcId"].clone()))
        });
        let Some((from, old, vpc)) = association else {
            let message = format!("The association ID '{id}' does not exist");
            return Err(Fault::not_found("InvalidAssociationID.NotFound", message));
        };
        if records::get(states.of::<State>(), &ROUTE_TABLE, to)?["vpcId"] != vpc {
            let message = format!("route table {to} and association {id} belong to different networks");
            return Err(Fault::client("InvalidParameterValue", message));
        }
        let new = routes::association(to, &old);
        let response = json!({ "newAssociationId": new["routeTableAssociationId"], "associationState": { "state": "associated" } });
        list(records::get_mut(states.of_mut::<State>(), &ROUTE_TABLE, &from)?, "associationSet")
            .retain(|association| association["routeTableAssociationId"] != id.as_str());
        list(records::get_mut(states.of_mut::<State>(), &ROUTE_TABLE, to)?, "associationSet").push(new);
        Ok(response)
    })
}
