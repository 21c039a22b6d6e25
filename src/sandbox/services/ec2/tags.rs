//! Tags of every record.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::nouns::TAGGED;
use super::records::{Tag, list, returned};
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

/// The input of `CreateTags` and `DeleteTags`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tags {
    resource_id: Vec<String>,
    tag: Vec<Tag>,
}

/// `CreateTags`: adds tags, or changes their values.
pub fn create(sandbox: &Arc<Sandbox>, input: Tags) -> Reply {
    change(sandbox, &input.resource_id, |tags| {
        tags.retain(|tag| !input.tag.iter().any(|new| tag["key"] == new.key));
        tags.extend(input.tag.iter().map(|Tag { key, value }| json!({ "key": key, "value": value })));
    })
}

/// `DeleteTags`.
pub fn delete(sandbox: &Arc<Sandbox>, input: Tags) -> Reply {
    change(sandbox, &input.resource_id, |tags| {
        tags.retain(|tag| !input.tag.iter().any(|gone| tag["key"] == gone.key));
    })
}

fn change(sandbox: &Arc<Sandbox>, ids: &[String], change: impl Fn(&mut Vec<Value>)) -> Reply {
    sandbox.world.write(|world| {
        for id in ids {
            let missing = || Fault::client("InvalidID", format!("The ID '{id}' is not valid"));
            change(list(world.ec2.records.get_mut(id).ok_or_else(missing)?, "tagSet"));
        }
        Ok(returned())
    })
}

/// The input of `DescribeTags`.
#[derive(Deserialize)]
pub struct Describe {}

/// `DescribeTags`, of everything.
pub fn describe(sandbox: &Arc<Sandbox>, Describe {}: Describe) -> Value {
    sandbox.world.read(|world| {
        let mut found = Vec::new();
        for (id, record) in world.ec2.records.iter() {
            let Some((_, kind)) = TAGGED.iter().find(|(prefix, _)| id.starts_with(prefix)) else { continue };
            for tag in record["tagSet"].as_array().into_iter().flatten() {
                found.push(json!({ "resourceId": id, "resourceType": kind, "key": tag["key"], "value": tag["value"] }));
            }
        }
        json!({ "tagSet": found })
    })
}
