//! IAM roles, their policies and instance profiles. A `role` is a logical id.

use serde_json::{Value, json};

use super::{INSTANCE_PROFILE, MANAGED_POLICY, POLICY, ROLE, Resource, reference, unless_empty};

/// The current version of IAM's policy language.
const POLICY_VERSION: &str = "2012-10-17";

/// A role that the AWS service `principal` assumes.
pub(in crate::stack) fn role(principal: &Value, managed_policies: &[Value]) -> Resource {
    ROLE.with(json!({
        "AssumeRolePolicyDocument": {
            "Statement": [{ "Action": "sts:AssumeRole", "Effect": "Allow", "Principal": { "Service": principal } }],
            "Version": POLICY_VERSION,
        },
        "ManagedPolicyArns": unless_empty(managed_policies),
    }))
}

/// An inline policy of `role`.
pub(in crate::stack) fn policy(name: &str, statements: &[Value], role: &str) -> Resource {
    POLICY.with(json!({
        "PolicyDocument": policy_document(statements),
        "PolicyName": name,
        "Roles": [reference(role)],
    }))
}

/// A managed policy of `role`.
pub(in crate::stack) fn managed_policy(description: &str, statements: &[Value], role: &str) -> Resource {
    MANAGED_POLICY.with(json!({
        "Description": description,
        "Path": "/",
        "PolicyDocument": policy_document(statements),
        "Roles": [reference(role)],
    }))
}

pub(in crate::stack) fn policy_document(statements: &[Value]) -> Value {
    json!({ "Statement": statements, "Version": POLICY_VERSION })
}

pub(in crate::stack) fn instance_profile(role: &str) -> Resource {
    INSTANCE_PROFILE.with(json!({ "Roles": [reference(role)] }))
}
