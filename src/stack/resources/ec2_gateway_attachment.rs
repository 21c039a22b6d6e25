//! `AWS::EC2::VPCGatewayAttachment`: what gives a VPC its internet gateway.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::EC2::VPCGatewayAttachment", required_first: &["VpcId"] };

/// The gateway by logical id.
pub(in crate::stack) fn properties(gateway: &str, vpc: &Value) -> Value {
    json!({ "InternetGatewayId": { "Ref": gateway }, "VpcId": vpc })
}
