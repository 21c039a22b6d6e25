//! The tags of alarms.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::alarms::Alarm;
use crate::core::Reply;
use crate::{Fault, Sandbox};

const MOST_TAGS: usize = 50;

/// A tag, as it comes.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    /// Unique on its alarm.
    pub key: String,
    /// Any text.
    pub value: String,
}

/// The key of the alarm of an ARN.
fn named(state: &State, arn: &str) -> Result<String, Fault> {
    let name = arn.split_once(":alarm:").map(|(_, name)| name).filter(|name| state.alarms.contains(name));
    name.map(str::to_owned).ok_or_else(|| Fault::not_found("ResourceNotFoundException", "Unknown").with_status(404))
}

#[derive(Deserialize)]
pub(super) struct Identified {
    #[serde(rename = "ResourceARN")]
    arn: String,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, Identified { arn }: Identified) -> Value {
    sandbox.world.read(|world| {
        // AWS has no tags to tell of what is not there.
        let name = named(world.of::<State>(), &arn).ok();
        let alarm = name.and_then(|name| world.of::<State>().alarms.get(&name));
        let tags = alarm.map(|alarm| alarm.tags.clone()).unwrap_or_default();
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        json!({ "Tags": tags })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Add {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tags: Vec<Tag>,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, Add { arn, tags }: Add) -> Reply {
    change(sandbox, &arn, |alarm| {
        alarm.tags.extend(tags.into_iter().map(|Tag { key, value }| (key, value)));
        check_count(alarm.tags.len())
    })
}

pub(super) fn check_count(count: usize) -> Result<(), Fault> {
    if count <= MOST_TAGS {
        return Ok(());
    }
    Err(Fault::client("InvalidParameterValue", format!("An alarm can have at most {MOST_TAGS} tags.")))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remove {
    #[serde(rename = "ResourceARN")]
    arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(sandbox: &Arc<Sandbox>, Remove { arn, tag_keys }: Remove) -> Reply {
    change(sandbox, &arn, |alarm| {
        alarm.tags.retain(|key, _| !tag_keys.contains(key));
        Ok(())
    })
}

fn change(sandbox: &Sandbox, arn: &str, change: impl FnOnce(&mut Alarm) -> Result<(), Fault>) -> Reply {
    sandbox.world.write(|world| {
        let name = named(world.of::<State>(), arn)?;
        world.of_mut::<State>().alarms.get_mut(&name).map_or(Ok(()), change)?;
        Ok(json!({}))
    })
}
