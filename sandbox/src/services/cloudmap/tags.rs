//! Tags of namespaces and services, by ARN.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::State;
use super::namespaces::id_of;
use crate::base::tags::{self, MAX_TAGS, Tag};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

fn not_found(arn: &str) -> Fault {
    Fault::not_found("ResourceNotFoundException", format!("The resource {arn} was not found."))
}

/// The tags of a resource.
fn tags<'a>(state: &'a State, arn: &str) -> Option<&'a Vec<Tag>> {
    let id = id_of(arn);
    let namespace = state.namespaces.get(id).filter(|namespace| namespace.arn == arn).map(|namespace| &namespace.tags);
    namespace.or_else(|| state.services.get(id).filter(|service| service.arn == arn).map(|service| &service.tags))
}

fn edit(sandbox: &Sandbox, arn: &str, edit: impl FnOnce(&mut Vec<Tag>)) -> OperationResult {
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        tags(state, arn).ok_or_else(|| not_found(arn))?;
        let id = id_of(arn);
        let tags = if state.namespaces.contains(id) {
            state.namespaces.get_mut(id).map(|namespace| &mut namespace.tags)
        } else {
            state.services.get_mut(id).map(|service| &mut service.tags)
        };
        let tags = tags.ok_or_else(|| not_found(arn))?;
        edit(tags);
        if tags.len() > MAX_TAGS {
            let message = "The list of tags on the resource is over the limit. You can apply a maximum of 50 tags.";
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
    tags: Vec<Tag>,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, TagResourceInput { arn, tags }: TagResourceInput) -> OperationResult {
    edit(sandbox, &arn, |current| tags::merge(current, tags))
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
    edit(sandbox, &arn, |current| tags::remove(current, &keys))
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
        let tags = tags(states.of::<State>(), &arn).ok_or_else(|| not_found(&arn))?;
        Ok(json!({ "Tags": tags }))
    })
}
