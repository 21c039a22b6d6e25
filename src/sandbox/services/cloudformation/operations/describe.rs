//! The operations that tell of stacks, their events and their resources.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::model::{Definition, OnFailure, Resource, Stack};
use super::super::template::{Template, invalid};
use super::find_described;
use crate::sandbox::Sandbox;
use crate::sandbox::services::Reply;
use crate::sandbox::world::clock::iso8601;

/// The parameters in the form of an answer; null when there is none.
pub fn parameters_of(definition: &Definition) -> Value {
    if definition.parameters.is_empty() {
        return Value::Null;
    }
    let parameters = definition.parameters.iter().map(|parameter| {
        let value = if parameter.no_echo { "****" } else { parameter.value.as_str() };
        json!({ "ParameterKey": parameter.key, "ParameterValue": value, "ResolvedValue": parameter.resolved })
    });
    parameters.collect()
}

/// The tags in the form of an answer.
pub fn tags_of(definition: &Definition) -> Value {
    definition.tags.iter().map(|tag| json!({ "Key": tag.key, "Value": tag.value })).collect()
}

fn stack_of(stack: &Stack) -> Value {
    let description = Template::parse(&stack.definition.template_body).ok();
    let outputs: Vec<Value> = stack
        .outputs
        .iter()
        .map(|output| {
            json!({
                "OutputKey": output.key,
                "OutputValue": output.value,
                "Description": output.description,
                "ExportName": output.export,
            })
        })
        .collect();
    let some = |list: Vec<Value>| if list.is_empty() { Value::Null } else { Value::Array(list) };
    let capabilities = stack.definition.capabilities.iter().map(|one| one.as_str().into()).collect();
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.definition.change_set_id,
        "Description": description.as_ref().and_then(Template::description),
        "Parameters": parameters_of(&stack.definition),
        "CreationTime": iso8601(stack.created),
        "DeletionTime": stack.deleted.map(iso8601),
        "LastUpdatedTime": stack.updated.map(iso8601),
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason,
        "DisableRollback": stack.definition.on_failure == OnFailure::DoNothing,
        "NotificationARNs": [],
        "Capabilities": some(capabilities),
        "Outputs": some(outputs),
        "Tags": tags_of(&stack.definition),
        "EnableTerminationProtection": if stack.is_deleted() { Value::Null } else { stack.termination_protection.into() },
        "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
    })
}

/// The input of `DescribeStacks`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stacks {
    stack_name: Option<String>,
}

/// `DescribeStacks`: one, or all that are not deleted, newest first, in one page.
pub fn stacks(sandbox: &Arc<Sandbox>, input: Stacks) -> Reply {
    sandbox.world.read(|world| {
        let found: Vec<&Stack> = if let Some(name) = &input.stack_name {
            vec![find_described(&world.cloudformation, name)?]
        } else {
            let mut live: Vec<_> = world.cloudformation.stacks.values().filter(|stack| !stack.is_deleted()).collect();
            live.sort_by_key(|stack| std::cmp::Reverse(stack.created));
            live
        };
        Ok(json!({ "Stacks": found.into_iter().map(stack_of).collect::<Vec<_>>() }))
    })
}

/// The input of `ListStacks`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    #[serde(default)]
    stack_status_filter: Vec<String>,
}

/// `ListStacks`: deleted ones too, newest first, in one page.
pub fn list(sandbox: &Arc<Sandbox>, input: List) -> Value {
    sandbox.world.read(|world| {
        let filter = &input.stack_status_filter;
        let stacks = world.cloudformation.stacks.values();
        let mut wanted: Vec<_> = stacks.filter(|stack| filter.is_empty() || filter.contains(&stack.status)).collect();
        wanted.sort_by_key(|stack| std::cmp::Reverse(stack.created));
        let summaries = wanted.into_iter().map(|stack| {
            json!({
                "StackId": stack.id,
                "StackName": stack.name,
                "CreationTime": iso8601(stack.created),
                "LastUpdatedTime": stack.updated.map(iso8601),
                "DeletionTime": stack.deleted.map(iso8601),
                "StackStatus": stack.status,
                "StackStatusReason": stack.status_reason,
                "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
            })
        });
        json!({ "StackSummaries": summaries.collect::<Vec<_>>() })
    })
}

/// The input of `DescribeStackEvents`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Events {
    stack_name: Option<String>,
    next_token: Option<String>,
}

/// How many events a page has.
const EVENTS_A_PAGE: usize = 100;

/// `DescribeStackEvents`, the newest first.
pub fn events(sandbox: &Arc<Sandbox>, input: Events) -> Reply {
    let Some(name) = &input.stack_name else { return Err(invalid("StackName is a required parameter.")) };
    sandbox.world.read(|world| {
        let state = &world.cloudformation;
        let missing = || invalid(format!("Stack [{name}] does not exist"));
        let stack = state.find(name).ok_or_else(missing)?;
        let all: Vec<_> = state.events.with_prefix(&stack.id).collect();
        // The token is the number of the first event that the page before did not have.
        let end = match &input.next_token {
            Some(token) => token
                .parse()
                .ok()
                .filter(|end| *end <= all.len())
                .ok_or_else(|| invalid("The specified token is invalid."))?,
            None => all.len(),
        };
        let start = end.saturating_sub(EVENTS_A_PAGE);
        let page = all[start..end].iter().rev().map(|(_, event)| event.described(&stack.id, &stack.name));
        let next = (start > 0).then(|| start.to_string());
        Ok(json!({ "StackEvents": page.collect::<Vec<_>>(), "NextToken": next }))
    })
}

/// The input of the operations on a stack's resources.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resources {
    stack_name: String,
    logical_resource_id: Option<String>,
}

fn resource_of(resource: &Resource, time: &str) -> Value {
    json!({
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.current.as_ref().map(|current| &current.physical_id),
        "ResourceType": resource.kind,
        time: iso8601(resource.changed),
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

/// `DescribeStackResource`.
pub fn resource(sandbox: &Arc<Sandbox>, input: Resources) -> Reply {
    let name = input.logical_resource_id.unwrap_or_default();
    sandbox.world.read(|world| {
        let missing_stack = || invalid(format!("Stack '{}' does not exist", input.stack_name));
        let stack = world.cloudformation.find(&input.stack_name).ok_or_else(missing_stack)?;
        let missing = || invalid(format!("Resource {name} does not exist for stack {}", stack.name));
        let found = world.cloudformation.resources_of(&stack.id).remove(&name).ok_or_else(missing)?;
        let mut detail = with_stack(resource_of(&found, "LastUpdatedTimestamp"), stack);
        if !found.metadata.is_null() {
            detail["Metadata"] = found.metadata.to_string().into();
        }
        Ok(json!({ "StackResourceDetail": detail }))
    })
}

/// `DescribeStackResources`: all, or one.
pub fn resources(sandbox: &Arc<Sandbox>, input: Resources) -> Reply {
    sandbox.world.read(|world| {
        let stack = find_described(&world.cloudformation, &input.stack_name)?;
        let wanted = |name: &String| input.logical_resource_id.as_ref().is_none_or(|one| one == name);
        let all = world.cloudformation.resources_of(&stack.id).into_iter().filter(|(name, _)| wanted(name));
        let described = all.map(|(_, resource)| with_stack(resource_of(&resource, "Timestamp"), stack));
        Ok(json!({ "StackResources": described.collect::<Vec<_>>() }))
    })
}

/// `ListStackResources`, all in one page.
pub fn list_resources(sandbox: &Arc<Sandbox>, input: Resources) -> Reply {
    sandbox.world.read(|world| {
        let stack = find_described(&world.cloudformation, &input.stack_name)?;
        let all = world.cloudformation.resources_of(&stack.id);
        let summaries: Vec<_> = all.values().map(|resource| resource_of(resource, "LastUpdatedTimestamp")).collect();
        Ok(json!({ "StackResourceSummaries": summaries }))
    })
}
