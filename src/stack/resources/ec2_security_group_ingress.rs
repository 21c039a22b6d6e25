//! `AWS::EC2::SecurityGroupIngress`: one rule of a security group.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::EC2::SecurityGroupIngress", required_first: &["IpProtocol"] };

/// Lets members of `group` reach each other on a TCP port.
pub(in crate::stack) fn properties(port: u16, group: &Value) -> Value {
    json!({
        "FromPort": port,
        "GroupId": group,
        "IpProtocol": "TCP",
        "SourceSecurityGroupId": group,
        "ToPort": port,
    })
}
