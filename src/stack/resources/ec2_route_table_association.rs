//! `AWS::EC2::SubnetRouteTableAssociation`: what gives a subnet its route table.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::EC2::SubnetRouteTableAssociation", required_first: &[] };

/// Both by logical id.
pub(in crate::stack) fn properties(route_table: &str, subnet: &str) -> Value {
    json!({ "RouteTableId": { "Ref": route_table }, "SubnetId": { "Ref": subnet } })
}
