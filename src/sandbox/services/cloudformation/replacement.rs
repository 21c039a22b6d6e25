//! Which types AWS has, and which of their properties make CloudFormation replace a resource: the table in
//! `src/data/replacement.txt`, read once.

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

/// A type's paths, without the name of the type.
type Paths = Vec<(&'static str, Recreation)>;

static TABLE: LazyLock<BTreeMap<String, Paths>> = LazyLock::new(|| read(include_str!("../../../data/replacement.txt")));

/// A line without a space in front names a module; those under it a type and its paths.
fn read(text: &'static str) -> BTreeMap<String, Paths> {
    let mut table = BTreeMap::new();
    let mut module = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(row) = line.strip_prefix(' ') else {
            module = line;
            continue;
        };
        let mut words = row.split(' ');
        let name = format!("{module}::{}", words.next().unwrap_or_default());
        table.insert(name, words.map(path).collect());
    }
    table
}

fn path(word: &'static str) -> (&'static str, Recreation) {
    match word.strip_prefix('?') {
        Some(path) => (path, Recreation::Conditionally),
        None => (word, Recreation::Always),
    }
}

/// Whether AWS has a type of this name.
pub fn is_type(kind: &str) -> bool {
    TABLE.contains_key(kind)
}

/// What the change of one property of a type from `old` to `new` asks for; null stands for a property that is not there.
pub fn recreation(kind: &str, property: &str, old: &Value, new: &Value) -> Recreation {
    let within = |path: &'static str| path.strip_prefix(property)?.strip_prefix('/');
    let asked = TABLE.get(kind).into_iter().flatten().filter_map(|(path, recreation)| {
        let touched = *path == property || within(path).is_some_and(|rest| differs(rest, old, new));
        touched.then_some(*recreation)
    });
    asked.max().unwrap_or(Recreation::Never)
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

    use super::{Recreation, is_type, recreation};

    #[test]
    fn the_table_says_what_a_property_asks_for() {
        let of = |kind, property| recreation(kind, property, &json!("a"), &json!("b"));
        assert_eq!(of("AWS::SSM::Parameter", "Name"), Recreation::Always);
        assert_eq!(of("AWS::SSM::Parameter", "Value"), Recreation::Never);
        assert_eq!(of("AWS::EC2::Instance", "InstanceType"), Recreation::Conditionally);
        assert_eq!(of("AWS::No::Type", "Name"), Recreation::Never);
        assert!(is_type("AWS::S3::Bucket") && is_type("AWS::IAM::UserToGroupAddition") && !is_type("AWS::No::Type"));
    }

    #[test]
    fn a_path_within_a_property_counts_when_what_is_there_changes() {
        let dns = |namespace: &str, ttl: u8| json!({ "NamespaceId": namespace, "DnsRecords": [{ "TTL": ttl }] });
        let of = |new| recreation("AWS::ServiceDiscovery::Service", "DnsConfig", &dns("a", 1), &new);
        assert_eq!(of(dns("a", 2)), Recreation::Never);
        assert_eq!(of(dns("b", 1)), Recreation::Always);
        let disk = |key: &str| json!([{ "Ebs": { "KmsKeyId": key } }]);
        let of = |old, new| recreation("AWS::EC2::Instance", "BlockDeviceMappings", &old, &new);
        assert_eq!(of(disk("a"), disk("b")), Recreation::Always);
        assert_eq!(of(disk("a"), json!([{ "Ebs": { "KmsKeyId": "a", "Iops": 3 } }])), Recreation::Conditionally);
    }
}
