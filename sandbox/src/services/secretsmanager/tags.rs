//! Tags of secrets.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::model::{Secret, change};
use crate::Sandbox;
use crate::base::tags::{self, Tag};
use crate::core::OperationResult;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResourceInput {
    secret_id: String,
    tags: Vec<Tag>,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, TagResourceInput { secret_id, tags }: TagResourceInput) -> OperationResult {
    edit(sandbox, &secret_id, |secret| tags::merge(secret.tags.get_or_insert_default(), tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResourceInput {
    secret_id: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(
    sandbox: &Arc<Sandbox>,
    UntagResourceInput { secret_id, tag_keys }: UntagResourceInput,
) -> OperationResult {
    edit(sandbox, &secret_id, |secret| {
        if let Some(tags) = &mut secret.tags {
            tags::remove(tags, &tag_keys);
        }
    })
}

fn edit(sandbox: &Sandbox, id: &str, edit: impl FnOnce(&mut Secret)) -> OperationResult {
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        change(states, &sandbox.config, id, now, |secret| {
            secret.check_not_deleted()?;
            edit(secret);
            secret.changed = now;
            Ok(Value::Null)
        })
    })
}
