//! Resource changes, as DescribeChangeSet lists them.

use serde_json::{Value, json};

use super::StackComparison;
use super::detail::Detail;
use crate::cloudformation::model::{
    ChangeList, DeletionPolicy, PhysicalResource, Resource, StackDefinition, mask_text,
};
use crate::cloudformation::replacement::Replacement;
use crate::cloudformation::resources::ResourceType;

/// How a change set affects a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplacementEffect {
    Unchanged,
    Modified,
    MayBeReplaced,
    Replaced,
}

impl StackComparison<'_> {
    /// The changes in both forms, with hidden values masked.
    pub(super) fn into_change_list(self) -> ChangeList {
        let (without_values, with_values): (Vec<_>, Vec<_>) = self.planned.into_values().unzip();
        let wrapped = |changes: Vec<Option<Value>>| {
            changes
                .into_iter()
                .flatten()
                .map(|change| json!({ "Type": "Resource", "ResourceChange": change }))
                .collect()
        };
        let secrets: Vec<String> = [self.old, self.new].into_iter().flat_map(StackDefinition::secrets).collect();
        let mut with_values: Vec<Value> = wrapped(with_values);
        for change in &mut with_values {
            mask(change, &secrets);
        }
        ChangeList { without_values: wrapped(without_values), with_values, warning: self.warning }
    }
}

/// Masks hidden values in the members that contain property values.
fn mask(value: &mut Value, secrets: &[String]) {
    match value {
        Value::String(text) => {
            for secret in secrets {
                *text = mask_text(text, secret);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| {
                matches!(name.as_str(), "ResourceChange" | "Details" | "Target")
                    || name.ends_with("Context")
                    || name.ends_with("Value")
            })
            .for_each(|(_, member)| mask(member, secrets)),
        _ => {}
    }
}

/// How the details of a change affect its resource.
pub(super) fn outcome(
    resource_type: &ResourceType,
    current: &PhysicalResource,
    details: &[Detail],
) -> ReplacementEffect {
    let recreation = |is_static: bool| {
        let selected = details.iter().filter(|detail| detail.cause.is_static == is_static);
        selected.map(|detail| detail.recreation).max().unwrap_or(Replacement::Never)
    };
    if current.resource_type != resource_type.name || recreation(true) == Replacement::Always {
        ReplacementEffect::Replaced
    } else if recreation(true).max(recreation(false)) > Replacement::Never {
        ReplacementEffect::MayBeReplaced
    } else if details.is_empty() {
        ReplacementEffect::Unchanged
    } else {
        ReplacementEffect::Modified
    }
}

/// The change of a resource in the stack; `None` if it is unchanged.
pub(super) fn modification(
    resource_type: &ResourceType,
    resource: &Resource,
    current: &PhysicalResource,
    details: &[Detail],
    describe: impl Fn(&Detail) -> Vec<Value>,
) -> Option<Value> {
    let (replacement, policy_action) = match (outcome(resource_type, current, details), resource.update_replace_policy)
    {
        (ReplacementEffect::Unchanged, _) => return None,
        (ReplacementEffect::Modified, _) => ("False", None),
        (ReplacementEffect::MayBeReplaced, _) => ("Conditional", None),
        (ReplacementEffect::Replaced, DeletionPolicy::Retain) => ("True", Some("ReplaceAndRetain")),
        (ReplacementEffect::Replaced, _) => ("True", Some("ReplaceAndDelete")),
    };
    let mut scope: Vec<&str> = Vec::new();
    for detail in details {
        if !scope.contains(&detail.attribute) {
            scope.push(detail.attribute);
        }
    }
    Some(json!({
        "Action": "Modify",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": current.physical_id,
        "ResourceType": resource_type.name,
        "Replacement": replacement,
        "PolicyAction": policy_action,
        "Scope": scope,
        "Details": details.iter().flat_map(describe).collect::<Vec<_>>(),
    }))
}

/// The change of a resource that the new template does not have.
pub(super) fn removal(resource: &Resource) -> Value {
    let physical_id = resource.current.as_ref().map(|current| &current.physical_id);
    json!({
        "Action": "Remove",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": resource.resource_type,
        "PolicyAction": if resource.is_retained() { "Retain" } else { "Delete" },
        "Scope": [],
        "Details": [],
    })
}
