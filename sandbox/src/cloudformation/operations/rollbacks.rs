//! The operations that roll stacks back.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::deployment_config::DeploymentConfig;
use super::find;
use super::stack_input::check_role;
use crate::cloudformation::engine;
use crate::cloudformation::model::{ResourceStatus, Stack, StackDefinition, StackRequest, StackStatus, State};
use crate::cloudformation::template::invalid;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

/// The members of all of the operations; the service model drops those that an operation does not have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RollbackInput {
    stack_name: String,
    client_request_token: Option<String>,
    #[serde(default)]
    resources_to_skip: Vec<String>,
    retain_except_on_create: Option<bool>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    #[serde(default)]
    force_rollback: bool,
    #[serde(default)]
    deployment_config: DeploymentConfig,
}

impl RollbackInput {
    async fn check(&self, sandbox: &Arc<Sandbox>) -> Result<(), Fault> {
        if self.force_rollback {
            return Err(Fault::not_implemented("the member ForceRollback"));
        }
        self.deployment_config.check()?;
        match &self.role_arn {
            Some(arn) => check_role(sandbox, arn).await,
            None => Ok(()),
        }
    }

    /// Gives the stack the first status of the operation, and stores the members of the request.
    fn begin(self, sandbox: &Arc<Sandbox>, state: &mut State, id: &str, status: StackStatus) {
        state.begin(id, StackRequest::Rollback, self.client_request_token);
        if let Some(stack) = state.stacks.get_mut(id) {
            stack.resources_to_skip = self.resources_to_skip;
            stack.definition.role_arn = self.role_arn.or_else(|| stack.definition.role_arn.take());
            stack.definition.retain_except_on_create =
                self.retain_except_on_create.unwrap_or(stack.definition.retain_except_on_create);
        }
        state.set_status(id, status, Some("User Initiated".to_owned()), sandbox.clock.now());
    }
}

/// `CancelUpdateStack`. The update in progress reads the new status by itself.
pub(crate) fn cancel_update(sandbox: &Arc<Sandbox>, input: RollbackInput) -> OperationResult {
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let Stack { id, status, previous, .. } = find(state, &input.stack_name)?.clone();
        if status != StackStatus::UpdateInProgress {
            return Err(invalid("CancelUpdateStack cannot be called from current stack status"));
        }
        input.begin(sandbox, state, &id, rollback_status(previous.as_ref()));
        Ok(Value::Null)
    })
}

pub(crate) async fn continue_rollback(sandbox: Arc<Sandbox>, input: RollbackInput) -> OperationResult {
    input.check(&sandbox).await?;
    let id = sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let Stack { id, status, .. } = find(state, &input.stack_name)?.clone();
        if status != StackStatus::UpdateRollbackFailed {
            return Err(invalid(format!("Stack:{id} is in {status} state and can not continue rollback.")));
        }
        let resources = state.resources_of(&id);
        let failed = |name: &&String| {
            resources.get(*name).is_some_and(|resource| resource.status == ResourceStatus::UpdateFailed)
        };
        if let Some(name) = input.resources_to_skip.iter().find(|name| !failed(name)) {
            return Err(invalid(format!(
                "The resource {name} of stack {id} cannot be skipped: it is not in UPDATE_FAILED state."
            )));
        }
        input.begin(&sandbox, state, &id, StackStatus::UpdateRollbackInProgress);
        Ok(id)
    })?;
    engine::start(&sandbox, id);
    Ok(json!({}))
}

/// The status of a rollback. A stack that was never complete has no previous definition: its resources are deleted.
fn rollback_status(previous: Option<&StackDefinition>) -> StackStatus {
    if previous.is_some() { StackStatus::UpdateRollbackInProgress } else { StackStatus::RollbackInProgress }
}

/// `RollbackStack`, of a stack whose operation failed without a rollback.
pub(crate) async fn rollback(sandbox: Arc<Sandbox>, input: RollbackInput) -> OperationResult {
    input.check(&sandbox).await?;
    let id = sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let Stack { id, status, previous, .. } = find(state, &input.stack_name)?.clone();
        let next = match status {
            StackStatus::CreateFailed | StackStatus::UpdateFailed => rollback_status(previous.as_ref()),
            _ => return Err(invalid(format!("Stack:{id} is in {status} state and can not be rolled back."))),
        };
        input.begin(&sandbox, state, &id, next);
        Ok(id)
    })?;
    engine::start(&sandbox, id.clone());
    Ok(json!({ "StackId": id }))
}
