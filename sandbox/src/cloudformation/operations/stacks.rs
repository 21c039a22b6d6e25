//! The operations that create, update and delete stacks.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::deployment_config::DeploymentConfig;
use super::stack_input::{CreateStack, StackInput, UpdateStack, check_role};
use super::{check_stack_name, check_updatable, find, find_described, make_obsolete, new_stack};
use crate::cloudformation::engine;
use crate::cloudformation::model::{
    Resource, ResourceStatus, Stack, StackDefinition, StackRequest, StackStatus, State,
};
use crate::cloudformation::plan;
use crate::cloudformation::template::invalid;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

pub(crate) async fn create(sandbox: Arc<Sandbox>, input: CreateStack) -> OperationResult {
    check_stack_name(&input.stack.stack_name)?;
    input.check()?;
    if let Some(id) = find_stack_by_token(&sandbox, StackRequest::CreateStack, &input.stack) {
        return Ok(json!({ "StackId": id }));
    }
    let definition = input.definition(&sandbox).await?;
    let stack = Stack {
        timeout_minutes: input.timeout_in_minutes,
        termination_protection: input.enable_termination_protection,
        ..new_stack(&sandbox, &input.stack.stack_name, definition)
    };
    let now = sandbox.clock.now();
    let id = sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let id = match state.find(&stack.name) {
            None => stack.id.clone(),
            // A stack in review becomes this one.
            Some(existing) if existing.status == StackStatus::ReviewInProgress => {
                let id = existing.id.clone();
                make_obsolete(state, &id, None);
                id
            }
            Some(existing) => {
                let message = format!("Stack [{}] already exists", existing.name);
                return Err(Fault::already_exists("AlreadyExistsException", message));
            }
        };
        state.stacks.insert(id.clone(), Stack { id: id.clone(), ..stack });
        state.begin(&id, StackRequest::CreateStack, input.stack.client_request_token);
        state.set_status(&id, StackStatus::CreateInProgress, Some("User Initiated".to_owned()), now);
        Ok(id)
    })?;
    engine::start(&sandbox, id.clone());
    Ok(json!({ "StackId": id }))
}

pub(crate) async fn update(sandbox: Arc<Sandbox>, input: UpdateStack) -> OperationResult {
    input.check()?;
    if let Some(id) = find_stack_by_token(&sandbox, StackRequest::UpdateStack, &input.stack) {
        return Ok(json!({ "StackId": id }));
    }
    let stack = sandbox.store.read(|states| find(states.of::<State>(), &input.stack.stack_name).cloned())?;
    check_updatable(&stack, input.on_failure()?)?;
    let definition = input.definition(&sandbox, &stack).await?;
    if plan::compare(&sandbox, &stack, &definition)?.is_none() {
        return Err(invalid("No updates are to be performed."));
    }
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        begin_update(&sandbox, state, &stack.id, definition)?;
        state.begin(&stack.id, StackRequest::UpdateStack, input.stack.client_request_token);
        state.set_status(
            &stack.id,
            StackStatus::UpdateInProgress,
            Some("User Initiated".to_owned()),
            sandbox.clock.now(),
        );
        Ok(())
    })?;
    engine::start(&sandbox, stack.id.clone());
    Ok(json!({ "StackId": stack.id }))
}

/// The stack whose latest operation the same request has begun, by its token.
fn find_stack_by_token(sandbox: &Arc<Sandbox>, request: StackRequest, input: &StackInput) -> Option<String> {
    sandbox.store.read(|states| {
        let stack = states.of::<State>().find(&input.stack_name)?;
        stack.was_started_by(request, input.client_request_token.as_deref()).then(|| stack.id.clone())
    })
}

/// Gives a stack its new definition. The caller sets the status, and starts the operation once this is stored.
pub(crate) fn begin_update(
    sandbox: &Arc<Sandbox>,
    state: &mut State,
    stack_id: &str,
    definition: StackDefinition,
) -> Result<(), Fault> {
    check_updatable(find(state, stack_id)?, definition.on_failure)?;
    let change_set_id = definition.change_set_id.clone();
    if let Some(stack) = state.stacks.get_mut(stack_id) {
        let before = std::mem::replace(&mut stack.definition, definition);
        // A failed operation that was not rolled back keeps the last definition that was complete, if there is one.
        if !stack.status.is_failed() {
            stack.previous.get_or_insert(before);
        }
        stack.updated = Some(sandbox.clock.now());
    }
    for resource in state.resources_of(stack_id).into_values().filter(|resource| resource.is_new) {
        state.store_resource(stack_id, Resource { is_new: false, ..resource });
    }
    make_obsolete(state, stack_id, change_set_id.as_deref());
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DeleteStack {
    stack_name: String,
    #[serde(default)]
    retain_resources: Vec<String>,
    client_request_token: Option<String>,
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    deletion_mode: Option<String>,
    #[serde(default)]
    deployment_config: DeploymentConfig,
}

/// `DeleteStack`. It also succeeds when the stack does not exist, as on AWS.
pub(crate) async fn delete(sandbox: Arc<Sandbox>, input: DeleteStack) -> OperationResult {
    if input.deletion_mode.as_deref().is_some_and(|mode| mode != "STANDARD") {
        return Err(Fault::not_implemented("the member DeletionMode"));
    }
    input.deployment_config.check()?;
    if let Some(arn) = &input.role_arn {
        check_role(&sandbox, arn).await?;
    }
    let now = sandbox.clock.now();
    let started = sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let Some(stack) = find_to_delete(state, &input) else { return Ok(None) };
        if stack.termination_protection {
            let message = format!("Stack [{}] cannot be deleted while TerminationProtection is enabled", stack.name);
            return Err(invalid(message));
        }
        if !input.retain_resources.is_empty() && stack.status != StackStatus::DeleteFailed {
            return Err(invalid(format!(
                "Invalid operation on stack [{}]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.",
                stack.id
            )));
        }
        if stack.status == StackStatus::DeleteInProgress {
            return Ok(None);
        }
        if stack.status.is_updating() {
            return Err(invalid(format!("Stack [{}] cannot be deleted while in status {}", stack.id, stack.status)));
        }
        let resources = state.resources_of(&stack.id);
        if let Some(name) = input.retain_resources.iter().find(|name| !resources.contains_key(*name)) {
            return Err(invalid(format!("Resource {name} does not exist for stack {}", stack.name)));
        }
        if input.retain_resources.iter().any(|name| resources[name].status == ResourceStatus::DeleteComplete) {
            // The sentence is quoted in rebuy-de/aws-nuke issue 270.
            return Err(invalid(
                "The specified resources to retain must be in a valid state. Do not specify resources that are in the DELETE_COMPLETE state.",
            ));
        }
        if let Some(reason) = export_in_use(state, &stack) {
            state.begin(&stack.id, StackRequest::DeleteStack, input.client_request_token);
            state.refuse_deletion(&stack, reason, now);
            return Ok(None);
        }
        if let Some(stack) = state.stacks.get_mut(&stack.id) {
            stack.retain_resources = input.retain_resources;
            stack.definition.role_arn = input.role_arn.or_else(|| stack.definition.role_arn.take());
        }
        make_obsolete(state, &stack.id, None);
        state.begin(&stack.id, StackRequest::DeleteStack, input.client_request_token);
        state.set_status(&stack.id, StackStatus::DeleteInProgress, Some("User Initiated".to_owned()), now);
        // An operation in progress reads the new status by itself.
        Ok((!stack.status.is_in_progress()).then_some(stack.id))
    })?;
    if let Some(id) = started {
        engine::start(&sandbox, id);
    }
    Ok(Value::Null)
}

/// Why a stack cannot be deleted, if another stack imports one of its exports.
fn export_in_use(state: &State, stack: &Stack) -> Option<String> {
    let exports = stack.outputs.iter().filter_map(|output| output.export.as_deref());
    exports.into_iter().find_map(|name| {
        let users = state.importers(name);
        let reason =
            || format!("Delete canceled. Cannot delete export {name} as it is in use by {}.", users.join(" and "));
        (!users.is_empty()).then(reason)
    })
}

/// The stack to delete; `None` when it is deleted, or the same request has begun its deletion.
fn find_to_delete(state: &State, input: &DeleteStack) -> Option<Stack> {
    let token = input.client_request_token.as_deref();
    let is_requested = |stack: &&Stack| stack.name == input.stack_name || stack.id == input.stack_name;
    if state.stacks.values().filter(is_requested).any(|stack| stack.was_started_by(StackRequest::DeleteStack, token)) {
        return None;
    }
    state.find(&input.stack_name).filter(|stack| !stack.is_deleted()).cloned()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TerminationProtection {
    stack_name: String,
    enable_termination_protection: bool,
}

pub(crate) fn update_termination_protection(sandbox: &Arc<Sandbox>, input: TerminationProtection) -> OperationResult {
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let id = find_described(state, &input.stack_name)?.id.clone();
        if let Some(stack) = state.stacks.get_mut(&id) {
            stack.termination_protection = input.enable_termination_protection;
        }
        Ok(json!({ "StackId": id }))
    })
}
