//! Metadata that the CDK adds to templates: entries for itself, which are kept on deploy and not shown in diffs, and construct paths.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::construct::short_path;
use super::diff::equality::has_question_mark;
use super::new_revision::keep_new_revisions;
use super::template::Template;

/// The entries with their sections.
const CDK_ENTRIES: &[(&str, &str)] = &[
    ("Parameters", "BootstrapVersion"),
    ("Rules", "CheckBootstrapVersion"),
    ("Conditions", "CDKMetadataAvailable"),
    ("Resources", "CDKMetadata"),
];

/// Whether the CDK adds a parameter of this name to templates.
pub fn is_cdk_parameter(name: &str) -> bool {
    CDK_ENTRIES.contains(&("Parameters", name))
}

impl Template {
    /// The template without the CDK's metadata.
    pub(super) fn without_cdk_metadata(&self) -> Map<String, Value> {
        let mut map = self.as_map().clone();
        for (section, name) in CDK_ENTRIES {
            let Some(entries) = map.get_mut(*section).and_then(Value::as_object_mut) else { continue };
            if entries.shift_remove(*name).is_some() && entries.is_empty() {
                map.shift_remove(*section);
            }
        }
        map
    }

    /// The template with what the deployed one has in addition: the CDK's metadata, and the changes of [`Template::with_new_revision`].
    /// Entries with a `?` are left out, because GetTemplate returns `?` for every non-ASCII character.
    #[must_use]
    pub fn with_additions_of(&self, deployed: &Self) -> Self {
        let mut map = self.as_map().clone();
        for (section, name) in CDK_ENTRIES {
            let entry = deployed.as_map().get(*section).and_then(|entries| entries.get(*name));
            let Some(entry) = entry.filter(|entry| !has_question_mark(entry)) else { continue };
            let entries = map.entry(*section).or_insert_with(|| Value::Object(Map::new()));
            if let Some(entries) = entries.as_object_mut() {
                entries.entry(*name).or_insert_with(|| entry.clone());
            }
        }
        keep_new_revisions(&mut map, deployed);
        Self::from_map(map)
    }

    /// Construct paths by logical id, without the stack's name and a final `Resource` or `Default`.
    pub fn short_paths(&self) -> BTreeMap<String, String> {
        let path = |(id, resource): (&str, &Value)| {
            let path = resource.pointer(super::diff::PATH_METADATA)?.as_str()?;
            Some((id.to_owned(), short_path(path).to_owned()))
        };
        self.section("Resources").filter_map(path).collect()
    }
}
