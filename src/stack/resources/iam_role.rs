//! `AWS::IAM::Role`: who may assume it, and its managed policies.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::IAM::Role", required_first: &[] };

/// A role that the AWS service `principal` assumes.
pub(in crate::stack) fn properties(principal: &Value, managed_policies: &[Value]) -> Value {
    json!({
        "AssumeRolePolicyDocument": {
            "Statement": [{ "Action": "sts:AssumeRole", "Effect": "Allow", "Principal": { "Service": principal } }],
            "Version": super::POLICY_VERSION,
        },
        "ManagedPolicyArns": super::unless_empty(managed_policies),
    })
}
