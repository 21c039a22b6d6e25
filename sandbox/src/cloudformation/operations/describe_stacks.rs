//! The operations that list and describe stacks and their events.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{find_described, page};
use crate::Sandbox;
use crate::base::clock::epoch_seconds;
use crate::cloudformation::State;
use crate::cloudformation::model::{MASK, OnFailure, Stack, StackDefinition, StackOperation, StackStatus};
use crate::cloudformation::template::{Template, invalid};
use crate::core::OperationResult;

/// `Parameters` of an output; null when there is none.
pub(crate) fn parameters_output(definition: &StackDefinition) -> Value {
    if definition.parameters.is_empty() {
        return Value::Null;
    }
    let parameters = definition.parameters.iter().map(|parameter| {
        let visible = |value| if parameter.no_echo { MASK } else { value };
        let resolved = parameter.resolved.as_deref().map(visible);
        json!({ "ParameterKey": parameter.key, "ParameterValue": visible(&parameter.value), "ResolvedValue": resolved })
    });
    parameters.collect()
}

pub(crate) fn tags_output(definition: &StackDefinition) -> Value {
    definition.tags.iter().map(|tag| json!({ "Key": tag.key, "Value": tag.value })).collect()
}

fn description(stack: &Stack) -> Option<String> {
    let template = Template::parse(&stack.definition.template_body).ok();
    stack.description.clone().or_else(|| template?.description().map(str::to_owned))
}

fn to_output(stack: &Stack) -> Value {
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
    let unless_empty = |list: Vec<Value>| if list.is_empty() { Value::Null } else { Value::Array(list) };
    let capabilities = stack.definition.capabilities.iter().map(|capability| capability.as_str().into()).collect();
    let operations = stack
        .last_operation
        .as_ref()
        .map(|StackOperation { id, operation_type }| json!([{ "OperationType": operation_type, "OperationId": id }]));
    // A stack that is deleted, or being deleted, has no change set any more.
    let change_set_id = stack.definition.change_set_id.as_ref().filter(|_| stack.deleted.is_none());
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": change_set_id,
        "Description": description(stack),
        "Parameters": parameters_output(&stack.definition),
        "CreationTime": epoch_seconds(stack.created),
        "DeletionTime": stack.deleted.map(epoch_seconds),
        "LastUpdatedTime": stack.updated.map(epoch_seconds),
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason,
        "DisableRollback": stack.definition.on_failure == OnFailure::DoNothing,
        "NotificationARNs": stack.definition.notification_arns,
        "TimeoutInMinutes": stack.timeout_minutes,
        "Capabilities": unless_empty(capabilities),
        "Outputs": unless_empty(outputs),
        "RoleARN": stack.definition.role_arn,
        "Tags": tags_output(&stack.definition),
        "EnableTerminationProtection": if stack.is_deleted() { Value::Null } else { stack.termination_protection.into() },
        "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
        "LastOperations": operations,
        "RetainExceptOnCreate": stack.definition.retain_except_on_create.then_some(true),
    })
}

/// Items in a page of most lists.
pub(crate) const ITEMS_PER_PAGE: usize = 100;
const STACKS_PER_PAGE: usize = 50;

/// Stacks, the newest first, each with its key for paging.
fn newest_first<'a>(stacks: impl Iterator<Item = &'a Stack>) -> impl Iterator<Item = (String, &'a Stack)> {
    let mut stacks: Vec<_> = stacks.collect();
    stacks.sort_by(|left, right| (right.created, &right.id).cmp(&(left.created, &left.id)));
    stacks.into_iter().map(|stack| (stack.id.clone(), stack))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStacksInput {
    stack_name: Option<String>,
    next_token: Option<String>,
}

/// `DescribeStacks`: one stack, or all that are not deleted.
pub(crate) fn stacks(sandbox: &Arc<Sandbox>, input: DescribeStacksInput) -> OperationResult {
    sandbox.store.read(|states| {
        let state = states.of::<State>();
        if let Some(name) = input.stack_name.as_ref().filter(|name| !name.is_empty()) {
            return Ok(json!({ "Stacks": [to_output(find_described(state, name)?)] }));
        }
        let existing_stacks = newest_first(state.stacks.values().filter(|stack| !stack.is_deleted()));
        let page = page(existing_stacks, "DescribeStacks", input.next_token.as_deref(), STACKS_PER_PAGE)?;
        let outputs: Vec<_> = page.items.into_iter().map(to_output).collect();
        Ok(json!({ "Stacks": outputs, "NextToken": page.next_token }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListStacksInput {
    #[serde(default)]
    stack_status_filter: Vec<StackStatus>,
    next_token: Option<String>,
}

/// `ListStacks`, including deleted ones.
pub(crate) fn list(sandbox: &Arc<Sandbox>, input: ListStacksInput) -> OperationResult {
    let filter = &input.stack_status_filter;
    sandbox.store.read(|states| {
        let stacks = states.of::<State>().stacks.values();
        let selected = newest_first(stacks.filter(|stack| filter.is_empty() || filter.contains(&stack.status)));
        let list = format!("ListStacks {filter:?}");
        let page = page(selected, &list, input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        let summaries: Vec<_> = page.items.into_iter().map(stack_summary).collect();
        Ok(json!({ "StackSummaries": summaries, "NextToken": page.next_token }))
    })
}

fn stack_summary(stack: &Stack) -> Value {
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "TemplateDescription": description(stack),
        "CreationTime": epoch_seconds(stack.created),
        "LastUpdatedTime": stack.updated.map(epoch_seconds),
        "DeletionTime": stack.deleted.map(epoch_seconds),
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason,
        "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
    })
}

#[derive(Deserialize)]
pub(crate) struct DescribeAccountLimitsInput {}

/// `DescribeAccountLimits`: the quotas that AWS gives a new account; the sandbox enforces none of them.
pub(crate) fn account_limits(
    _sandbox: &Arc<Sandbox>,
    DescribeAccountLimitsInput {}: DescribeAccountLimitsInput,
) -> Value {
    let limit = |(name, value): (&str, u32)| json!({ "Name": name, "Value": value });
    let limits = [("StackLimit", 2000), ("StackOutputsLimit", 200), ("ConcurrentResourcesLimit", 2500)];
    json!({ "AccountLimits": limits.map(limit) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStackEventsInput {
    stack_name: Option<String>,
    next_token: Option<String>,
}

/// `DescribeStackEvents`, the newest first.
pub(crate) fn events(sandbox: &Arc<Sandbox>, input: DescribeStackEventsInput) -> OperationResult {
    let Some(name) = &input.stack_name else { return Err(invalid("StackName is a required parameter.")) };
    sandbox.store.read(|states| {
        let state = states.of::<State>();
        let missing = || invalid(format!("Stack [{name}] does not exist"));
        let stack = state.find(name).ok_or_else(missing)?;
        let newest_first = state.events.with_prefix(&stack.id).rev();
        let keyed = newest_first.map(|(key, event)| (key.to_owned(), event));
        let page = page(keyed, &stack.id, input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        let events = page.items.into_iter().map(|event| event.to_output(&stack.id, &stack.name));
        Ok(json!({ "StackEvents": events.collect::<Vec<_>>(), "NextToken": page.next_token }))
    })
}
