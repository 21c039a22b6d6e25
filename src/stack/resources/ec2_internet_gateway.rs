//! `AWS::EC2::InternetGateway`: the VPC's way to the internet.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::InternetGateway", required_first: &[] };

/// A gateway, tagged with the VPC's construct path.
pub(in crate::stack) fn properties(name: &str) -> Value {
    json!({ "Tags": super::name_tag(name) })
}
