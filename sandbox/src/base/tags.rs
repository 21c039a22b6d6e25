//! Tags: the one type for them, its spellings in the services' APIs, and what every service does with them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Fault;

/// How many tags a resource may have, in addition to AWS's own. The quota is the same in every service that is served here.
pub(crate) const MAX_TAGS: usize = 50;

/// The prefix of the keys that AWS's services set on what they create. No caller may set or remove them.
const RESERVED_PREFIX: &str = "aws:";

/// One tag, spelled `Key` and `Value` as in most APIs. Those that spell it `key` and `value` use [`lower_case`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Unique among the tags of a resource.
    pub key: String,
    /// Any text; may be empty.
    #[serde(default)]
    pub value: String,
}

/// Tags as the APIs that have a map of them store them.
pub(crate) type TagMap = BTreeMap<String, String>;

/// The map of a list of tags.
pub(crate) fn to_map(tags: Vec<Tag>) -> TagMap {
    tags.into_iter().map(|Tag { key, value }| (key, value)).collect()
}

/// The list of a map of tags, in the order of the keys.
pub(crate) fn from_map(tags: &TagMap) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Adds tags, or changes the values of those that exist, in place.
pub(crate) fn merge(tags: &mut Vec<Tag>, new: Vec<Tag>) {
    for tag in new {
        match tags.iter_mut().find(|old| old.key == tag.key) {
            Some(old) => old.value = tag.value,
            None => tags.push(tag),
        }
    }
}

/// Removes the tags with these keys.
pub(crate) fn remove(tags: &mut Vec<Tag>, keys: &[String]) {
    tags.retain(|tag| !keys.contains(&tag.key));
}

/// Removes the tags with these keys.
pub(crate) fn remove_from_map(tags: &mut TagMap, keys: &[String]) {
    tags.retain(|key, _| !keys.contains(key));
}

/// Whether a key is one that only AWS's services set.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.get(..RESERVED_PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED_PREFIX))
}

/// Tags that are spelled `key` and `value`: for `#[serde(with = "lower_case")]` on a `Vec<Tag>`.
pub(crate) mod lower_case {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Value, json};

    use super::Tag;

    #[derive(Serialize, Deserialize)]
    struct LowerCase {
        key: String,
        #[serde(default)]
        value: String,
    }

    pub(crate) fn serialize<S: Serializer>(tags: &[Tag], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(tags.iter().cloned().map(|Tag { key, value }| LowerCase { key, value }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Tag>, D::Error> {
        let tags = Vec::<LowerCase>::deserialize(deserializer)?;
        Ok(tags.into_iter().map(|LowerCase { key, value }| Tag { key, value }).collect())
    }

    pub(crate) fn to_value(tags: &[Tag]) -> Value {
        tags.iter().map(|Tag { key, value }| json!({ "key": key, "value": value })).collect()
    }
}

/// How a service refuses reserved keys. EC2 has messages of its own and checks them itself.
struct Refusal {
    signing_name: &'static str,
    /// The first two parts of the names of its resource types.
    type_prefix: &'static str,
    code: &'static str,
}

const REFUSALS: &[Refusal] = &[
    Refusal { signing_name: "ecs", type_prefix: "AWS::ECS", code: "InvalidParameterException" },
    Refusal { signing_name: "iam", type_prefix: "AWS::IAM", code: "InvalidInput" },
    Refusal { signing_name: "logs", type_prefix: "AWS::Logs", code: "InvalidParameterException" },
    Refusal { signing_name: "monitoring", type_prefix: "AWS::CloudWatch", code: "InvalidParameterValue" },
    Refusal { signing_name: "secretsmanager", type_prefix: "AWS::SecretsManager", code: "InvalidParameterException" },
    Refusal { signing_name: "servicediscovery", type_prefix: "AWS::ServiceDiscovery", code: "InvalidInput" },
    Refusal { signing_name: "ssm", type_prefix: "AWS::SSM", code: "ValidationException" },
];

/// Refuses a request of a caller with a reserved key.
pub(crate) fn check_input(signing_name: &str, input: &Value) -> Result<(), Fault> {
    let refusal = REFUSALS.iter().find(|refusal| refusal.signing_name == signing_name);
    refusal.map_or(Ok(()), |refusal| refusal.check(input))
}

/// Refuses a template's properties with a reserved key. The tags that CloudFormation itself adds are not among them.
pub(crate) fn check_properties(resource_type: &str, properties: &Value) -> Result<(), Fault> {
    let is_of_service =
        |refusal: &&Refusal| resource_type.strip_prefix(refusal.type_prefix).is_some_and(|rest| rest.starts_with("::"));
    REFUSALS.iter().find(is_of_service).map_or(Ok(()), |refusal| refusal.check(properties))
}

impl Refusal {
    fn check(&self, input: &Value) -> Result<(), Fault> {
        let members = ["Tags", "tags", "TagKeys", "tagKeys"].into_iter().filter_map(|name| input.get(name));
        if !members.flat_map(keys).any(is_reserved) {
            return Ok(());
        }
        Err(Fault::client(self.code, "aws: prefixed tag key names are not allowed for external use."))
    }
}

/// The keys of tags in any of the services' forms: a list of tags, a map, or a list of keys.
pub(crate) fn keys(tags: &Value) -> Vec<&str> {
    match tags {
        Value::Array(list) => {
            let keys = list.iter().map(|tag| tag.get("Key").or_else(|| tag.get("key")).unwrap_or(tag));
            keys.filter_map(Value::as_str).collect()
        }
        Value::Object(map) => map.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
