//! Changes of resources, and how replacements propagate to the resources that refer to replaced ones.

use serde_json::{Map, Value};

use super::create_only::property_impact;
use super::{Change, Impact, PropertyChange, ResourceChange, names, rank};
use crate::stack::known_values::is_intrinsic_name;

type Resources = Map<String, Value>;

/// The changed resources: removed, then added, then updated ones.
pub(super) fn resource_changes(old: &Resources, new: &Resources) -> Vec<ResourceChange> {
    let mut changes = direct_changes(old, new);
    let propagated = changes_with_replaced_references(old, new.clone());
    for mut downstream in
        propagated.into_iter().filter(|change| matches!(change.impact, Impact::MayReplace | Impact::Replace))
    {
        let direct = changes.iter_mut().find(|change| change.logical_id == downstream.logical_id);
        downstream.properties.retain(|property| matches!(property.impact, Impact::MayReplace | Impact::Replace));
        match direct {
            Some(direct) if direct.impact != downstream.impact => direct.merge(downstream),
            Some(_) => {}
            None => changes.push(downstream),
        }
    }
    let position = |id: &str| names(old, new).position(|name| name == id);
    changes.sort_by_key(|change| (rank(&change.change), position(&change.logical_id)));
    changes
}

/// The changes if every reference to a replaced resource counts as a change, transitively.
fn changes_with_replaced_references(old: &Resources, mut new: Resources) -> Vec<ResourceChange> {
    loop {
        let changes = direct_changes(old, &new);
        let replaced = changes.iter().filter(|change| change.impact == Impact::Replace);
        let ids: Vec<String> = replaced.map(|change| change.logical_id.clone()).collect();
        let marked: Vec<bool> =
            ids.iter().map(|id| new.values_mut().fold(false, |any, value| mark(value, id) | any)).collect();
        if !marked.contains(&true) {
            return changes;
        }
    }
}

/// Marks the references to `id` within `value`. Returns whether any was not marked yet.
fn mark(value: &mut Value, id: &str) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |any, item| mark(item, id) | any),
        Value::Object(map) if map.len() == 1 && map.keys().all(|key| is_intrinsic_name(key)) => {
            map.iter_mut().fold(false, |any, (key, target)| mark_reference(key == "Ref", target, id) | any)
        }
        Value::Object(map) => map.values_mut().fold(false, |any, value| mark(value, id) | any),
        _ => false,
    }
}

fn mark_reference(is_ref: bool, target: &mut Value, id: &str) -> bool {
    let (name, mark) = match target {
        Value::String(_) if is_ref => (Some(target), " (replaced)"),
        Value::Array(items) if !is_ref => (items.first_mut(), "(replaced)"),
        _ => return false,
    };
    match name {
        Some(Value::String(name)) if name == id => {
            name.push_str(mark);
            true
        }
        _ => false,
    }
}

fn direct_changes(old: &Resources, new: &Resources) -> Vec<ResourceChange> {
    names(old, new).filter_map(|id| resource_change(id, old.get(id), new.get(id))).collect()
}

fn resource_change(id: &str, old: Option<&Value>, new: Option<&Value>) -> Option<ResourceChange> {
    let change = Change::between(old, new)?;
    let (properties, impact) = match (old, new) {
        (None, _) => (Vec::new(), Impact::Create),
        (Some(old), None) if is_retained(old) => (Vec::new(), Impact::Orphan),
        (Some(_), None) => (Vec::new(), Impact::Destroy),
        (Some(old), Some(new)) if old["Type"] != new["Type"] => (Vec::new(), Impact::Replace),
        (Some(old), Some(new)) => {
            let properties = property_changes(old, new);
            let worst = properties.iter().map(|property| property.impact).max();
            (properties, worst.unwrap_or(Impact::None))
        }
    };
    Some(ResourceChange { logical_id: id.to_owned(), change, properties, impact })
}

fn is_retained(resource: &Value) -> bool {
    matches!(resource["DeletionPolicy"].as_str(), Some("Retain" | "RetainExceptOnCreate"))
}

/// The changed properties by name, then other changed attributes by name.
fn property_changes(old: &Value, new: &Value) -> Vec<PropertyChange> {
    let resource_type = old["Type"].as_str().unwrap_or_default();
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let sorted = |old: &Resources, new: &Resources, impact: &dyn Fn(&str) -> Impact| {
        let change = |name: &String| {
            let change = Change::between(old.get(name), new.get(name))?;
            Some(PropertyChange { name: name.clone(), change, impact: impact(name) })
        };
        let mut changes: Vec<_> = names(old, new).filter_map(change).collect();
        changes.sort_by(|left, right| left.name.cmp(&right.name));
        changes
    };
    let mut changes =
        sorted(&map(&old["Properties"]), &map(&new["Properties"]), &|name| property_impact(resource_type, name));
    let attributes = |resource: &Value| map(resource).into_iter().filter(|(key, _)| key != "Properties").collect();
    changes.extend(sorted(&attributes(old), &attributes(new), &|_| Impact::Update));
    changes
}

impl ResourceChange {
    /// Merges the properties that the replacement of another resource changes.
    pub(super) fn merge(&mut self, downstream: Self) {
        for property in downstream.properties {
            self.properties.retain(|own| own.name != property.name);
            let at = self.properties.iter().position(|own| own.name > property.name || is_attribute(&own.name));
            self.properties.insert(at.unwrap_or(self.properties.len()), property);
        }
        self.impact = self.impact.max(downstream.impact);
    }
}

/// Whether this is the name of a resource attribute, as opposed to a property.
pub(super) fn is_attribute(name: &str) -> bool {
    [
        "Type",
        "DependsOn",
        "Metadata",
        "CreationPolicy",
        "UpdatePolicy",
        "UpdateReplacePolicy",
        "DeletionPolicy",
        "Condition",
    ]
    .contains(&name)
}
