//! `AWS::EC2::SecurityGroupIngress`: one rule of a security group.

use serde_json::{Value, json};

use super::ResourceType;
use crate::stack::spec::Port;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::EC2::SecurityGroupIngress", required_first: &["IpProtocol"] };

/// Lets members of `group` reach each other on a port.
pub(in crate::stack) fn properties(port: Port, group: &Value) -> Value {
    json!({
        "FromPort": port.number,
        "GroupId": group,
        "IpProtocol": port.protocol.name().to_uppercase(),
        "SourceSecurityGroupId": group,
        "ToPort": port.number,
    })
}
