//! Tags of alarms.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::alarms::Alarm;
use crate::base::tags::{self, MAX_TAGS, Tag};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

fn find_alarm(state: &State, arn: &str) -> Result<String, Fault> {
    let name = arn.split_once(":alarm:").map(|(_, name)| name).filter(|name| state.alarms.contains(name));
    name.map(str::to_owned).ok_or_else(|| Fault::not_found("ResourceNotFoundException", "Unknown").with_status(404))
}

#[derive(Deserialize)]
pub(super) struct ListTagsForResourceInput {
    #[serde(rename = "ResourceARN")]
    arn: String,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, ListTagsForResourceInput { arn }: ListTagsForResourceInput) -> Value {
    sandbox.store.read(|states| {
        // AWS returns no tags for an alarm that does not exist.
        let name = find_alarm(states.of::<State>(), &arn).ok();
        let alarm = name.and_then(|name| states.of::<State>().alarms.get(&name));
        json!({ "Tags": alarm.map(|alarm| tags::from_map(&alarm.tags)).unwrap_or_default() })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResourceInput {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tags: Vec<Tag>,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, TagResourceInput { arn, tags }: TagResourceInput) -> OperationResult {
    change(sandbox, &arn, |alarm| {
        alarm.tags.extend(tags::to_map(tags));
        check_count(alarm.tags.len())
    })
}

pub(super) fn check_count(count: usize) -> Result<(), Fault> {
    if count <= MAX_TAGS {
        return Ok(());
    }
    Err(Fault::client("InvalidParameterValue", format!("An alarm can have at most {MAX_TAGS} tags.")))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResourceInput {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(
    sandbox: &Arc<Sandbox>,
    UntagResourceInput { arn, tag_keys }: UntagResourceInput,
) -> OperationResult {
    change(sandbox, &arn, |alarm| {
        tags::remove_from_map(&mut alarm.tags, &tag_keys);
        Ok(())
    })
}

fn change(sandbox: &Sandbox, arn: &str, change: impl FnOnce(&mut Alarm) -> Result<(), Fault>) -> OperationResult {
    sandbox.store.write(|states| {
        let name = find_alarm(states.of::<State>(), arn)?;
        states.of_mut::<State>().alarms.get_mut(&name).map_or(Ok(()), change)?;
        Ok(json!({}))
    })
}
