//! `AWS::EC2::VPC`: the platform's network.

use serde_json::{Value, json};

use super::{ResourceType, name_tag};
use crate::stack::spec::Cidr;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::VPC", required_first: &[] };

/// A VPC with `cidr`, tagged with its construct path.
pub(in crate::stack) fn properties(cidr: Cidr, name: &str) -> Value {
    json!({
        "CidrBlock": cidr.to_string(),
        "EnableDnsHostnames": true,
        "EnableDnsSupport": true,
        "InstanceTenancy": "default",
        "Tags": name_tag(name),
    })
}
