//! UpdateSecretVersionStage: moves a label from one version to another.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::invalid_parameter;
use super::model::{CURRENT, Secret, change};
use crate::services::Reply;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

pub(super) fn update(sandbox: &Arc<Sandbox>, input: Update) -> Reply {
    let now = sandbox.clock.now();
    sandbox.world.write(|world| {
        change(world, &sandbox.config, &input.secret_id, now, |secret| {
            secret.usable()?;
            check(secret, &input)?;
            match &input.move_to_version_id {
                Some(id) => secret.attach(&input.version_stage, id),
                None => secret.detach(&input.version_stage),
            }
            secret.changed = now;
            Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
        })
    })
}

/// The caller has to know where a label is that it takes away.
fn check(secret: &Secret, input: &Update) -> Result<(), Fault> {
    let Update { version_stage: stage, remove_from_version_id: from, move_to_version_id: to, .. } = input;
    for id in from.iter().chain(to) {
        if secret.version(id).is_none() {
            let message = format!("Secrets Manager can't find the specified secret value for VersionId: {id}");
            return Err(Fault::client("ResourceNotFoundException", message));
        }
    }
    let holder = secret.labelled(stage).map(|version| &version.id);
    match (holder, from) {
        (Some(holder), None) if to.as_ref() != Some(holder) => Err(invalid_parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
             {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        ))),
        (holder, Some(from)) if holder != Some(from) => {
            Err(invalid_parameter(format!("Staging label {stage} is not currently attached to version {from}.")))
        }
        _ if to.is_none() && stage == CURRENT => Err(invalid_parameter(format!(
            "You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        ))),
        _ => Ok(()),
    }
}
