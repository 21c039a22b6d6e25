//! Resources with custom names, and conflicts of a deployment that would create a name twice.
//!
//! CloudFormation creates a replacement before it deletes the old resource, and new resources before it deletes removed ones ("Update
//! behaviors of stack resources" in its user guide), so a name that is still in use is refused. Which properties make a name unique
//! is in `src/data/unique_names.txt`.

use serde_json::Value;

use super::known_values::{KnownValues, is_absent, refers_to};
use super::template::Template;
use super::type_table::properties_of;

/// The identifying properties of each type, sorted. A `?` in front marks optional ones.
const TABLE: &str = include_str!("../data/unique_names.txt");

/// A custom name: a resource type and the properties whose values must be unique within it. The name itself is the last property.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomName {
    pub resource_type: String,
    /// Names and values; null for an optional property without a value.
    pub properties: Vec<(&'static str, Value)>,
}

/// A resource that a deployment replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    pub logical_id: String,
    /// Whether it is certainly replaced; otherwise the deployment decides.
    pub is_certain: bool,
    /// The properties whose change replaces it.
    pub causes: Vec<String>,
    /// All properties whose values change.
    pub changed: Vec<String>,
}

/// A resource that cannot be created because the same stack uses its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NameConflict {
    /// The logical id of the resource that would be created.
    pub logical_id: String,
    pub name: CustomName,
    /// Why the name is taken.
    pub cause: ConflictCause,
}

/// Why a name is taken within the same stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictCause {
    /// The resource is replaced and keeps its name.
    Replaced(Replacement),
    /// The deployed resource with this logical id has the name.
    Deployed(String),
    /// The template's resource with this logical id has the name as well.
    Duplicate(String),
}

/// The custom names that a deployment creates, or cannot create.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NameChanges {
    /// Resources that cannot be created.
    pub conflicts: Vec<NameConflict>,
    /// Names that the deployment creates, by logical id; functions are evaluated where possible. They must not exist elsewhere.
    pub new_names: Vec<(String, CustomName)>,
}

impl CustomName {
    /// The custom name of a template's resource, with the values in the template; `None` without one.
    pub fn from_resource(resource: &Value) -> Option<Self> {
        let resource_type = resource["Type"].as_str()?;
        let row = properties_of(TABLE, resource_type)?;
        let mut properties = Vec::new();
        for word in row {
            let property = word.trim_start_matches('?');
            let value = &resource["Properties"][property];
            if !is_absent(value) {
                properties.push((property, value.clone()));
            } else if word.starts_with('?') {
                properties.push((property, Value::Null));
            } else {
                return None;
            }
        }
        Some(Self { resource_type: resource_type.to_owned(), properties })
    }

    /// The value of a property if it is a string; `None` for an intrinsic function.
    pub fn get(&self, property: &str) -> Option<&str> {
        self.properties.iter().find(|(name, _)| *name == property)?.1.as_str()
    }

    /// The name of the property that holds the name itself.
    pub fn property(&self) -> &'static str {
        self.properties.last().map(|(property, _)| *property).unwrap_or_default()
    }

    /// The name itself, or an intrinsic function as JSON.
    pub fn display_name(&self) -> String {
        let value = self.properties.last().map_or(&Value::Null, |(_, value)| value);
        value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
    }

    /// Whether both names are certainly the same. `is_unstable` holds for logical ids of resources whose physical ids change.
    fn certainly_equals(&self, other: &Self, known: &KnownValues, is_unstable: &impl Fn(&str) -> bool) -> bool {
        let same = |left: &Value, right: &Value| match (known.evaluate(left), known.evaluate(right)) {
            (Some(left), Some(right)) => left == right,
            _ => left == right && !refers_to(right, is_unstable),
        };
        let pairs = self.properties.iter().zip(&other.properties);
        self.resource_type == other.resource_type && pairs.into_iter().all(|(left, right)| same(&left.1, &right.1))
    }
}

impl NameChanges {
    /// The name changes of deploying `desired` over `deployed`. Resources that depend on a condition count only when they are replaced.
    /// `known` may hold physical ids of replaced resources; they are not used.
    pub fn between(deployed: &Template, desired: &Template, replaced: &[Replacement], known: &KnownValues) -> Self {
        let replacement = |id: &str| replaced.iter().find(|replacement| replacement.logical_id == id);
        let is_replaced = |id: &str| replacement(id).is_some();
        let mut known = known.clone();
        known.references.retain(|id, _| !is_replaced(id));
        let equal = |left: &CustomName, right: &CustomName| left.certainly_equals(right, &known, &is_replaced);

        let (old, new) = (named_resources(deployed), named_resources(desired));
        let mut changes = Self::default();
        for (at, NamedResource { id, name, is_conditional }) in new.iter().enumerate() {
            let conflict =
                |cause| NameConflict { logical_id: id.clone(), name: with_known_values(name, &known), cause };
            if deployed.resource(id)["Type"] == name.resource_type.as_str() {
                let Some(replacement) = replacement(id) else { continue };
                let keeps_name = old.iter().any(|old| old.id == *id && equal(&old.name, name))
                    && !name
                        .properties
                        .iter()
                        .any(|(property, _)| replacement.changed.iter().any(|changed| changed == property));
                if keeps_name {
                    changes.conflicts.push(conflict(ConflictCause::Replaced(replacement.clone())));
                }
                if keeps_name || !replacement.is_certain {
                    continue;
                }
            }
            if *is_conditional {
                continue;
            }
            let has_name =
                |other: &&NamedResource| other.id != *id && !other.is_conditional && equal(&other.name, name);
            if let Some(holder) = old.iter().find(has_name) {
                changes.conflicts.push(conflict(ConflictCause::Deployed(holder.id.clone())));
            } else if let Some(first) = new[..at].iter().find(has_name) {
                changes.conflicts.push(conflict(ConflictCause::Duplicate(first.id.clone())));
            } else {
                changes.new_names.push((id.clone(), with_known_values(name, &known)));
            }
        }
        changes
    }
}

/// A resource of a template that has a custom name.
struct NamedResource {
    id: String,
    name: CustomName,
    /// Whether it exists only under a condition.
    is_conditional: bool,
}

fn named_resources(template: &Template) -> Vec<NamedResource> {
    let named = |(id, resource): (&str, &Value)| {
        let is_conditional = resource.get("Condition").is_some();
        Some(NamedResource { id: id.to_owned(), name: CustomName::from_resource(resource)?, is_conditional })
    };
    template.section("Resources").filter_map(named).collect()
}

/// The name with values in place of functions where they are known.
fn with_known_values(name: &CustomName, known: &KnownValues) -> CustomName {
    let evaluate =
        |(property, value): &(&'static str, Value)| (*property, known.evaluate(value).unwrap_or_else(|| value.clone()));
    CustomName { resource_type: name.resource_type.clone(), properties: name.properties.iter().map(evaluate).collect() }
}

/// Whether a value depends on one of these resources, and so changes with them.
pub fn is_replaced_value<'a>(value: &Value, replaced: impl Iterator<Item = &'a Replacement>) -> bool {
    let ids: Vec<&str> = replaced.map(|replacement| replacement.logical_id.as_str()).collect();
    refers_to(value, &|id| ids.contains(&id))
}

#[cfg(test)]
mod tests;
