//! `AWS::IAM::ManagedPolicy`: a policy of a role beside its inline one.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType =
    ResourceType { name: "AWS::IAM::ManagedPolicy", required_first: &["PolicyDocument"] };

/// A policy with `statements`, of the role with the logical id `role`.
pub(in crate::stack) fn properties(description: &str, statements: &[Value], role: &str) -> Value {
    json!({
        "Description": description,
        "Path": "/",
        "PolicyDocument": document(statements),
        "Roles": [{ "Ref": role }],
    })
}

/// The policy document with `statements`.
pub(in crate::stack) fn document(statements: &[Value]) -> Value {
    json!({ "Statement": statements, "Version": super::POLICY_VERSION })
}
