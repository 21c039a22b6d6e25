//! Tags of log groups, by ARN, or by name in the older operations.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Group, group, group_name_of, not_found};
use crate::base::tags::{self, TagMap};
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Add {
    resource_arn: String,
    tags: TagMap,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, Add { resource_arn, tags }: Add) -> OperationResult {
    change(sandbox, &resource_arn, |group| group.tags.extend(tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Remove {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(sandbox: &Arc<Sandbox>, Remove { resource_arn, tag_keys }: Remove) -> OperationResult {
    change(sandbox, &resource_arn, |group| tags::remove_from_map(&mut group.tags, &tag_keys))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct List {
    resource_arn: String,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, List { resource_arn }: List) -> OperationResult {
    sandbox.store.read(|states| Ok(json!({ "tags": group(states, group_name_of(&resource_arn))?.tags })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AddToGroup {
    log_group_name: String,
    tags: TagMap,
}

pub(super) fn add_to_group(sandbox: &Arc<Sandbox>, AddToGroup { log_group_name, tags }: AddToGroup) -> OperationResult {
    change(sandbox, &log_group_name, |group| group.tags.extend(tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RemoveFromGroup {
    log_group_name: String,
    tags: Vec<String>,
}

pub(super) fn remove_from_group(sandbox: &Arc<Sandbox>, input: RemoveFromGroup) -> OperationResult {
    change(sandbox, &input.log_group_name, |group| tags::remove_from_map(&mut group.tags, &input.tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListOfGroup {
    log_group_name: String,
}

pub(super) fn list_of_group(sandbox: &Arc<Sandbox>, ListOfGroup { log_group_name }: ListOfGroup) -> OperationResult {
    sandbox.store.read(|states| Ok(json!({ "tags": group(states, &log_group_name)?.tags })))
}

fn change(sandbox: &Sandbox, arn: &str, change: impl FnOnce(&mut Group)) -> Result<Value, Fault> {
    sandbox.store.write(|states| {
        change(states.of_mut::<State>().groups.get_mut(group_name_of(arn)).ok_or_else(|| not_found("group"))?);
        Ok(Value::Null)
    })
}
