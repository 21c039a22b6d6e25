//! The operations that list and describe the resources of stacks.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe_stacks::ITEMS_PER_PAGE;
use super::{find_described, page};
use crate::base::clock::epoch_seconds;
use crate::cloudformation::model::{Resource, Stack, State};
use crate::cloudformation::template::invalid;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

/// The members of all of the operations; the service model drops those that an operation does not have.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResourceInput {
    stack_name: Option<String>,
    logical_resource_id: Option<String>,
    physical_resource_id: Option<String>,
    next_token: Option<String>,
}

impl ResourceInput {
    fn stack_name(&self) -> Result<&str, Fault> {
        self.stack_name.as_deref().ok_or_else(|| missing("stackName"))
    }
}

fn missing(member: &str) -> Fault {
    invalid(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

fn resource_output(resource: &Resource, time_member: &str) -> Value {
    json!({
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.current.as_ref().map(|current| &current.physical_id),
        "ResourceType": resource.resource_type,
        time_member: epoch_seconds(resource.changed),
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": { "StackResourceDriftStatus": "NOT_CHECKED" },
    })
}

fn with_stack(mut resource: Value, stack: &Stack) -> Value {
    resource["StackId"] = stack.id.as_str().into();
    resource["StackName"] = stack.name.as_str().into();
    resource
}

pub(crate) fn describe_resource(sandbox: &Arc<Sandbox>, input: ResourceInput) -> OperationResult {
    let stack_name = input.stack_name()?;
    let name = input.logical_resource_id.as_deref().ok_or_else(|| missing("logicalResourceId"))?;
    sandbox.store.read(|states| {
        let missing_stack = || invalid(format!("Stack '{stack_name}' does not exist"));
        let stack = states.of::<State>().find(stack_name).ok_or_else(missing_stack)?;
        // The stack is named as in the request (recorded: localstack's test_describe_non_existent_resource).
        let missing = || invalid(format!("Resource {name} does not exist for stack {stack_name}"));
        let resource = states.of::<State>().resources_of(&stack.id).remove(name).ok_or_else(missing)?;
        let mut detail = with_stack(resource_output(&resource, "LastUpdatedTimestamp"), stack);
        let metadata = if resource.metadata.is_null() { json!({}) } else { resource.metadata };
        detail["Metadata"] = metadata.to_string().into();
        Ok(json!({ "StackResourceDetail": detail }))
    })
}

/// The maximum number of resources in the output of `DescribeStackResources`.
const MAX_DESCRIBED: usize = 100;

/// `DescribeStackResources`: the resources of a stack, one of them, or those of the stack of a physical resource.
pub(crate) fn describe_resources(sandbox: &Arc<Sandbox>, input: ResourceInput) -> OperationResult {
    sandbox.store.read(|states| {
        let state = states.of::<State>();
        let stack = match (&input.stack_name, &input.physical_resource_id) {
            (Some(name), None) => find_described(state, name)?,
            (None, Some(id)) => owner(state, id).ok_or_else(|| invalid(format!("Stack for {id} does not exist")))?,
            _ => return Err(invalid("Exactly one of StackName and PhysicalResourceId has to be specified.")),
        };
        let all = state.resources_of(&stack.id);
        let is_selected = |name: &String| input.logical_resource_id.as_ref().is_none_or(|id| id == name);
        let all = all.into_iter().filter(|(name, _)| is_selected(name)).take(MAX_DESCRIBED);
        let outputs = all.map(|(_, resource)| with_stack(resource_output(&resource, "Timestamp"), stack));
        Ok(json!({ "StackResources": outputs.collect::<Vec<_>>() }))
    })
}

fn owner<'a>(state: &'a State, physical_id: &str) -> Option<&'a Stack> {
    let owns =
        |resource: &Resource| resource.current.as_ref().is_some_and(|current| current.physical_id == physical_id);
    let (key, _) = state.resources.iter().find(|(_, resource)| owns(resource) && !resource.status.is_deletion())?;
    state.stacks.get(key.split_once('|')?.0)
}

pub(crate) fn list(sandbox: &Arc<Sandbox>, input: ResourceInput) -> OperationResult {
    let stack_name = input.stack_name()?;
    sandbox.store.read(|states| {
        let missing = || invalid(format!("Stack with id {stack_name} does not exist"));
        let stack = states.of::<State>().find(stack_name).ok_or_else(missing)?;
        let all = states.of::<State>().resources_of(&stack.id);
        let page = page(all, &stack.id, input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        let summaries: Vec<_> =
            page.items.iter().map(|resource| resource_output(resource, "LastUpdatedTimestamp")).collect();
        Ok(json!({ "StackResourceSummaries": summaries, "NextToken": page.next_token }))
    })
}
