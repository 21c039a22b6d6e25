//! `AWS::EC2::Route`: the way out of a subnet.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::Route", required_first: &["RouteTableId"] };

/// A default route; one of the gateways, by logical id, is given.
pub(in crate::stack) fn properties(route_table: &str, internet: Option<&str>, nat: Option<&str>) -> Value {
    let reference = |id: &str| json!({ "Ref": id });
    json!({
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": internet.map(reference),
        "NatGatewayId": nat.map(reference),
        "RouteTableId": { "Ref": route_table },
    })
}
