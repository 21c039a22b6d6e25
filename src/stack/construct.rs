//! Construct paths, and the ids and names that the CDK derives from them.
//!
//! The rules are those of the CDK's `makeUniqueId`: stacks that the CDK deployed must keep their ids.

use std::fmt;

use md5::{Digest as _, Md5};

/// Maximum length of the readable part of an id, in characters.
const MAX_READABLE_LENGTH: usize = 240;
/// Maximum length of the id of a path with one part, which has no hash, in characters.
const MAX_BARE_LENGTH: usize = 255;
/// IAM's maximum length of a policy name, in characters.
const MAX_POLICY_NAME_LENGTH: usize = 128;

/// A construct path: the stack's name, then construct ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConstructPath(Vec<String>);

impl ConstructPath {
    /// The path of the stack itself.
    pub(super) fn stack(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The construct `id` within this one.
    #[must_use]
    pub(super) fn child(&self, id: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(id.to_owned());
        Self(parts)
    }

    /// The logical id of the resource.
    pub(super) fn logical_id(&self) -> String {
        unique_id(&self.0[1..])
    }

    /// The CDK's `Names.uniqueId` of the construct: includes the stack's name, without `Resource`.
    pub(super) fn unique_name(&self) -> String {
        unique_id(&self.0)
    }

    /// The name of an IAM policy: the last characters of its logical id.
    pub(super) fn policy_name(&self) -> String {
        let id = self.logical_id();
        id[id.len().saturating_sub(MAX_POLICY_NAME_LENGTH)..].to_owned()
    }
}

impl fmt::Display for ConstructPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("/"))
    }
}

fn unique_id(path: &[String]) -> String {
    let parts: Vec<&str> = path.iter().map(String::as_str).filter(|part| *part != "Default").collect();
    if let [only] = parts[..] {
        let bare = alphanumeric(only);
        if bare.len() <= MAX_BARE_LENGTH {
            return bare;
        }
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in &parts {
        if !kept.last().is_some_and(|before| before.ends_with(part)) {
            kept.push(part);
        }
    }
    let readable: String = kept.into_iter().filter(|part| *part != "Resource").map(alphanumeric).collect();
    let hash = hex::encode_upper(&Md5::digest(parts.join("/"))[..4]);
    format!("{}{hash}", &readable[..readable.len().min(MAX_READABLE_LENGTH)])
}

/// Keeps ASCII letters and digits, the characters of logical ids.
pub(super) fn alphanumeric(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// A service key as a construct id: split at `-` and `_`, with first letters in upper case.
pub(super) fn pascal_case(key: &str) -> String {
    key.split(['-', '_'])
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

/// A construct path without the stack and without a final `Resource` or `Default`.
pub fn short_path(path: &str) -> &str {
    let Some((_, within)) = path.trim_start_matches('/').split_once('/') else { return path };
    match within.rsplit_once('/') {
        Some((parent, "Resource" | "Default")) => parent,
        _ => within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ConstructPath {
        ConstructPath(text.split('/').map(str::to_owned).collect())
    }

    #[test]
    fn a_path_becomes_its_readable_parts_and_a_hash() {
        assert_eq!(path("ecsworkshop-nodejs/TaskDef/Resource").logical_id(), "TaskDef54694570");
        assert_eq!(path("ecsworkshop-nodejs/TaskDef").unique_name(), "ecsworkshopnodejsTaskDef2754560E");
    }

    #[test]
    fn a_path_of_one_part_keeps_its_name() {
        assert_eq!(path("stack/InboundSecGrp3000").logical_id(), "InboundSecGrp3000");
        assert_eq!(path("Odd-stack-1/Default").unique_name(), "Oddstack1");
        assert_eq!(path("Odd-stack-1/Default/Resource").logical_id(), "Resource");
    }

    #[test]
    fn a_part_that_is_a_suffix_of_the_previous_one_is_omitted() {
        assert_eq!(path("ends/MyTaskRole/TaskRole/Resource").logical_id(), "MyTaskRoleA205A6FA");
        assert_eq!(path("ends/MyTaskRole/Role/LogGroup/Resource").logical_id(), "MyTaskRoleLogGroup71181CF9");
    }

    #[test]
    fn a_key_becomes_pascal_case() {
        assert_eq!(pascal_case("my-api_v2"), "MyApiV2");
        assert_eq!(pascal_case("nodeJS"), "NodeJS");
    }
}
