//! `AWS::IAM::InstanceProfile`: what gives an instance its role.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::IAM::InstanceProfile", required_first: &[] };

/// The profile of the role with the logical id `role`.
pub(in crate::stack) fn properties(role: &str) -> Value {
    json!({ "Roles": [{ "Ref": role }] })
}
