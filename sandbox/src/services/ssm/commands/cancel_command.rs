//! CancelCommand.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{CommandStatus, find, invocations};
use crate::services::ssm::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CancelCommandInput {
    command_id: String,
    #[serde(default)]
    instance_ids: Vec<String>,
}

/// Cancels the invocations of a command that have not ended, on some instances or on all.
pub(crate) fn cancel(
    sandbox: &Arc<Sandbox>,
    CancelCommandInput { command_id, instance_ids }: CancelCommandInput,
) -> Result<Value, Fault> {
    sandbox.store.write(|states| {
        find(states, &command_id)?;
        let is_target = |id: &String| invocations(states, &command_id).any(|invocation| invocation.instance == *id);
        if let Some(other) = instance_ids.iter().find(|id| !is_target(id)) {
            return Err(Fault::client("InvalidInstanceId", format!("The command was not sent to {other}")));
        }
        let is_selected = |instance: &String| instance_ids.is_empty() || instance_ids.contains(instance);
        let open = invocations(states, &command_id).filter(|invocation| {
            invocation.status.may_become(CommandStatus::Cancelling) && is_selected(&invocation.instance)
        });
        let keys: Vec<String> = open.map(super::Invocation::key).collect();
        for key in keys {
            if let Some(invocation) = states.of_mut::<State>().invocations.get_mut(&key) {
                invocation.advance(CommandStatus::Cancelling);
            }
        }
        Ok(json!({}))
    })
}
