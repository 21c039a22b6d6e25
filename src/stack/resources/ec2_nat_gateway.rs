//! `AWS::EC2::NatGateway`: the way out for private subnets.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::NatGateway", required_first: &["SubnetId"] };

/// Address and subnet by logical id.
pub(in crate::stack) fn properties(address: &str, subnet: &str, name: &str) -> Value {
    json!({
        "AllocationId": { "Fn::GetAtt": [address, "AllocationId"] },
        "SubnetId": { "Ref": subnet },
        "Tags": super::name_tag(name),
    })
}
