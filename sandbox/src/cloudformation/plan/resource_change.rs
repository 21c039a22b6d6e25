//! Resource changes, as DescribeChangeSet lists them.

use serde_json::{Value, json};

use super::Comparison;
use super::detail::Detail;
use crate::cloudformation::model::{Definition, DeletionPolicy, PhysicalResource, Planned, Resource, mask_text};
use crate::cloudformation::replacement::Recreation;
use crate::cloudformation::resources::ResourceType;

/// How a change set affects a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
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
pub(super) fn outcome(kind: &ResourceType, current: &PhysicalResource, details: &[Detail]) -> Outcome {
    let recreation = |is_static: bool| {
        let selected = details.iter().filter(|detail| detail.cause.is_static == is_static);
        selected.map(|detail| detail.recreation).max().unwrap_or(Recreation::Never)
    };
    if current.kind != kind.name || recreation(true) == Recreation::Always {
        Outcome::Replaced
    } else if recreation(true).max(recreation(false)) > Recreation::Never {
        Outcome::MayBeReplaced
    } else if details.is_empty() {
        Outcome::Unchanged
    } else {
        Outcome::Modified
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
        (Outcome::Unchanged, _) => return None,
        (Outcome::Modified, _) => ("False", None),
        (Outcome::MayBeReplaced, _) => ("Conditional", None),
        (Outcome::Replaced, DeletionPolicy::Retain) => ("True", Some("ReplaceAndRetain")),
        (Outcome::Replaced, _) => ("True", Some("ReplaceAndDelete")),
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
