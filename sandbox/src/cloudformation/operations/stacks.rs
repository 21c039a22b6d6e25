//! The operations that change stacks.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::engine;
use super::super::model::{Definition, Request, Resource, ResourceStatus, Stack, StackStatus, State};
use super::super::plan;
use super::super::template::invalid;
use super::asked::{self, Asked, DeploymentConfig};
use super::{check_stack_name, check_updatable, find, find_described, make_obsolete, new_stack};
use crate::core::Reply;
use crate::{Fault, Sandbox};

/// `CreateStack`.
pub async fn create(sandbox: Arc<Sandbox>, asked: Asked) -> Reply {
    check_stack_name(&asked.stack_name)?;
    asked.check_members()?;
    if let Some(id) = begun(&sandbox, Request::CreateStack, &asked) {
        return Ok(json!({ "StackId": id }));
    }
    if asked.timeout_in_minutes == Some(0) {
        return Err(invalid(
            "1 validation error detected: Value '0' at 'timeoutInMinutes' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ));
    }
    let definition = asked.definition(&sandbox, None, true).await?;
    let stack = Stack {
        timeout_minutes: asked.timeout_in_minutes,
        termination_protection: asked.enable_termination_protection,
        ..new_stack(&sandbox, &asked.stack_name, definition)
    };
    let now = sandbox.clock.now();
    let id = sandbox.world.write(|world| {
        let state = world.of_mut::<State>();
        let id = match state.find(&stack.name) {
            None => {
                state.stacks.insert(stack.id.clone(), stack.clone());
                stack.id
            }
            // A stack that change sets have only reviewed becomes this one.
            Some(existing) if existing.status == StackStatus::ReviewInProgress => {
                let id = existing.id.clone();
                state.stacks.insert(id.clone(), Stack { id: id.clone(), ..stack.clone() });
                make_obsolete(state, &id, None);
                id
            }
            Some(existing) => {
                let message = format!("Stack [{}] already exists", existing.name);
                return Err(Fault::already_exists("AlreadyExistsException", message));
            }
        };
        state.begin(&id, Request::CreateStack, asked.client_request_token);
        state.set_status(&id, StackStatus::CreateInProgress, Some("User Initiated".to_owned()), now);
        Ok(id)
    })?;
    engine::start(&sandbox, id.clone());
    Ok(json!({ "StackId": id }))
}

/// `UpdateStack`.
pub async fn update(sandbox: Arc<Sandbox>, asked: Asked) -> Reply {
    asked.check_members()?;
    if let Some(id) = begun(&sandbox, Request::UpdateStack, &asked) {
        return Ok(json!({ "StackId": id }));
    }
    let stack = sandbox.world.read(|world| find(world.of::<State>(), &asked.stack_name).cloned())?;
    check_updatable(&stack, asked.on_failure()?)?;
    let definition = asked.definition(&sandbox, Some(&stack), true).await?;
    if plan::compare(&sandbox, &stack, &definition)?.is_none() {
        return Err(invalid("No updates are to be performed."));
    }
    sandbox.world.write(|world| {
        let state = world.of_mut::<State>();
        begin_update(&sandbox, state, &stack.id, definition)?;
        state.begin(&stack.id, Request::UpdateStack, asked.client_request_token);
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

/// The stack that the same request, told by its token, has already begun to make or to change.
fn begun(sandbox: &Arc<Sandbox>, request: Request, asked: &Asked) -> Option<String> {
    sandbox.world.read(|world| {
        let stack = world.of::<State>().find(&asked.stack_name)?;
        stack.has_begun(request, asked.client_request_token.as_deref()).then(|| stack.id.clone())
    })
}

/// Gives a stack its new definition; the caller gives it its status, and starts it once this is stored.
pub fn begin_update(
    sandbox: &Arc<Sandbox>,
    state: &mut State,
    stack_id: &str,
    definition: Definition,
) -> Result<(), Fault> {
    check_updatable(find(state, stack_id)?, definition.on_failure)?;
    let executed = definition.change_set_id.clone();
    if let Some(stack) = state.stacks.get_mut(stack_id) {
        let before = std::mem::replace(&mut stack.definition, definition);
        // What failed and was left as it is goes on from the definition that last held, if one has.
        if !stack.status.is_failed() {
            stack.previous.get_or_insert(before);
        }
        stack.updated = Some(sandbox.clock.now());
    }
    for row in state.resources_of(stack_id).into_values().filter(|row| row.is_new) {
        state.store_resource(stack_id, Resource { is_new: false, ..row });
    }
    make_obsolete(state, stack_id, executed.as_deref());
    Ok(())
}

/// The input of `DeleteStack`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Delete {
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

/// `DeleteStack`: of a stack that there is not it does nothing, as on AWS.
pub async fn delete(sandbox: Arc<Sandbox>, input: Delete) -> Reply {
    if input.deletion_mode.as_deref().is_some_and(|mode| mode != "STANDARD") {
        return Err(Fault::not_implemented("the member DeletionMode"));
    }
    input.deployment_config.check()?;
    if let Some(arn) = &input.role_arn {
        asked::check_role(&sandbox, arn).await?;
    }
    let now = sandbox.clock.now();
    let started = sandbox.world.write(|world| {
        let state = world.of_mut::<State>();
        let Some(stack) = to_delete(state, &input) else { return Ok(None) };
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
            // As quoted in rebuy-de/aws-nuke issue 270.
            return Err(invalid(
                "The specified resources to retain must be in a valid state. Do not specify resources that are in the DELETE_COMPLETE state.",
            ));
        }
        if let Some(reason) = export_in_use(state, &stack) {
            state.begin(&stack.id, Request::DeleteStack, input.client_request_token);
            state.refuse_deletion(&stack, reason, now);
            return Ok(None);
        }
        if let Some(row) = state.stacks.get_mut(&stack.id) {
            row.retain = input.retain_resources;
            row.definition.role_arn = input.role_arn.or_else(|| row.definition.role_arn.take());
        }
        make_obsolete(state, &stack.id, None);
        state.begin(&stack.id, Request::DeleteStack, input.client_request_token);
        state.set_status(&stack.id, StackStatus::DeleteInProgress, Some("User Initiated".to_owned()), now);
        // A stack on the move sees its new status by itself.
        Ok((!stack.status.is_in_progress()).then_some(stack.id))
    })?;
    if let Some(id) = started {
        engine::start(&sandbox, id);
    }
    Ok(Value::Null)
}

/// Why a stack cannot be deleted: another one uses what it exports.
fn export_in_use(state: &State, stack: &Stack) -> Option<String> {
    let exports = stack.outputs.iter().filter_map(|output| output.export.as_deref());
    exports.into_iter().find_map(|name| {
        let users = state.importers(name);
        let reason =
            || format!("Delete canceled. Cannot delete export {name} as it is in use by {}.", users.join(" and "));
        (!users.is_empty()).then(reason)
    })
}

/// The stack that a request is to delete; none when it is gone, or when the same request has begun to delete it.
fn to_delete(state: &State, input: &Delete) -> Option<Stack> {
    let token = input.client_request_token.as_deref();
    let named = |stack: &&Stack| stack.name == input.stack_name || stack.id == input.stack_name;
    if state.stacks.values().filter(named).any(|stack| stack.has_begun(Request::DeleteStack, token)) {
        return None;
    }
    state.find(&input.stack_name).filter(|stack| !stack.is_deleted()).cloned()
}

/// The input of `UpdateTerminationProtection`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TerminationProtection {
    stack_name: String,
    enable_termination_protection: bool,
}

/// `UpdateTerminationProtection`.
pub fn update_termination_protection(sandbox: &Arc<Sandbox>, input: TerminationProtection) -> Reply {
    sandbox.world.write(|world| {
        let state = world.of_mut::<State>();
        let id = find_described(state, &input.stack_name)?.id.clone();
        if let Some(stack) = state.stacks.get_mut(&id) {
            stack.termination_protection = input.enable_termination_protection;
        }
        Ok(json!({ "StackId": id }))
    })
}
