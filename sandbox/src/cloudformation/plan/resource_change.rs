//! Resource changes, as DescribeChangeSet lists them.

use serde_json::{Value, json};

use super::Comparison;
use super::detail::Detail;
use crate::cloudformation::model::{Definition, DeletionPolicy, PhysicalResource, Planned, Resource, mask_text};
use crate::cloudformation::replacement::ReplacementRequirement;
use crate::cloudformation::resources::ResourceType;

/// How a change set affects a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplacementEffect {
    Unchanged,
    Modified,
    MayBeReplaced,
    Replaced,
}

impl Comparison<'_> {
    /// The changes in both forms, with hidden values masked.
    pub(super) fn into_planned(self) -> Planned {
        let (plain, full): (Vec<_>, Vec<_>) = self.planned.into_values().unzip();
        let wrapped = |changes: Vec<Option<Value>>| {
            changes
                .into_iter()
                .flatten()
                .map(|change| json!({ "Type": "Resource", "ResourceChange": change }))
                .collect()
        };
        let secrets: Vec<String> = [self.old, self.new].into_iter().flat_map(Definition::secrets).collect();
        let mut full: Vec<Value> = wrapped(full);
        for change in &mut full {
            mask(change, &secrets);
        }
        Planned { plain: wrapped(plain), full, warning: self.warning }
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
pub(super) fn outcome(kind: &ResourceType, current: &PhysicalResource, details: &[Detail]) -> ReplacementEffect {
    let recreation = |is_static: bool| {
        let selected = details.iter().filter(|detail| detail.cause.is_static == is_static);
        selected.map(|detail| detail.recreation).max().unwrap_or(ReplacementRequirement::Never)
    };
    if current.kind != kind.name || recreation(true) == ReplacementRequirement::Always {
        ReplacementEffect::Replaced
    } else if recreation(true).max(recreation(false)) > ReplacementRequirement::Never {
        ReplacementEffect::MayBeReplaced
    } else if details.is_empty() {
        ReplacementEffect::Unchanged
    } else {
        ReplacementEffect::Modified
    }
}

/// The change of a resource in the stack; `None` if it is unchanged.
pub(super) fn modification(
    kind: &ResourceType,
    row: &Resource,
    current: &PhysicalResource,
    details: &[Detail],
    describe: impl Fn(&Detail) -> Vec<Value>,
) -> Option<Value> {
    let (replacement, policy_action) = match (outcome(kind, current, details), row.update_replace_policy) {
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
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": current.physical_id,
        "ResourceType": kind.name,
        "Replacement": replacement,
        "PolicyAction": policy_action,
        "Scope": scope,
        "Details": details.iter().flat_map(describe).collect::<Vec<_>>(),
    }))
}

/// The change of a resource that the new template does not have.
pub(super) fn removal(row: &Resource) -> Value {
    let physical_id = row.current.as_ref().map(|current| &current.physical_id);
    json!({
        "Action": "Remove",
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": row.kind,
        "PolicyAction": if row.is_retained() { "Retain" } else { "Delete" },
        "Scope": [],
        "Details": [],
    })
}
