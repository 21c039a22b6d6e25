//! Tags of roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Role;
use super::pages::Pages;
use super::roles::{find, find_mut};
use super::tags::check;
use crate::Sandbox;
use crate::base::tagging::Tag;
use crate::core::Reply;
use crate::services::iam::State;

/// Tags as a role keeps them.
pub(super) fn by_key(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|Tag { key, value }| (key, value)).collect()
}

/// A role's tags in the form of an answer.
pub(super) fn listed(role: &Role) -> Value {
    role.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// The input of `TagRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagRole {
    role_name: String,
    tags: Vec<Tag>,
}

/// `TagRole`.
pub(super) fn tag(sandbox: &Arc<Sandbox>, input: TagRole) -> Reply {
    check(&input.tags)?;
    sandbox.world.write(|world| {
        find_mut(world.of_mut::<State>(), &input.role_name)?.tags.extend(by_key(input.tags));
        Ok(Value::Null)
    })
}

/// The input of `UntagRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

/// `UntagRole`.
pub(super) fn untag(sandbox: &Arc<Sandbox>, input: UntagRole) -> Reply {
    sandbox.world.write(|world| {
        find_mut(world.of_mut::<State>(), &input.role_name)?.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(Value::Null)
    })
}

/// The input of `ListRoleTags`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    role_name: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

/// `ListRoleTags`.
pub(super) fn list(sandbox: &Arc<Sandbox>, List { role_name, marker, max_items }: List) -> Reply {
    sandbox.world.read(|world| {
        let tags = find(world.of::<State>(), &role_name)?.tags.iter();
        let tags = tags.map(|(key, value)| (key.clone(), json!({ "Key": key, "Value": value })));
        Pages::new(marker, max_items).answer(&format!("ListRoleTags {role_name}"), "Tags", tags)
    })
}
