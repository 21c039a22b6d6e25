//! `DeletionPolicy` and `UpdateReplacePolicy` of resources: a text, or a function that has one without any resource.

use serde_json::Value;

use super::evaluation_scope::EvaluationScope;
use super::functions::{is_call, only_member};
use super::{Template, format_error, invalid, type_of};
use crate::Fault;

/// The names of the policies.
pub(crate) const POLICIES: [&str; 2] = ["DeletionPolicy", "UpdateReplacePolicy"];

fn known_values(policy: &str) -> &'static [&'static str] {
    match policy {
        "DeletionPolicy" => &["Delete", "Retain", "Snapshot", "RetainExceptOnCreate"],
        _ => &["Delete", "Retain", "Snapshot"],
    }
}

/// Checks the policies of a resource that are texts. AWS accepts functions in templates without transforms, too (recorded: localstack's
/// test_deletion_policy_with_retain and test_update_replace_policy_retain).
pub(super) fn check_structure(name: &str, resource: &Value) -> Result<(), Fault> {
    for policy in POLICIES {
        match &resource[policy] {
            Value::Null => {}
            Value::String(text) => check_text(name, resource, policy, text)?,
            value if only_member(value).is_some_and(|(function, _)| is_call(function)) => {}
            _ => return Err(format_error(&format!("Every {policy} member must be a string."))),
        }
    }
    Ok(())
}

fn check_text(name: &str, resource: &Value, policy: &str, text: &str) -> Result<(), Fault> {
    if !known_values(policy).contains(&text) {
        return Err(format_error(&format!("Unrecognized {policy} {text} for resource {name}")));
    }
    // None of the served types supports snapshots.
    if text == "Snapshot" {
        let action = if policy == "DeletionPolicy" { "deletion" } else { "update replace" };
        let resource_type = type_of(resource);
        let sentence =
            format!("Template error: resource type {resource_type} does not support {action} policy Snapshot");
        return Err(invalid(sentence));
    }
    Ok(())
}

/// Checks the policies that are functions. The scope has the template's parameters.
pub(super) fn check_functions(template: &Template, scope: &EvaluationScope<'_>) -> Result<(), Fault> {
    for (name, resource) in template.resources() {
        for policy in POLICIES.into_iter().filter(|policy| resource[*policy].is_object()) {
            // `AWS::NoValue` is as without a policy.
            if let Some(value) = scope.evaluate(&resource[policy]).map_err(invalid)? {
                let text = value.as_str().ok_or_else(|| invalid(EvaluationScope::NOT_TEXT))?;
                check_text(name, resource, policy, text)?;
            }
        }
    }
    Ok(())
}

/// The value of a policy that a template declares; null without one.
pub(crate) fn value(scope: &EvaluationScope<'_>, resource: &Value, policy: &str) -> Value {
    scope.evaluate(&resource[policy]).ok().flatten().unwrap_or_default()
}
