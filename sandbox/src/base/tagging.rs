//! Tags as most services have them: a list of `Key` and `Value`, in the order in which the keys came.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Fault;

/// How the keys of tags begin that AWS's services set on what they make. Nobody else may set them or take them away.
const RESERVED: &str = "aws:";

/// How services refuse such keys. EC2 has words of its own, and refuses them itself.
const REFUSALS: &[Refusal] = &[
    Refusal { service: "ecs", module: "AWS::ECS", code: "InvalidParameterException", before: "" },
    Refusal { service: "iam", module: "AWS::IAM", code: "InvalidInput", before: "" },
    Refusal { service: "logs", module: "AWS::Logs", code: "InvalidParameterException", before: "" },
    Refusal { service: "monitoring", module: "AWS::CloudWatch", code: "InvalidParameterValue", before: "" },
    Refusal { service: "secretsmanager", module: "AWS::SecretsManager", code: "InvalidParameterException", before: "" },
    Refusal { service: "servicediscovery", module: "AWS::ServiceDiscovery", code: "InvalidInput", before: "" },
    Refusal { service: "ssm", module: "AWS::SSM", code: "ValidationException", before: "" },
];

/// A service's refusal of reserved keys.
struct Refusal {
    /// Its signing name.
    service: &'static str,
    /// How the names of its resource types begin.
    module: &'static str,
    code: &'static str,
    /// What it puts in front of the sentence that all of them have.
    before: &'static str,
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// Refuses what a caller asks for with a key that is reserved.
pub fn check_caller(service: &str, input: &Value) -> Result<(), Fault> {
    REFUSALS.iter().find(|refusal| refusal.service == service).map_or(Ok(()), |refusal| refusal.check(input))
}

/// Refuses the same of a template's resource of a type: what CloudFormation adds itself is not among its properties.
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
        Err(Fault::client(self.code, format!("{}{sentence}", self.before)))
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

/// Adds tags, or changes the values of those that are there.
pub fn merge(tags: &mut Vec<Tag>, new: Vec<Tag>) {
    for tag in new {
        match tags.iter_mut().find(|old| old.key == tag.key) {
            Some(old) => old.value = tag.value,
            None => tags.push(tag),
        }
    }
}

/// Takes tags away.
pub fn remove(tags: &mut Vec<Tag>, keys: &[String]) {
    tags.retain(|tag| !keys.contains(&tag.key));
}
