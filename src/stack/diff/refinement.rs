//! Refines a diff with a change set, which knows the values after resolution and the certain replacements.
//!
//! Drops only changes that resolve to the same value at deployment, and those that GetTemplate cannot show. All other changes in the
//! templates are kept even if the change set omits them: CloudFormation omits what it considers equal, so that `cdk diff` hides real
//! changes.

use serde_json::Value;

use super::equality::{equal, equal_in_ascii};
use super::{Change, Impact, NamedChange, PropertyChange, ResourceChange, Section, TemplateDiff};
use crate::stack::Template;

/// Whether a change recreates the resource, as RequiresRecreation in a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequiresRecreation {
    /// The resource is updated in place.
    Never,
    /// Known only during the update.
    Conditionally,
    /// The resource is replaced.
    Always,
}

/// A resource's change in a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedResource {
    pub logical_id: String,
    /// Whether the resource is replaced.
    pub replacement: RequiresRecreation,
    /// The changed properties by name.
    pub properties: Vec<(String, RequiresRecreation)>,
    /// The changed properties whose value in the template itself changes, not only a value that it refers to.
    pub direct: Vec<String>,
}

/// The section of changes that the templates alone cannot show.
pub const INCOMPARABLE: Section = Section { key: None, title: "Cannot Be Compared", entry: "Text" };

impl From<RequiresRecreation> for Impact {
    fn from(recreation: RequiresRecreation) -> Self {
        match recreation {
            RequiresRecreation::Never => Self::Update,
            RequiresRecreation::Conditionally => Self::MayReplace,
            RequiresRecreation::Always => Self::Replace,
        }
    }
}

impl TemplateDiff {
    /// Sets the impacts of a change set, drops changes that resolve to the same value, and adds those that only the change set shows. The
    /// templates are those of the diff.
    #[must_use]
    pub fn refined_with(mut self, planned: &[PlannedResource], deployed: &Template, desired: &Template) -> Self {
        self.resources.retain_mut(|resource| {
            let planned = planned.iter().find(|planned| planned.logical_id == resource.logical_id);
            !resource.is_updated() || resource.refine(planned)
        });
        for planned in planned {
            self.add_undisplayable_changes(planned, deployed, desired);
        }
        self
    }

    /// Removes and returns the changes that may be due to GetTemplate, which returns `?` for non-ASCII characters. With `is_refined`,
    /// changes of properties stay, because a change set has confirmed them.
    #[must_use]
    pub fn take_incomparable(&mut self, is_refined: bool) -> Vec<NamedChange> {
        let mut removed = Vec::new();
        let mut remove = |prefix: &str, name: &str, change: &Change| {
            let is_removed = change.is_equal_in_ascii();
            if is_removed {
                removed.push(NamedChange { name: format!("{prefix}{name}"), change: change.clone() });
            }
            !is_removed
        };
        self.header.retain(|named| remove("", &named.name, &named.change));
        for (section, changes) in self.before_resources.iter_mut().chain(&mut self.after_resources) {
            changes.retain(|named| remove(&format!("{}.", section.title), &named.name, &named.change));
        }
        self.before_resources.retain(|(_, changes)| !changes.is_empty());
        self.after_resources.retain(|(_, changes)| !changes.is_empty());
        for resource in self.resources.iter_mut().filter(|resource| resource.is_updated()) {
            let prefix = format!("{}.", resource.logical_id);
            let count = resource.properties.len();
            resource.properties.retain(|property| {
                let is_confirmed = is_refined && !super::replacement::is_attribute(&property.name);
                is_confirmed || remove(&prefix, &property.name, &property.change)
            });
            if resource.properties.len() < count {
                let impacts = resource.properties.iter().map(|property| property.impact);
                resource.impact = impacts.max().unwrap_or(Impact::None);
            }
        }
        self.resources.retain(|resource| !resource.is_updated() || !resource.properties.is_empty());
        removed
    }
}

impl PlannedResource {
    /// The impact of a property's change on the resource; `None` if the property does not change.
    pub(super) fn impact_of(&self, property: &str) -> Option<Impact> {
        let changes = self.properties.iter().filter(|(name, _)| name == property);
        changes.map(|(_, recreation)| Impact::from(*recreation)).max()
    }
}

impl Change {
    fn is_equal_in_ascii(&self) -> bool {
        matches!((&self.old, &self.new), (Some(old), Some(new)) if equal_in_ascii(old, new))
    }
}

impl ResourceChange {
    /// Whether the resource exists before and after, with the same type.
    pub(super) fn is_updated(&self) -> bool {
        matches!((&self.change.old, &self.change.new), (Some(old), Some(new)) if old["Type"] == new["Type"])
    }

    /// Refines the change. Returns `false` if no property changes any more.
    fn refine(&mut self, planned: Option<&PlannedResource>) -> bool {
        self.properties.retain_mut(|property| {
            if super::replacement::is_attribute(&property.name) {
                return planned.is_some() || !property.change.is_equal_in_ascii();
            }
            match planned.and_then(|planned| planned.impact_of(&property.name)) {
                Some(impact) => property.impact = impact,
                None => return !property.may_be_unchanged(),
            }
            true
        });
        let worst = self.properties.iter().map(|property| property.impact).max();
        let replacement = planned.map(|planned| Impact::from(planned.replacement)).filter(|_| worst.is_some());
        self.impact = worst.max(replacement).unwrap_or(Impact::None);
        !self.properties.is_empty()
    }
}

impl PropertyChange {
    /// Whether the two values may resolve to the same one, or differ only in what GetTemplate cannot show.
    fn may_be_unchanged(&self) -> bool {
        match (&self.change.old, &self.change.new) {
            (Some(old), Some(new)) => may_be_equal(old, new),
            _ => false,
        }
    }
}

fn may_be_equal(old: &Value, new: &Value) -> bool {
    if is_resolved_later(old) || is_resolved_later(new) {
        return true;
    }
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| may_be_equal(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            old.len() == new.len()
                && old.iter().all(|(key, old)| new.get(key).is_some_and(|new| may_be_equal(old, new)))
        }
        _ => equal(old, new) || equal_in_ascii(old, new),
    }
}

/// Whether it is an intrinsic function or a string with a dynamic reference.
fn is_resolved_later(value: &Value) -> bool {
    match value {
        Value::Object(map) if map.len() == 1 => map.keys().all(|key| key == "Ref" || key.starts_with("Fn::")),
        Value::String(text) => text.contains("{{resolve:"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::Template;

    fn template(properties: &Value) -> Template {
        let template = json!({ "Resources": { "A": { "Type": "AWS::ECS::Service", "Properties": properties } } });
        Template::from_map(template.as_object().cloned().unwrap_or_default())
    }

    /// The properties and impacts of a change after refinement.
    fn refined(old: &Value, new: &Value, properties: &[(&str, RequiresRecreation)]) -> Vec<(String, Impact)> {
        let properties = properties.iter().map(|(name, recreation)| ((*name).to_owned(), *recreation)).collect();
        let direct = Vec::new();
        let planned =
            PlannedResource { logical_id: "A".to_owned(), replacement: RequiresRecreation::Never, properties, direct };
        let (old, new) = (template(old), template(new));
        let diff = TemplateDiff::between(&old, &new).refined_with(&[planned], &old, &new);
        let properties = diff.resources.into_iter().flat_map(|resource| resource.properties);
        properties.map(|property| (property.name, property.impact)).collect()
    }

    #[test]
    fn the_change_set_decides_what_is_replaced() {
        let refined_with = |recreation| {
            refined(&json!({ "ServiceName": "a" }), &json!({ "ServiceName": "b" }), &[("ServiceName", recreation)])
        };
        assert_eq!(refined_with(RequiresRecreation::Always), [("ServiceName".to_owned(), Impact::Replace)]);
        assert_eq!(refined_with(RequiresRecreation::Conditionally), [("ServiceName".to_owned(), Impact::MayReplace)]);
        assert_eq!(refined_with(RequiresRecreation::Never), [("ServiceName".to_owned(), Impact::Update)]);
    }

    #[test]
    fn changes_between_literals_are_never_dropped() {
        let shown = refined(&json!({ "ServiceName": "a" }), &json!({ "ServiceName": "b" }), &[]);
        assert_eq!(shown, [("ServiceName".to_owned(), Impact::Replace)]);
        let mixed = |count: u8| json!({ "Tags": [{ "Ref": "P" }, { "Key": "n", "Value": count }] });
        assert_eq!(refined(&mixed(1), &mixed(2), &[]).len(), 1);
        assert_eq!(refined(&json!({}), &json!({ "Cluster": { "Ref": "P" } }), &[]).len(), 1);
    }

    #[test]
    fn changes_that_may_resolve_to_the_same_value_are_dropped() {
        let old = json!({ "Cluster": "demo", "Role": ["a", { "Ref": "P" }] });
        let new = json!({ "Cluster": { "Fn::ImportValue": "Name" }, "Role": ["a", "{{resolve:ssm:/role}}"] });
        assert_eq!(refined(&old, &new, &[]), []);
        assert_eq!(
            refined(&old, &new, &[("Cluster", RequiresRecreation::Always)]),
            [("Cluster".to_owned(), Impact::Replace)]
        );
    }

    #[test]
    fn strings_that_get_template_cannot_show_are_equal_only_if_the_change_set_agrees() {
        let (old, new) = (json!({ "ServiceName": "??????" }), json!({ "ServiceName": "привет" }));
        assert_eq!(refined(&old, &new, &[]), []);
        let changed = [("ServiceName", RequiresRecreation::Always)];
        assert_eq!(refined(&old, &new, &changed), [("ServiceName".to_owned(), Impact::Replace)]);

        let mut unconfirmed = TemplateDiff::between(&template(&old), &template(&new));
        let removed = unconfirmed.take_incomparable(false);
        assert_eq!((removed.len(), removed[0].name.as_str(), unconfirmed.is_empty()), (1, "A.ServiceName", true));
        let mut different = TemplateDiff::between(&template(&old), &template(&json!({ "ServiceName": "hello!" })));
        assert!(different.take_incomparable(false).is_empty() && !different.is_empty());
    }

    #[test]
    fn texts_outside_of_properties_are_incomparable_even_with_a_change_set() {
        let with = |description: &str| {
            let template = json!({
                "Description": description,
                "Resources": { "A": { "Type": "T", "Metadata": { "note": description } } },
                "Outputs": { "O": { "Value": "1", "Description": description } },
            });
            Template::from_map(template.as_object().cloned().unwrap_or_default())
        };
        let mut diff = TemplateDiff::between(&with("?"), &with("é"));
        let names: Vec<String> = diff.take_incomparable(true).into_iter().map(|named| named.name).collect();
        assert_eq!(
            (names, diff.is_empty()),
            (vec!["Description".into(), "Outputs.O".into(), "A.Metadata".into()], true)
        );
    }
}
