//! `AWS::EC2::Subnet`: one of the platform's subnets.

use serde_json::{Value, json};

use super::ResourceType;
use crate::stack::spec::Cidr;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::Subnet", required_first: &["VpcId"] };

/// A subnet of the group `group` (`Public` or `Private`), tagged with its construct path.
pub(in crate::stack) fn properties(zone: &str, cidr: Cidr, group: &str, name: &str, vpc: &Value) -> Value {
    json!({
        "AvailabilityZone": zone,
        "CidrBlock": cidr.to_string(),
        "MapPublicIpOnLaunch": group == "Public",
        "Tags": [
            { "Key": "aws-cdk:subnet-name", "Value": group },
            { "Key": "aws-cdk:subnet-type", "Value": group },
            { "Key": "Name", "Value": name },
        ],
        "VpcId": vpc,
    })
}
