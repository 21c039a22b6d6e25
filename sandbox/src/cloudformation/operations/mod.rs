//! The operations of the API. They check their input in CloudFormation's order, with its messages.

use std::sync::Arc;

use super::model::{ChangeSet, ExecutionStatus, OnFailure, Stack, StackDefinition, StackStatus, State};
use super::template::invalid;
use crate::base::paging::{self, Page};
use crate::{Fault, Sandbox};

pub(super) mod change_sets;
mod deployment_config;
pub(super) mod describe_stacks;
pub(super) mod exports;
mod preparation;
pub(super) mod rollbacks;
mod stack_input;
pub(super) mod stack_resources;
pub(super) mod stacks;
pub(super) mod templates;

/// The largest template in the body of a request, in bytes.
const MAX_TEMPLATE_BYTES: usize = 51_200;

/// The text of the template of a request.
fn template_text(body: Option<&str>, url: Option<&str>) -> Result<String, Fault> {
    match (body, url) {
        (Some(body), None) if body.len() > MAX_TEMPLATE_BYTES => Err(invalid(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {MAX_TEMPLATE_BYTES}"
        ))),
        (Some(body), None) => Ok(body.to_owned()),
        (None, Some(url)) => Err(unsupported_url(url)),
        _ => Err(invalid("Either Template URL or Template Body must be specified.")),
    }
}

/// Why a `TemplateURL` cannot be read: the sandbox has no S3.
fn unsupported_url(url: &str) -> Fault {
    if let Some(bucket) = url.strip_prefix("s3://").map(|rest| rest.split('/').next().unwrap_or(rest)) {
        return invalid(format!("S3 error: Domain name specified in {bucket} is not a valid S3 domain"));
    }
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let is_s3 = host.ends_with(".amazonaws.com") && host.split('.').any(|part| part == "s3" || part.starts_with("s3-"));
    if is_s3 {
        Fault::not_implemented("S3, where the TemplateURL points")
    } else {
        invalid("TemplateURL must be a supported URL.")
    }
}

fn check_stack_name(name: &str) -> Result<(), Fault> {
    const MAX_CHARACTERS: usize = 128;
    if name.chars().count() > MAX_CHARACTERS {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to {MAX_CHARACTERS}"
        )));
    }
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_valid = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
    if begins && is_valid {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
    )))
}

/// A new stack. Its status is that of its creation or review, which is set when it is stored.
fn new_stack(sandbox: &Arc<Sandbox>, name: &str, definition: StackDefinition) -> Stack {
    let id = crate::base::ids::uuid();
    Stack {
        id: sandbox.config.arn("cloudformation", &format!("stack/{name}/{id}")),
        name: name.to_owned(),
        status: StackStatus::ReviewInProgress,
        status_reason: None,
        created: sandbox.clock.now(),
        updated: None,
        deleted: None,
        definition,
        previous: None,
        outputs: Vec::new(),
        imports: Vec::new(),
        pending_imports: Vec::new(),
        termination_protection: false,
        retain_resources: Vec::new(),
        client_request_token: None,
        started_by: None,
        last_operation: None,
        timeout_minutes: None,
        resources_to_skip: Vec::new(),
        description: None,
        is_compacted: false,
    }
}

/// Finds a stack, or returns the fault of most operations.
fn find<'a>(state: &'a State, name: &str) -> Result<&'a Stack, Fault> {
    state.find(name).ok_or_else(|| invalid(format!("Stack [{name}] does not exist")))
}

/// Finds a stack, or returns the fault of the Describe operations.
fn find_described<'a>(state: &'a State, name: &str) -> Result<&'a Stack, Fault> {
    state.find(name).ok_or_else(|| invalid(format!("Stack with id {name} does not exist")))
}

/// Refuses to update a stack whose status does not allow it. A stack that failed without a rollback can only be updated without
/// rollback, too ("Choose how to handle failures when provisioning resources" in CloudFormation's user guide).
fn check_updatable(stack: &Stack, on_failure: OnFailure) -> Result<(), Fault> {
    match stack.status {
        StackStatus::CreateComplete | StackStatus::UpdateComplete | StackStatus::UpdateRollbackComplete => Ok(()),
        StackStatus::CreateFailed | StackStatus::UpdateFailed if on_failure == OnFailure::DoNothing => Ok(()),
        failed @ (StackStatus::CreateFailed | StackStatus::UpdateFailed) => Err(invalid(format!(
            "This stack is currently in a non-terminal [{failed}] state. To update the stack from this state, please use the \
             disable-rollback parameter with update-stack API. To rollback to the last known good state, use the \
             rollback-stack API"
        ))),
        status => Err(invalid(format!("Stack:{} is in {status} state and can not be updated.", stack.id))),
    }
}

/// One page of a list; each item comes with a key that identifies it. See [`paging::page`].
fn page<T>(
    items: impl IntoIterator<Item = (String, T)>,
    list: &str,
    token: Option<&str>,
    limit: usize,
) -> Result<Page<T>, Fault> {
    paging::page(items, list, token, limit).map_err(|paging::InvalidToken| invalid("The specified token is invalid."))
}

/// Marks a stack's change sets as obsolete, except the executed one.
fn make_obsolete(state: &mut State, stack_id: &str, executed: Option<&str>) {
    let others: Vec<String> = state
        .change_sets
        .values()
        .filter(|change_set: &&ChangeSet| change_set.stack_id == stack_id && executed != Some(change_set.id.as_str()))
        .map(|change_set| change_set.id.clone())
        .collect();
    for id in others {
        if let Some(change_set) = state.change_sets.get_mut(&id)
            && change_set.execution_status == ExecutionStatus::Available
        {
            change_set.execution_status = ExecutionStatus::Obsolete;
        }
    }
}
