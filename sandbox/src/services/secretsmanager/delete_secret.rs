//! Deletion of secrets: immediately or after a recovery window. RestoreSecret is not served.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::model::{self, change, find};
use super::{invalid_parameter, invalid_request};
use crate::Sandbox;
use crate::base::clock::epoch_seconds;
use crate::core::OperationResult;
use crate::services::secretsmanager::State;

const DEFAULT_WINDOW: i64 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteSecretInput {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteSecretInput) -> OperationResult {
    let DeleteSecretInput { secret_id, recovery_window_in_days: window, force_delete_without_recovery: force } = input;
    if window.is_some_and(|days| !(7..=30).contains(&days)) {
        let message = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
        return Err(invalid_parameter(message));
    }
    if force && window.is_some() {
        let message = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
        return Err(invalid_parameter(message));
    }
    model::check_name(&secret_id)?;
    let (now, config) = (sandbox.clock.now(), &sandbox.config);
    if force {
        return sandbox.store.write(|states| {
            let existing =
                find(states, config, &secret_id, now).ok().map(|secret| (secret.arn.clone(), secret.name.clone()));
            // AWS's response is the same as for a secret that existed.
            let (arn, name) = existing.unwrap_or_else(|| {
                let name = model::name(config, &secret_id);
                (model::arn(config, name), name.to_owned())
            });
            states.of_mut::<State>().secrets.remove(&name);
            Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": epoch_seconds(now) }))
        });
    }
    let days = window.unwrap_or(DEFAULT_WINDOW).unsigned_abs();
    let deleted_at = now + Duration::from_hours(24 * days);
    sandbox.store.write(|states| {
        change(states, config, &secret_id, now, |secret| {
            if secret.deletion.is_some() {
                return Err(invalid_request(
                    "You can't perform this operation on the secret because it was already scheduled for deletion.",
                ));
            }
            secret.deletion = Some((now, deleted_at));
            Ok(json!({ "ARN": secret.arn, "Name": secret.name, "DeletionDate": epoch_seconds(deleted_at) }))
        })
    })
}
