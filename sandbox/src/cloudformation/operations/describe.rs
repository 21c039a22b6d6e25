//! The operations that tell of stacks, their events and their resources.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::model::{Definition, MASK, OnFailure, Stack, StackStatus};
use super::super::template::{Template, invalid};
use super::{find_described, page};
use crate::Sandbox;
use crate::base::clock::epoch_seconds;
use crate::cloudformation::State;
use crate::core::Reply;

/// The parameters in the form of an answer; null when there is none.
pub fn parameters_of(definition: &Definition) -> Value {
    if definition.parameters.is_empty() {
        return Value::Null;
    }
    let parameters = definition.parameters.iter().map(|parameter| {
        let shown = |value| if parameter.no_echo { MASK } else { value };
        let resolved = parameter.resolved.as_deref().map(shown);
        json!({ "ParameterKey": parameter.key, "ParameterValue": shown(&parameter.value), "ResolvedValue": resolved })
    });
    parameters.collect()
}

/// The tags in the form of an answer.
pub fn tags_of(definition: &Definition) -> Value {
    definition.tags.iter().map(|tag| json!({ "Key": tag.key, "Value": tag.value })).collect()
}

fn description_of(stack: &Stack) -> Option<String> {
    let template = Template::parse(&stack.definition.template_body).ok();
    stack.description.clone().or_else(|| template?.description().map(str::to_owned))
}

fn stack_of(stack: &Stack) -> Value {
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
    // What is going or gone is no longer what a change set brought.
    let change_set_id = stack.definition.change_set_id.as_ref().filter(|_| stack.deleted.is_none());
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": change_set_id,
        "Description": description_of(stack),
        "Parameters": parameters_of(&stack.definition),
        "CreationTime": epoch_seconds(stack.created),
        "DeletionTime": stack.deleted.map(epoch_seconds),
        "LastUpdatedTime": stack.updated.map(epoch_seconds),
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason,
        "DisableRollback": stack.definition.on_failure == OnFailure::DoNothing,
        "NotificationARNs": stack.definition.notification_arns,
        "TimeoutInMinutes": stack.timeout_minutes,
        "Capabilities": some(capabilities),
        "Outputs": some(outputs),
        "RoleARN": stack.definition.role_arn,
        "Tags": tags_of(&stack.definition),
        "EnableTerminationProtection": if stack.is_deleted() { Value::Null } else { stack.termination_protection.into() },
        "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
        "RetainExceptOnCreate": stack.definition.retain_except_on_create.then_some(true),
    })
}

/// How many items a page of a list has.
pub const ITEMS_PER_PAGE: usize = 100;
/// How many whole stacks a page has.
const STACKS_PER_PAGE: usize = 50;

/// Stacks in the order of answers, newest first, each with the key of its place.
fn newest_first<'a>(stacks: impl Iterator<Item = &'a Stack>) -> impl Iterator<Item = (String, &'a Stack)> {
    let mut stacks: Vec<_> = stacks.collect();
    stacks.sort_by(|left, right| (right.created, &right.id).cmp(&(left.created, &left.id)));
    stacks.into_iter().map(|stack| (stack.id.clone(), stack))
}

/// The input of `DescribeStacks`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stacks {
    stack_name: Option<String>,
    next_token: Option<String>,
}

/// `DescribeStacks`: one, or all that are not deleted.
pub fn stacks(sandbox: &Arc<Sandbox>, input: Stacks) -> Reply {
    sandbox.world.read(|world| {
        let state = world.of::<State>();
        if let Some(name) = input.stack_name.as_ref().filter(|name| !name.is_empty()) {
            return Ok(json!({ "Stacks": [stack_of(find_described(state, name)?)] }));
        }
        let live = newest_first(state.stacks.values().filter(|stack| !stack.is_deleted()));
        let page = page(live, "DescribeStacks", input.next_token.as_deref(), STACKS_PER_PAGE)?;
        let described: Vec<_> = page.items.into_iter().map(stack_of).collect();
        Ok(json!({ "Stacks": described, "NextToken": page.next_token }))
    })
}

/// The input of `ListStacks`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    #[serde(default)]
    stack_status_filter: Vec<String>,
    next_token: Option<String>,
}

/// `ListStacks`: deleted ones too.
pub fn list(sandbox: &Arc<Sandbox>, input: List) -> Reply {
    let filter = &input.stack_status_filter;
    let known = StackStatus::ALL.map(|status| status.to_string());
    if filter.iter().any(|status| !known.contains(status)) {
        return Err(invalid(format!(
            "1 validation error detected: Value '[{}]' at 'stackStatusFilter' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
            filter.join(", "),
            known.join(", ")
        )));
    }
    sandbox.world.read(|world| {
        let stacks = world.of::<State>().stacks.values();
        let selected =
            newest_first(stacks.filter(|stack| filter.is_empty() || filter.contains(&stack.status.to_string())));
        let question = format!("ListStacks {filter:?}");
        let page = page(selected, &question, input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        let summaries: Vec<_> = page.items.into_iter().map(summary_of).collect();
        Ok(json!({ "StackSummaries": summaries, "NextToken": page.next_token }))
    })
}

fn summary_of(stack: &Stack) -> Value {
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "TemplateDescription": description_of(stack),
        "CreationTime": epoch_seconds(stack.created),
        "LastUpdatedTime": stack.updated.map(epoch_seconds),
        "DeletionTime": stack.deleted.map(epoch_seconds),
        "StackStatus": stack.status,
        "StackStatusReason": stack.status_reason,
        "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
    })
}

/// The input of `DescribeAccountLimits`.
#[derive(Deserialize)]
pub struct AccountLimits {}

/// `DescribeAccountLimits`: the quotas that AWS gives a new account; the sandbox enforces none of them.
pub fn account_limits(_sandbox: &Arc<Sandbox>, AccountLimits {}: AccountLimits) -> Value {
    let limit = |(name, value): (&str, u32)| json!({ "Name": name, "Value": value });
    let limits = [("StackLimit", 2000), ("StackOutputsLimit", 200), ("ConcurrentResourcesLimit", 2500)];
    json!({ "AccountLimits": limits.map(limit) })
}

/// The input of `DescribeStackEvents`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Events {
    stack_name: Option<String>,
    next_token: Option<String>,
}

/// `DescribeStackEvents`, the newest first.
pub fn events(sandbox: &Arc<Sandbox>, input: Events) -> Reply {
    let Some(name) = &input.stack_name else { return Err(invalid("StackName is a required parameter.")) };
    sandbox.world.read(|world| {
        let state = world.of::<State>();
        let missing = || invalid(format!("Stack [{name}] does not exist"));
        let stack = state.find(name).ok_or_else(missing)?;
        let newest_first = state.events.with_prefix(&stack.id).rev();
        let keyed = newest_first.map(|(key, event)| (key.to_owned(), event));
        let page = page(keyed, &stack.id, input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        let events = page.items.into_iter().map(|event| event.to_output(&stack.id, &stack.name));
        Ok(json!({ "StackEvents": events.collect::<Vec<_>>(), "NextToken": page.next_token }))
    })
}
