//! Tags as most services have them: lists of `Key` and `Value`, in the order in which the keys were added.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Fault;

/// The prefix of tag keys that only AWS's services may set and remove.
const RESERVED: &str = "aws:";

/// The faults of services for reserved keys. EC2 has its own.
const REFUSALS: &[Refusal] = &[
    Refusal { service: "ecs", module: "AWS::ECS", code: "InvalidParameterException", prefix: "" },
    Refusal { service: "iam", module: "AWS::IAM", code: "InvalidInput", prefix: "" },
    Refusal { service: "logs", module: "AWS::Logs", code: "InvalidParameterException", prefix: "" },
    Refusal { service: "monitoring", module: "AWS::CloudWatch", code: "InvalidParameterValue", prefix: "" },
    Refusal { service: "secretsmanager", module: "AWS::SecretsManager", code: "InvalidParameterException", prefix: "" },
    Refusal { service: "servicediscovery", module: "AWS::ServiceDiscovery", code: "InvalidInput", prefix: "" },
    Refusal { service: "ssm", module: "AWS::SSM", code: "ValidationException", prefix: "" },
];

/// A service's fault for reserved keys.
struct Refusal {
    /// The service's signing name.
    service: &'static str,
    /// The prefix of its resource types.
    module: &'static str,
    code: &'static str,
    /// The beginning of the message, before the part that all services have.
    prefix: &'static str,
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// The key.
    pub key: String,
    /// The value.
    #[serde(default)]
    pub value: String,
}

/// Refuses a request with reserved tag keys.
pub fn check_caller(service: &str, input: &Value) -> Result<(), Fault> {
    REFUSALS.iter().find(|refusal| refusal.service == service).map_or(Ok(()), |refusal| refusal.check(input))
}

/// Refuses reserved tag keys in a template. CloudFormation's own tags are not in the properties.
pub fn check_template(kind: &str, properties: &Value) -> Result<(), Fault> {
    let of_kind = |refusal: &&Refusal| kind.strip_prefix(refusal.module).is_some_and(|rest| rest.starts_with("::"));
    REFUSALS.iter().find(of_kind).map_or(Ok(()), |refusal| refusal.check(properties))
}

impl Refusal {
    fn check(&self, input: &Value) -> Result<(), Fault> {
        let members = ["Tags", "tags", "TagKeys", "tagKeys"].into_iter().filter_map(|name| input.get(name));
        if !members.flat_map(keys).any(is_reserved) {
            return Ok(());
        }
        let sentence = "aws: prefixed tag key names are not allowed for external use.";
        Err(Fault::client(self.code, format!("{}{sentence}", self.prefix)))
    }
}

/// The keys of tags in any of the forms that services have: a list of pairs, a map, or a list of keys.
pub fn keys(tags: &Value) -> Vec<&str> {
    match tags {
        Value::Array(list) => {
            let keys = list.iter().map(|tag| tag.get("Key").or_else(|| tag.get("key")).unwrap_or(tag));
            keys.filter_map(Value::as_str).collect()
        }
        Value::Object(map) => map.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..RESERVED.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(RESERVED))
}

/// Adds tags, or changes the values of existing ones.
pub fn merge(tags: &mut Vec<Tag>, new: Vec<Tag>) {
    for tag in new {
        match tags.iter_mut().find(|old| old.key == tag.key) {
            Some(old) => old.value = tag.value,
            None => tags.push(tag),
        }
    }
}

/// Removes tags.
pub fn remove(tags: &mut Vec<Tag>, keys: &[String]) {
    tags.retain(|tag| !keys.contains(&tag.key));
}
