//! Tags of topics.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::invalid;
use super::topics::Topic;
use crate::services::Reply;
use crate::services::tagging::{self, Tag};
use crate::{Fault, Sandbox};

/// How many tags a topic may have (quotas of Amazon SNS).
const MOST: usize = 50;

/// Refuses the same key twice.
pub(super) fn check(tags: &[Tag]) -> Result<(), Fault> {
    let twice = tags.iter().enumerate().any(|(index, tag)| tags[..index].iter().any(|other| other.key == tag.key));
    if twice { Err(invalid("Duplicated keys are not allowed.")) } else { Ok(()) }
}

fn not_found() -> Fault {
    Fault::new(404, "ResourceNotFound", "Resource does not exist")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    resource_arn: String,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, List { resource_arn }: List) -> Reply {
    sandbox.world.read(|world| {
        let topic = world.sns.topics.get(&resource_arn).ok_or_else(not_found)?;
        Ok(json!({ "Tags": topic.tags }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Add {
    resource_arn: String,
    tags: Vec<Tag>,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, Add { resource_arn, tags }: Add) -> Reply {
    check(&tags)?;
    edit(sandbox, &resource_arn, |topic| {
        tagging::merge(&mut topic.tags, tags);
        if topic.tags.len() <= MOST {
            return Ok(());
        }
        Err(Fault::client("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded"))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(sandbox: &Arc<Sandbox>, Remove { resource_arn, tag_keys }: Remove) -> Reply {
    edit(sandbox, &resource_arn, |topic| {
        tagging::remove(&mut topic.tags, &tag_keys);
        Ok(())
    })
}

fn edit(sandbox: &Sandbox, arn: &str, edit: impl FnOnce(&mut Topic) -> Result<(), Fault>) -> Reply {
    sandbox.world.write(|world| {
        edit(world.sns.topics.get_mut(arn).ok_or_else(not_found)?)?;
        Ok(json!({}))
    })
}
