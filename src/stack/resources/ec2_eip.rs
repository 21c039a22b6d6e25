//! `AWS::EC2::EIP`: a NAT gateway's address.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::EIP", required_first: &[] };

/// An address, tagged with its subnet's construct path.
pub(in crate::stack) fn properties(name: &str) -> Value {
    json!({ "Domain": "vpc", "Tags": super::name_tag(name) })
}
