//! `AWS::EC2::RouteTable`: where a subnet's traffic goes.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::RouteTable", required_first: &["VpcId"] };

/// A route table, tagged with its subnet's construct path.
pub(in crate::stack) fn properties(name: &str, vpc: &Value) -> Value {
    json!({ "Tags": super::name_tag(name), "VpcId": vpc })
}
