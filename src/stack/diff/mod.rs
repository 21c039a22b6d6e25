//! Differences between templates, by the rules of `cdk diff` (2.1148). Values only; `render::diff` lays out their text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::security::SecurityChanges;
use super::template::Template;

mod create_only;
pub(super) mod equality;
mod refinement;
mod replacement;
mod scaling_changes;
mod undisplayable_changes;

pub use equality::equal;
use equality::normalized;
pub use refinement::{INCOMPARABLE, PlannedResource, RequiresRecreation};

/// The metadata that holds a resource's construct path.
pub(super) const PATH_METADATA: &str = "/Metadata/aws:cdk:path";

/// An old and a new value, at least one of them present.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The deployed value.
    pub old: Option<Value>,
    /// The new value.
    pub new: Option<Value>,
}

/// A change of a named entry.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedChange {
    /// The name of the attribute, parameter, output, …
    pub name: String,
    /// How it changes.
    pub change: Change,
}

/// The impact of a change on a resource, from harmless to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// CloudFormation does nothing.
    None,
    /// Updated in place.
    Update,
    /// Created.
    Create,
    /// Removed from the stack, but retained.
    Orphan,
    /// Updated in place or replaced; decided during the update.
    MayReplace,
    /// Replaced: created again, then the old one is deleted.
    Replace,
    /// Deleted.
    Destroy,
}

/// A change of a property or another attribute of a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyChange {
    pub name: String,
    /// How it changes.
    pub change: Change,
    /// The impact on the resource.
    pub impact: Impact,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ResourceChange {
    pub logical_id: String,
    /// The whole resource.
    pub change: Change,
    /// The changes in an updated resource: properties by name, then other attributes by name.
    pub properties: Vec<PropertyChange>,
    /// The impact on it.
    pub impact: Impact,
}

/// The changes that deploying a template makes.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateDiff {
    /// AWSTemplateFormatVersion, Transform and Description.
    pub header: Vec<NamedChange>,
    /// Parameters, Metadata, Mappings and Conditions, in this order.
    pub before_resources: Vec<(&'static Section, Vec<NamedChange>)>,
    /// Removed, then added, then changed ones.
    pub resources: Vec<ResourceChange>,
    /// Outputs and all other sections.
    pub after_resources: Vec<(&'static Section, Vec<NamedChange>)>,
    /// Changes to permissions and security groups.
    pub security: SecurityChanges,
    /// Construct paths by logical id, of old and new resources.
    pub paths: BTreeMap<String, String>,
}

/// A section of a template whose entries are shown on one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// Its key in the template; `None` for entries outside of known sections.
    pub key: Option<&'static str>,
    pub title: &'static str,
    /// What one entry is called.
    pub entry: &'static str,
}

const HEADER: [&str; 3] = ["AWSTemplateFormatVersion", "Transform", "Description"];

const fn section(key: &'static str, entry: &'static str) -> Section {
    Section { key: Some(key), title: key, entry }
}

const BEFORE_RESOURCES: &[Section] = &[
    section("Parameters", "Parameter"),
    section("Metadata", "Metadata"),
    section("Mappings", "Mapping"),
    section("Conditions", "Condition"),
];
const OUTPUTS: &[Section] = &[section("Outputs", "Output")];
const TAGS: Section = Section { key: None, title: "Tags", entry: "Tag" };
/// The mask of NoEcho parameter values, as in CloudFormation.
const NO_ECHO_MASK: &str = "****";
const PARAMETER_VALUES: Section = Section { key: None, title: "Parameter Values", entry: "Parameter" };
const OTHER: &[Section] = &[Section { key: None, title: "Other Changes", entry: "Unknown" }];

impl TemplateDiff {
    /// Compares the deployed template with the new one, both without the CDK's metadata.
    pub fn between(old: &Template, new: &Template) -> Self {
        let old = normalized(old.without_cdk_metadata());
        let new = normalized(new.without_cdk_metadata());
        let entries =
            |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        let section_changes = |sections: &'static [Section]| {
            let changes = sections.iter().map(|section| match section.key {
                Some(key) => (section, changes(&entries(&old, key), &entries(&new, key))),
                None => (section, changes(&unknown_sections(&old), &unknown_sections(&new))),
            });
            changes.filter(|(_, changes)| !changes.is_empty()).collect::<Vec<_>>()
        };
        let (old_resources, new_resources) = (entries(&old, "Resources"), entries(&new, "Resources"));
        Self {
            header: changes(&with_keys(&old, &HEADER), &with_keys(&new, &HEADER)),
            before_resources: section_changes(BEFORE_RESOURCES),
            resources: replacement::resource_changes(&old_resources, &new_resources),
            after_resources: section_changes(OUTPUTS).into_iter().chain(section_changes(OTHER)).collect(),
            security: SecurityChanges::between(&old_resources, &new_resources),
            paths: paths(&old_resources, &new_resources),
        }
    }

    /// Adds the changes of the stack's tags. Without new tags, CloudFormation keeps the old ones.
    #[must_use]
    pub fn with_tags(self, old: &[(String, String)], new: &[(String, String)]) -> Self {
        if new.is_empty() {
            return self;
        }
        self.with_section(&TAGS, changes(&string_map(old), &string_map(new)))
    }

    /// Adds the parameters whose values differ from the stack's. Values of NoEcho parameters are unknown and masked.
    #[must_use]
    pub fn with_parameters(
        self,
        old: &[(String, String)],
        given: &[(String, Option<String>)],
        template: &Template,
    ) -> Self {
        let is_no_echo = |name: &str| {
            let no_echo = template.as_map().get("Parameters").map(|parameters| &parameters[name]["NoEcho"]);
            no_echo.is_some_and(|no_echo| equal(no_echo, &Value::Bool(true)))
        };
        let change = |(name, value): &(String, Option<String>)| {
            let value = value.as_ref()?;
            let change = if is_no_echo(name) {
                Change { old: Some(NO_ECHO_MASK.into()), new: Some(NO_ECHO_MASK.into()) }
            } else {
                let old = old.iter().find(|(key, _)| key == name).map(|(_, value)| Value::from(value.clone()));
                Change::between(old.as_ref(), Some(&Value::from(value.clone())))?
            };
            Some(NamedChange { name: name.clone(), change })
        };
        self.with_section(&PARAMETER_VALUES, given.iter().filter_map(change).collect())
    }

    /// Removes changes of parameter values, for when CloudFormation reports that they change nothing.
    #[must_use]
    pub fn without_parameter_values(mut self) -> Self {
        self.after_resources.retain(|(section, _)| **section != PARAMETER_VALUES);
        self
    }

    /// Adds changes that are in neither template.
    #[must_use]
    pub fn with_section(mut self, section: &'static Section, changes: Vec<NamedChange>) -> Self {
        if !changes.is_empty() {
            self.after_resources.push((section, changes));
        }
        self
    }

    /// The number of new resources of a type.
    pub fn added(&self, resource_type: &str) -> usize {
        let is_new = |resource: &&ResourceChange| {
            let Change { old, new } = &resource.change;
            old.is_none() && new.as_ref().is_some_and(|new| new["Type"] == resource_type)
        };
        self.resources.iter().filter(is_new).count()
    }

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.header.is_empty()
            && self.before_resources.is_empty()
            && self.resources.is_empty()
            && self.after_resources.is_empty()
    }
}

impl Change {
    /// `None` if both values are equal or absent.
    fn between(old: Option<&Value>, new: Option<&Value>) -> Option<Self> {
        let same = match (old, new) {
            (Some(old), Some(new)) => equal(old, new),
            (None, None) => true,
            _ => false,
        };
        (!same).then(|| Self { old: old.cloned(), new: new.cloned() })
    }
}

/// The changes between two maps: removed, then added, then changed entries, each in the templates' order.
fn changes(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<NamedChange> {
    let change = |name: &String| {
        Some(NamedChange { name: name.clone(), change: Change::between(old.get(name), new.get(name))? })
    };
    let mut changes: Vec<NamedChange> = names(old, new).filter_map(change).collect();
    changes.sort_by_key(|named| rank(&named.change));
    changes
}

fn rank(change: &Change) -> u8 {
    match (&change.old, &change.new) {
        (Some(_), None) => 0,
        (None, _) => 1,
        (Some(_), Some(_)) => 2,
    }
}

fn string_map(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect()
}

/// The keys of both maps, those of `old` first.
fn names<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> impl Iterator<Item = &'a String> {
    old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)))
}

fn with_keys(map: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), map.get(*name)?.clone()))).collect()
}

fn unknown_sections(map: &Map<String, Value>) -> Map<String, Value> {
    let known = |key: &str| {
        let sections = BEFORE_RESOURCES.iter().chain(OUTPUTS);
        key == "Resources" || HEADER.contains(&key) || sections.into_iter().any(|section| section.key == Some(key))
    };
    map.iter().filter(|(key, _)| !known(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn paths(old: &Map<String, Value>, new: &Map<String, Value>) -> BTreeMap<String, String> {
    // The new path of a resource takes the place of the old one.
    let all = old.iter().chain(new);
    all.filter_map(|(id, resource)| Some((id.clone(), resource.pointer(PATH_METADATA)?.as_str()?.to_owned()))).collect()
}
