//! Tags as most services have them: a list of `Key` and `Value`, in the order in which the keys came.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::Fault;

/// How the keys of tags begin that AWS's services set on what they make. Nobody else may set them or take them away.
const RESERVED: &str = "aws:";

/// The refusals of such keys: service, code, and what it puts in front of the sentence.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("ecs", "InvalidParameterException", ""),
    ("iam", "InvalidInput", ""),
    ("secretsmanager", "InvalidParameterException", ""),
    ("sns", "InvalidParameter", "Invalid parameter: Tags Reason: "),
];

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
    let Some((_, code, before)) = REFUSALS.iter().find(|(of, ..)| *of == service) else { return Ok(()) };
    let given = |name: &str| input.get(name).and_then(Value::as_array).into_iter().flatten();
    let set = given("Tags").chain(given("tags")).filter_map(|tag| tag.get("Key").or_else(|| tag.get("key")));
    let mut keys = set.chain(given("TagKeys")).chain(given("tagKeys")).filter_map(Value::as_str);
    let is_reserved = |key: &str| key.get(..RESERVED.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(RESERVED));
    if keys.any(is_reserved) {
        let sentence = "aws: prefixed tag key names are not allowed for external use.";
        return Err(Fault::client(*code, format!("{before}{sentence}")));
    }
    Ok(())
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
