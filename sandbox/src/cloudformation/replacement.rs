//! Which properties of the served resource types make CloudFormation replace a resource: `createOnlyProperties` and
//! `conditionalCreateOnlyProperties` of AWS's resource provider schemas, in `replacement.txt` beside this file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// What a change of a property asks for, in the order of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recreation {
    /// The resource is changed in place.
    Never,
    /// It depends on more than the table knows.
    Conditionally,
    /// A new resource.
    Always,
}

impl Recreation {
    /// Its word in a change set.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::Conditionally => "Conditionally",
            Self::Always => "Always",
        }
    }
}

/// A path within a type's properties, and what its change asks for.
type Path = (&'static str, Recreation);

static TABLE: LazyLock<BTreeMap<&str, Vec<Path>>> = LazyLock::new(|| read(include_str!("replacement.txt")));

/// Each line is a type's name and its paths.
fn read(text: &'static str) -> BTreeMap<&'static str, Vec<Path>> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut words = row.split(' ');
        (words.next().unwrap_or_default(), words.map(path).collect())
    })
    .collect()
}

fn path(word: &'static str) -> Path {
    match word.strip_prefix('?') {
        Some(path) => (path, Recreation::Conditionally),
        None => (word, Recreation::Always),
    }
}

/// What the change of one property of a type from `old` to `new` asks for; null stands for a property that is not there.
pub fn recreation(kind: &str, property: &str, old: &Value, new: &Value) -> Recreation {
    let paths = TABLE.get(kind).into_iter().flatten();
    let touched = paths.filter(|(path, _)| touches(path, property, old, new));
    touched.map(|(_, recreation)| *recreation).max().unwrap_or(Recreation::Never)
}

/// Whether the change of a property from `old` to `new` changes what is at a path such as `DnsConfig/NamespaceId`.
pub fn touches(path: &str, property: &str, old: &Value, new: &Value) -> bool {
    match path.split_once('/') {
        Some((first, rest)) => first == property && differs(rest, old, new),
        None => path == property,
    }
}

/// Whether what stands at a path within two values differs; of a list, whether any of its items does.
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

    use super::super::resources;
    use super::{Recreation, TABLE, recreation, touches};

    #[test]
    fn a_property_is_replaced_as_awss_schema_says() {
        let of = |kind, property| recreation(kind, property, &json!("a"), &json!("b"));
        assert_eq!(of("AWS::SSM::Parameter", "Name"), Recreation::Always);
        assert_eq!(of("AWS::SSM::Parameter", "Value"), Recreation::Never);
        assert_eq!(of("AWS::EC2::Instance", "InstanceType"), Recreation::Conditionally);
        assert_eq!(of("AWS::ECS::Service", "LaunchType"), Recreation::Conditionally);
        assert_eq!(of("AWS::ECS::Service", "DeploymentController"), Recreation::Never);
        assert_eq!(of("AWS::No::Type", "Name"), Recreation::Never);
    }

    #[test]
    fn the_table_has_every_served_type_and_no_other() {
        let served: Vec<&str> = resources::all().map(|kind| kind.name).collect();
        assert!(served.iter().all(|name| TABLE.contains_key(name)), "run schemas.py");
        assert_eq!(served.len(), TABLE.len());
    }

    #[test]
    fn a_path_within_a_property_counts_when_what_is_there_changes() {
        let dns = |namespace: &str, ttl: u8| json!({ "NamespaceId": namespace, "DnsRecords": [{ "TTL": ttl }] });
        let of = |new| touches("DnsConfig/NamespaceId", "DnsConfig", &dns("a", 1), &new);
        assert!(!of(dns("a", 2)) && of(dns("b", 1)));
        let disk = |key: &str, size: u8| json!([{ "Ebs": { "KmsKeyId": key, "Size": size } }]);
        let of = |new| touches("Disks/Ebs/KmsKeyId", "Disks", &disk("a", 1), &new);
        assert!(!of(disk("a", 2)) && of(disk("b", 1)) && of(json!([])));
        assert!(!touches("Disks/Ebs/KmsKeyId", "Other", &json!(1), &json!(2)));
    }
}
