//! The properties of the served resource types whose change replaces the resource: `createOnlyProperties` and
//! `conditionalCreateOnlyProperties` of AWS's resource provider schemas, in `replacement.txt` next to this file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// Whether the change of a property recreates the resource, ordered by how much is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replacement {
    /// The resource is updated in place.
    Never,
    /// It depends on more than the property.
    Conditionally,
    Always,
}

impl Replacement {
    /// `RequiresRecreation` in a change set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::Conditionally => "Conditionally",
            Self::Always => "Always",
        }
    }
}

/// A path within a type's properties, and whether its change recreates the resource.
type Path = (&'static str, Replacement);

static TABLE: LazyLock<BTreeMap<&str, Vec<Path>>> = LazyLock::new(|| parse(include_str!("replacement.txt")));

/// Each line is a type's name and its paths.
fn parse(text: &'static str) -> BTreeMap<&'static str, Vec<Path>> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut words = row.split(' ');
        (words.next().unwrap_or_default(), words.map(path).collect())
    })
    .collect()
}

fn path(word: &'static str) -> Path {
    match word.strip_prefix('?') {
        Some(path) => (path, Replacement::Conditionally),
        None => (word, Replacement::Always),
    }
}

/// Whether the change of a property of a type recreates the resource; an absent property is null.
pub(super) fn recreation(resource_type: &str, property: &str, old: &Value, new: &Value) -> Replacement {
    let paths = TABLE.get(resource_type).into_iter().flatten();
    let changed = paths.filter(|(path, _)| touches(path, property, old, new));
    changed.map(|(_, recreation)| *recreation).max().unwrap_or(Replacement::Never)
}

/// Whether the change of a property changes the value at a path such as `DnsConfig/NamespaceId`.
pub(super) fn touches(path: &str, property: &str, old: &Value, new: &Value) -> bool {
    match path.split_once('/') {
        Some((first, rest)) => first == property && differs(rest, old, new),
        None => path == property,
    }
}

/// Whether two values differ at a path; in lists, whether any items do.
fn differs(path: &str, old: &Value, new: &Value) -> bool {
    if let (Value::Array(old), Value::Array(new)) = (old, new) {
        return old.len() != new.len() || old.iter().zip(new).any(|(old, new)| differs(path, old, new));
    }
    match path.split_once('/') {
        Some((first, rest)) => differs(rest, &old[first], &new[first]),
        None => old[path] != new[path],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Replacement, TABLE, recreation, touches};
    use crate::cloudformation::resources;

    #[test]
    fn recreation_is_that_of_awss_schemas() {
        let of_property = |resource_type, property| recreation(resource_type, property, &json!("a"), &json!("b"));
        assert_eq!(of_property("AWS::SSM::Parameter", "Name"), Replacement::Always);
        assert_eq!(of_property("AWS::SSM::Parameter", "Value"), Replacement::Never);
        assert_eq!(of_property("AWS::EC2::Instance", "InstanceType"), Replacement::Conditionally);
        assert_eq!(of_property("AWS::ECS::Service", "LaunchType"), Replacement::Conditionally);
        assert_eq!(of_property("AWS::ECS::Service", "DeploymentController"), Replacement::Never);
        assert_eq!(of_property("AWS::No::Type", "Name"), Replacement::Never);
    }

    #[test]
    fn the_table_has_every_served_type_and_no_other() {
        let served: Vec<&str> = resources::all().map(|resource_type| resource_type.name).collect();
        assert!(served.iter().all(|name| TABLE.contains_key(name)), "run provider_schemas.py");
        assert_eq!(served.len(), TABLE.len());
    }

    #[test]
    fn a_path_within_a_property_is_touched_if_its_value_changes() {
        let dns = |namespace: &str, ttl: u8| json!({ "NamespaceId": namespace, "DnsRecords": [{ "TTL": ttl }] });
        let is_touched = |new| touches("DnsConfig/NamespaceId", "DnsConfig", &dns("a", 1), &new);
        assert!(!is_touched(dns("a", 2)) && is_touched(dns("b", 1)));
        let disk = |key: &str, size: u8| json!([{ "Ebs": { "KmsKeyId": key, "Size": size } }]);
        let is_touched = |new| touches("Disks/Ebs/KmsKeyId", "Disks", &disk("a", 1), &new);
        assert!(!is_touched(disk("a", 2)) && is_touched(disk("b", 1)) && is_touched(json!([])));
        assert!(!touches("Disks/Ebs/KmsKeyId", "Other", &json!(1), &json!(2)));
    }
}
