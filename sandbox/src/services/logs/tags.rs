//! Tags of log groups, by ARN, or by name in the older operations.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{LogGroup, group, group_name_of, not_found};
use crate::base::tags::{self, TagMap};
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TagResourceInput {
    resource_arn: String,
    tags: TagMap,
}

pub(super) fn add(
    sandbox: &Arc<Sandbox>,
    TagResourceInput { resource_arn, tags }: TagResourceInput,
) -> OperationResult {
    change(sandbox, &resource_arn, |group| group.tags.extend(tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UntagResourceInput {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(
    sandbox: &Arc<Sandbox>,
    UntagResourceInput { resource_arn, tag_keys }: UntagResourceInput,
) -> OperationResult {
    change(sandbox, &resource_arn, |group| tags::remove_from_map(&mut group.tags, &tag_keys))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTagsForResourceInput {
    resource_arn: String,
}

pub(super) fn list(
    sandbox: &Arc<Sandbox>,
    ListTagsForResourceInput { resource_arn }: ListTagsForResourceInput,
) -> OperationResult {
    sandbox.store.read(|states| Ok(json!({ "tags": group(states, group_name_of(&resource_arn))?.tags })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TagLogGroupInput {
    log_group_name: String,
    tags: TagMap,
}

pub(super) fn add_to_group(
    sandbox: &Arc<Sandbox>,
    TagLogGroupInput { log_group_name, tags }: TagLogGroupInput,
) -> OperationResult {
    change(sandbox, &log_group_name, |group| group.tags.extend(tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UntagLogGroupInput {
    log_group_name: String,
    tags: Vec<String>,
}

pub(super) fn remove_from_group(sandbox: &Arc<Sandbox>, input: UntagLogGroupInput) -> OperationResult {
    change(sandbox, &input.log_group_name, |group| tags::remove_from_map(&mut group.tags, &input.tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListTagsLogGroupInput {
    log_group_name: String,
}

pub(super) fn list_of_group(
    sandbox: &Arc<Sandbox>,
    ListTagsLogGroupInput { log_group_name }: ListTagsLogGroupInput,
) -> OperationResult {
    sandbox.store.read(|states| Ok(json!({ "tags": group(states, &log_group_name)?.tags })))
}

fn change(sandbox: &Sandbox, arn: &str, change: impl FnOnce(&mut LogGroup)) -> Result<Value, Fault> {
    sandbox.store.write(|states| {
        change(states.of_mut::<State>().groups.get_mut(group_name_of(arn)).ok_or_else(|| not_found("group"))?);
        Ok(Value::Null)
    })
}
