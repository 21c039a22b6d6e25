//! `AWS::ServiceDiscovery::PrivateDnsNamespace`: the namespace of the platform.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::ServiceDiscovery::PrivateDnsNamespace", required_first: &[] };

/// A namespace within the VPC.
pub(in crate::stack) fn properties(name: &str, vpc: &Value) -> Value {
    json!({ "Name": name, "Vpc": vpc })
}
