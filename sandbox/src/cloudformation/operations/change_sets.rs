//! The operations on change sets.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe_stacks::{parameters_output, tags_output};
use super::stack_input::CreateChangeSetInput;
use super::stacks::begin_update;
use super::{check_stack_name, check_updatable, find, make_obsolete, new_stack, page};
use crate::base::clock::epoch_seconds;
use crate::base::ids;
use crate::cloudformation::engine;
use crate::cloudformation::model::{
    ChangeSet, ChangeSetStatus, ExecutionStatus, OnFailure, Stack, StackDefinition, StackRequest, StackStatus, State,
};
use crate::cloudformation::plan;
use crate::cloudformation::template::invalid;
use crate::core::OperationResult;
use crate::{Fault, FaultKind, Sandbox};

const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

/// `CreateChangeSet`, for a new stack or an existing one.
pub(crate) async fn create(sandbox: Arc<Sandbox>, input: CreateChangeSetInput) -> OperationResult {
    input.check()?;
    let creates = match input.change_set_type.as_deref() {
        None | Some("UPDATE") => false,
        Some("CREATE") => true,
        Some(other) => return Err(Fault::not_implemented(&format!("change sets of type {other}"))),
    };
    let existing = sandbox.store.read(|states| states.of::<State>().find(&input.stack.stack_name).cloned());
    let stack = stack_for(&sandbox, &input, creates, existing)?;
    if input.on_stack_failure == Some(OnFailure::Delete) && !creates {
        return Err(invalid("OnStackFailure DELETE is only for change sets that create a stack."));
    }
    let definition = input.definition(&sandbox, (!creates).then_some(&stack)).await?;
    let name = &input.change_set_name;
    let id = sandbox.config.arn("cloudformation", &format!("changeSet/{name}/{}", ids::uuid()));
    let definition = StackDefinition { change_set_id: Some(id.clone()), ..definition };
    let planned = plan::compare(&sandbox, &stack, &definition)?;
    let (status, status_reason, execution_status) = match &planned {
        Some(_) => (ChangeSetStatus::CreateComplete, None, ExecutionStatus::Available),
        None => (ChangeSetStatus::Failed, Some(NO_CHANGES.to_owned()), ExecutionStatus::Unavailable),
    };
    let change_set = ChangeSet {
        id,
        name: name.clone(),
        stack_id: stack.id.clone(),
        stack_name: stack.name.clone(),
        description: input.description.clone(),
        creates,
        status,
        status_reason,
        execution_status,
        created: sandbox.clock.now(),
        definition,
        planned: planned.unwrap_or_default(),
        on_stack_failure: input.on_stack_failure,
        include_nested_stacks: input.include_nested_stacks,
    };
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        // Another request may have created or deleted the stack since it was looked up.
        let current = state.find(&input.stack.stack_name).cloned();
        let owner = if creates && current.is_none() { stack } else { stack_for(&sandbox, &input, creates, current)? };
        store(&sandbox, state, &owner, ChangeSet { stack_id: owner.id.clone(), ..change_set })
    })
}

/// The stack of a new change set: an existing one, or a new one in review.
fn stack_for(
    sandbox: &Arc<Sandbox>,
    input: &CreateChangeSetInput,
    creates: bool,
    existing: Option<Stack>,
) -> Result<Stack, Fault> {
    let stack_name = &input.stack.stack_name;
    match existing {
        Some(stack) if creates && stack.status != StackStatus::ReviewInProgress => Err(invalid(format!(
            "Stack [{stack_name}] already exists and cannot be created again with the changeSet [{}].",
            input.change_set_name
        ))),
        Some(stack) if creates => Ok(stack),
        // Whether a failure is rolled back is only known when the change set is executed.
        Some(stack) => check_updatable(&stack, OnFailure::DoNothing).map(|()| stack),
        None if creates => {
            check_stack_name(stack_name)?;
            Ok(new_stack(sandbox, stack_name, StackDefinition::default()))
        }
        None => Err(invalid(format!("Stack [{stack_name}] does not exist"))),
    }
}

/// Stores a change set, and its stack if that is new.
fn store(sandbox: &Arc<Sandbox>, state: &mut State, stack: &Stack, change_set: ChangeSet) -> OperationResult {
    // The name of an executed change set can be used again (recorded: every update of localstack's `capture_update_process`).
    let other = state.change_sets.values().find(|other| {
        other.stack_id == stack.id && other.name == change_set.name && !other.execution_status.is_executed()
    });
    if let Some(other) = other {
        let name = &change_set.name;
        let message = if other.definition.template_body == change_set.definition.template_body {
            format!("ChangeSet {name} already exists")
        } else {
            format!("ChangeSet {name} cannot be created due to a mismatch with existing attribute Template")
        };
        return Err(Fault::already_exists("AlreadyExistsException", message));
    }
    state.remove_oldest_executed(&stack.id);
    if !state.stacks.contains(&stack.id) {
        state.stacks.insert(stack.id.clone(), stack.clone());
        state.set_status(
            &stack.id,
            StackStatus::ReviewInProgress,
            Some("User Initiated".to_owned()),
            sandbox.clock.now(),
        );
    }
    let response = json!({ "Id": change_set.id, "StackId": stack.id });
    state.change_sets.insert(change_set.id.clone(), change_set);
    Ok(response)
}

/// The input of the operations on one change set.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChangeSetInput {
    change_set_name: String,
    stack_name: Option<String>,
    #[serde(default)]
    disable_rollback: bool,
    #[serde(default)]
    retain_except_on_create: bool,
    #[serde(default)]
    include_property_values: bool,
    client_request_token: Option<String>,
    next_token: Option<String>,
}

/// Changes in a page of `DescribeChangeSet`.
const CHANGES_PER_PAGE: usize = 100;

fn find_change_set<'a>(state: &'a State, input: &ChangeSetInput) -> Result<&'a ChangeSet, Fault> {
    let name = &input.change_set_name;
    let not_found =
        || Fault::not_found("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")).with_status(404);
    if name.starts_with("arn:") {
        return state.change_sets.get(name).ok_or_else(not_found);
    }
    let Some(stack_name) = &input.stack_name else {
        return Err(invalid("StackName must be specified if ChangeSetName is not specified as an ARN."));
    };
    let stack = find(state, stack_name)?;
    state.change_set(&stack.id, name).ok_or_else(not_found)
}

fn summary(change_set: &ChangeSet) -> Value {
    json!({
        "StackId": change_set.stack_id,
        "StackName": change_set.stack_name,
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.status_reason,
        "CreationTime": epoch_seconds(change_set.created),
        "Description": change_set.description,
        "IncludeNestedStacks": change_set.include_nested_stacks,
    })
}

pub(crate) fn describe(sandbox: &Arc<Sandbox>, input: ChangeSetInput) -> OperationResult {
    sandbox.store.read(|states| {
        let change_set = find_change_set(states.of::<State>(), &input)?;
        let ChangeSet { definition, planned, .. } = change_set;
        let (changes, warning) = if input.include_property_values {
            (&planned.with_values, planned.warning.as_ref())
        } else {
            (&planned.without_values, None)
        };
        let keyed = changes.iter().enumerate().map(|(number, change)| (number.to_string(), change.clone()));
        let page = page(keyed, &change_set.id, input.next_token.as_deref(), CHANGES_PER_PAGE)?;
        let mut response = summary(change_set);
        if let Some(warning) = warning {
            response["StatusReason"] = warning.as_str().into();
        }
        response["Changes"] = page.items.into();
        response["NextToken"] = page.next_token.into();
        response["Capabilities"] = json!(definition.capabilities);
        response["Parameters"] = parameters_output(definition);
        response["Tags"] = if definition.tags.is_empty() { Value::Null } else { tags_output(definition) };
        response["NotificationARNs"] = json!(definition.notification_arns);
        response["OnStackFailure"] = json!(change_set.on_stack_failure.map(OnFailure::as_str));
        response["RollbackConfiguration"] = json!({});
        Ok(response)
    })
}

pub(crate) fn execute(sandbox: &Arc<Sandbox>, input: ChangeSetInput) -> OperationResult {
    let now = sandbox.clock.now();
    let started = sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let mut change_set = find_change_set(state, &input)?.clone();
        if let Some(stack) = state.stacks.get(&change_set.stack_id)
            && stack.definition.change_set_id.as_ref() == Some(&change_set.id)
            && stack.was_started_by(StackRequest::ExecuteChangeSet, input.client_request_token.as_deref())
        {
            return Ok(None);
        }
        if change_set.execution_status != ExecutionStatus::Available {
            let status = match change_set.status {
                failed @ ChangeSetStatus::Failed => format!("status of [{failed}]"),
                ChangeSetStatus::CreateComplete => format!("execution status of [{}]", change_set.execution_status),
            };
            let message = format!("ChangeSet [{}] cannot be executed in its current {status}", change_set.id);
            return Err(Fault::client("InvalidChangeSetStatus", message));
        }
        if input.disable_rollback && change_set.on_stack_failure.is_some() {
            return Err(invalid("Either DisableRollback or OnStackFailure can be specified, not both."));
        }
        if input.disable_rollback {
            change_set.definition.on_failure = OnFailure::DoNothing;
        }
        change_set.definition.retain_except_on_create = input.retain_except_on_create;
        let (stack_id, definition) = (change_set.stack_id.clone(), change_set.definition.clone());
        let status = if change_set.creates { StackStatus::CreateInProgress } else { StackStatus::UpdateInProgress };
        if change_set.creates {
            begin_creation(state, &stack_id, definition, now)?;
            make_obsolete(state, &stack_id, Some(&change_set.id));
        } else {
            begin_update(sandbox, state, &stack_id, definition)?;
        }
        state.begin(&stack_id, StackRequest::ExecuteChangeSet, input.client_request_token.clone());
        state.set_status(&stack_id, status, Some("User Initiated".to_owned()), now);
        change_set.execution_status = ExecutionStatus::ExecuteInProgress;
        state.change_sets.insert(change_set.id.clone(), change_set);
        Ok(Some(stack_id))
    })?;
    if let Some(stack_id) = started {
        engine::start(sandbox, stack_id);
    }
    Ok(json!({}))
}

fn begin_creation(state: &mut State, id: &str, definition: StackDefinition, now: jiff::Timestamp) -> Result<(), Fault> {
    let stack = state.stacks.get_mut(id).filter(|stack| stack.status == StackStatus::ReviewInProgress);
    let stack = stack.ok_or_else(|| invalid(format!("Stack [{id}] already exists")))?;
    stack.definition = definition;
    stack.updated = Some(now);
    Ok(())
}

/// `DeleteChangeSet`. It also succeeds when the change set does not exist.
pub(crate) fn delete(sandbox: &Arc<Sandbox>, input: ChangeSetInput) -> OperationResult {
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        match find_change_set(state, &input) {
            Ok(change_set) => {
                let id = change_set.id.clone();
                state.change_sets.remove(&id);
            }
            Err(fault) if fault.kind == FaultKind::NotFound => {}
            Err(fault) => return Err(fault),
        }
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListChangeSetsInput {
    stack_name: String,
    next_token: Option<String>,
}

pub(crate) fn list(sandbox: &Arc<Sandbox>, input: ListChangeSetsInput) -> OperationResult {
    sandbox.store.read(|states| {
        let stack = find(states.of::<State>(), &input.stack_name)?;
        // An executed change set can only be described, by its ARN.
        let listed = states
            .of::<State>()
            .change_sets
            .values()
            .filter(|change_set| change_set.stack_id == stack.id && !change_set.execution_status.is_executed());
        let keyed = listed.map(|change_set| (change_set.id.clone(), summary(change_set)));
        let page = page(keyed, &stack.id, input.next_token.as_deref(), CHANGES_PER_PAGE)?;
        Ok(json!({ "Summaries": page.items, "NextToken": page.next_token }))
    })
}
