//! `AWS::EC2::SecurityGroup`: what may reach the tasks.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::SecurityGroup", required_first: &[] };

/// A group that lets everything out.
pub(in crate::stack) fn properties(description: &str, vpc: &Value) -> Value {
    json!({
        "GroupDescription": description,
        "SecurityGroupEgress": [
            { "CidrIp": "0.0.0.0/0", "Description": "Allow all outbound traffic by default", "IpProtocol": "-1" },
        ],
        "VpcId": vpc,
    })
}
