//! `AWS::IAM::Policy`: an inline policy of a role.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::IAM::Policy", required_first: &[] };

/// A policy named `name` with `statements`, of the role with the logical id `role`.
pub(in crate::stack) fn properties(name: &str, statements: &[Value], role: &str) -> Value {
    json!({
        "PolicyDocument": { "Statement": statements, "Version": super::POLICY_VERSION },
        "PolicyName": name,
        "Roles": [{ "Ref": role }],
    })
}
