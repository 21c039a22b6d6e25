//! Tags of scalable targets, by ARN.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::ScalableTarget;
use crate::base::tags::{self, MAX_TAGS, TagMap};
use crate::core::OperationResult;
use crate::services::autoscaling::State;
use crate::{Fault, Sandbox};

fn not_found(arn: &str) -> Fault {
    Fault::not_found("ResourceNotFoundException", format!("The specified resource doesn't exist: {arn}"))
}

fn edit(sandbox: &Sandbox, arn: &str, edit: impl FnOnce(&mut ScalableTarget)) -> OperationResult {
    sandbox.store.write(|states| {
        let targets = &mut states.of_mut::<State>().targets;
        let key = targets.iter().find(|(_, target)| target.arn(&sandbox.config) == arn).map(|(key, _)| key.to_owned());
        let target = key.and_then(|key| targets.get_mut(&key)).ok_or_else(|| not_found(arn))?;
        edit(target);
        if target.tags.len() > MAX_TAGS {
            let message = "The number of tags exceeds the maximum of 50 for the resource.";
            return Err(Fault::client("TooManyTagsException", message));
        }
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TagResourceInput {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(rename = "Tags")]
    tags: TagMap,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, TagResourceInput { arn, tags }: TagResourceInput) -> OperationResult {
    edit(sandbox, &arn, |target| target.tags.extend(tags))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UntagResourceInput {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(rename = "TagKeys")]
    keys: Vec<String>,
}

pub(super) fn remove(sandbox: &Arc<Sandbox>, UntagResourceInput { arn, keys }: UntagResourceInput) -> OperationResult {
    edit(sandbox, &arn, |target| tags::remove_from_map(&mut target.tags, &keys))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListTagsForResourceInput {
    #[serde(rename = "ResourceARN")]
    arn: String,
}

pub(super) fn list(
    sandbox: &Arc<Sandbox>,
    ListTagsForResourceInput { arn }: ListTagsForResourceInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let target = states.of::<State>().targets.values().find(|target| target.arn(&sandbox.config) == arn);
        Ok(json!({ "Tags": target.ok_or_else(|| not_found(&arn))?.tags }))
    })
}
