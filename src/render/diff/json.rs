//! Template diffs as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::security_tables;
use crate::ops::StackDiff;
use crate::render::Ui;
use crate::stack::diff::{Change, Impact, NamedChange, ResourceChange};
use crate::stack::security::{Changes, ManagedPolicy, Rule, SecurityChanges, Statement};

pub(super) fn stack_json(StackDiff { name, diff, notes }: &StackDiff, ui: &Ui) -> Value {
    let notes: Vec<String> = notes.iter().map(|note| ui.hint_text(note)).collect();
    let sections = diff.before_resources.iter().chain(&diff.after_resources);
    let sections =
        sections.flat_map(|(section, changes)| changes.iter().map(|change| entry_json(section.title, change)));
    let header = diff.header.iter().map(|change| entry_json("Header", change));
    json!({
        "stack": name,
        "different": !diff.is_empty(),
        "broadens_permissions": diff.security.is_broadening(),
        "resources": diff.resources.iter().map(|change| resource_json(change, &diff.paths)).collect::<Vec<_>>(),
        "other": header.chain(sections).collect::<Vec<_>>(),
        "security": security_json(&diff.security),
        "notes": notes,
    })
}

fn security_json(security: &SecurityChanges) -> Value {
    let SecurityChanges { statements, managed_policies, ingress, egress } = security;
    let statement = |statement: &Statement| {
        json!({
            "sid": statement.id,
            "effect": statement.effect.name(),
            "actions": statement.actions.values,
            "not_actions": statement.actions.not,
            "resources": statement.resources.values,
            "not_resources": statement.resources.not,
            "principals": statement.principals.values,
            "not_principals": statement.principals.not,
            "condition": statement.condition,
        })
    };
    let policy = |policy: &ManagedPolicy| json!({ "identity": policy.identity, "arn": policy.arn });
    let rule = |rule: &Rule| json!({ "group": rule.group, "protocol": security_tables::protocol(rule), "peer": security_tables::peer(rule) });
    json!({
        "statements": changes_json(statements, statement),
        "managed_policies": changes_json(managed_policies, policy),
        "ingress": changes_json(ingress, rule),
        "egress": changes_json(egress, rule),
    })
}

fn changes_json<T>(changes: &Changes<T>, to_json: impl Fn(&T) -> Value) -> Value {
    let list = |items: &[T]| items.iter().map(&to_json).collect::<Vec<_>>();
    json!({ "added": list(&changes.added), "removed": list(&changes.removed) })
}

fn entry_json(section: &str, NamedChange { name, change: Change { old, new } }: &NamedChange) -> Value {
    json!({ "section": section, "name": name, "old": old, "new": new })
}

fn resource_json(resource: &ResourceChange, paths: &BTreeMap<String, String>) -> Value {
    let ResourceChange { logical_id, change, properties, impact } = resource;
    let resource_type = |value: &Option<Value>| value.as_ref().and_then(|value| value.get("Type")).cloned();
    let properties = properties.iter().map(|property| {
        let Change { old, new } = &property.change;
        json!({ "name": property.name, "old": old, "new": new, "impact": impact_name(property.impact) })
    });
    json!({
        "logical_id": logical_id,
        "path": paths.get(logical_id),
        "type": resource_type(&change.new).or_else(|| resource_type(&change.old)),
        "impact": impact_name(*impact),
        "old": change.old,
        "new": change.new,
        "properties": properties.collect::<Vec<_>>(),
    })
}

fn impact_name(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "none",
        Impact::Update => "update",
        Impact::Create => "create",
        Impact::Orphan => "orphan",
        Impact::MayReplace => "may_replace",
        Impact::Replace => "replace",
        Impact::Destroy => "destroy",
    }
}
