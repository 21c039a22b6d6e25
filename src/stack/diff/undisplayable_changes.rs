//! Changes that only a change set shows, because GetTemplate returns `?` for non-ASCII characters.

use std::collections::BTreeSet;

use serde_json::Value;

use super::equality::{equal, has_question_mark};
use super::refinement::PlannedResource;
use super::{Change, PropertyChange, ResourceChange, TemplateDiff};
use crate::stack::Template;

impl TemplateDiff {
    /// Adds the properties that the change set changes although both templates show the same value.
    pub(super) fn add_undisplayable_changes(
        &mut self,
        planned: &PlannedResource,
        deployed: &Template,
        desired: &Template,
    ) {
        let id = &planned.logical_id;
        let (old, new) = (deployed.resource(id), desired.resource(id));
        let shown = self.resources.iter_mut().find(|resource| resource.logical_id == *id);
        let is_shown = |name: &String| {
            let properties = shown.iter().flat_map(|resource| &resource.properties);
            properties.into_iter().any(|property| property.name == *name)
        };
        // A change set lists a property once for each of its causes.
        let names: BTreeSet<&String> = planned.direct.iter().filter(|name| !is_shown(name)).collect();
        let properties = names.into_iter().filter_map(|name| {
            let value = |resource: &Value| resource["Properties"].get(name).cloned();
            let old = value(old).filter(has_question_mark)?;
            let change = Change { old: Some(old), new: Some(value(new)?) };
            Some(PropertyChange { name: name.clone(), change, impact: planned.impact_of(name)? })
        });
        let properties: Vec<PropertyChange> = properties.collect();
        let Some(worst) = properties.iter().map(|property| property.impact).max() else { return };
        let hidden = ResourceChange {
            logical_id: id.clone(),
            change: Change { old: Some(old.clone()), new: Some(new.clone()) },
            properties,
            impact: worst.max(planned.replacement.into()),
        };
        match shown {
            Some(shown) if shown.is_updated() => shown.merge(hidden),
            Some(_) => {}
            None => self.resources.push(hidden),
        }
    }

    /// The properties that the change set changes although both templates show the same value, as `LogicalId.Property`.
    pub fn undisplayable_changes(&self) -> Vec<String> {
        let names = |resource: &ResourceChange| {
            let hidden = resource.properties.iter().filter(|property| property.change.is_undisplayable());
            hidden.map(|property| format!("{}.{}", resource.logical_id, property.name)).collect::<Vec<_>>()
        };
        self.resources.iter().flat_map(names).collect()
    }
}

impl Change {
    /// Whether both values are equal, so that printing them would not show the change.
    pub fn is_undisplayable(&self) -> bool {
        matches!((&self.old, &self.new), (Some(old), Some(new)) if equal(old, new))
    }
}
