//! ListCommands, ListCommandInvocations and GetCommandInvocation.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::invocation_output::truncate;
use super::{
    Command, CommandStatus, DOCUMENT, Invocation, PLUGIN, find, invocations, key, log_output, optional_iso8601, status,
    to_output,
};
use crate::base::clock::epoch_seconds;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ssm::{State, invalid_token};
use crate::store::States;
use crate::{Fault, Sandbox};

const PAGE_SIZE: usize = 50;
/// The length of output in lists, in characters (API reference, `CommandPlugin`).
const MAX_OUTPUT_CHARACTERS: usize = 2500;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListCommandsInput {
    command_id: Option<String>,
    instance_id: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<CommandFilter>,
    #[serde(default)]
    details: bool,
}

#[derive(Debug, Deserialize)]
struct CommandFilter {
    key: String,
    value: String,
}

impl ListCommandsInput {
    /// The selected commands, the newest first.
    fn commands<'a>(&self, states: &'a States) -> Result<Vec<&'a Command>, Fault> {
        if let Some(id) = &self.command_id {
            find(states, id)?;
        }
        let is_selected = |command: &&Command| self.command_id.as_ref().is_none_or(|id| *id == command.id);
        let mut commands: Vec<&Command> = states.of::<State>().commands.values().filter(is_selected).collect();
        commands.sort_by(|first, second| second.requested.cmp(&first.requested).then_with(|| first.id.cmp(&second.id)));
        Ok(commands)
    }

    fn is_on(&self, invocation: &Invocation) -> bool {
        self.instance_id.as_ref().is_none_or(|id| *id == invocation.instance)
    }

    fn passes(&self, command: &Command, status: CommandStatus) -> Result<bool, Fault> {
        let mut passes = true;
        for CommandFilter { key, value } in &self.filters {
            let time = || {
                value.parse::<Timestamp>().map_err(|_| {
                    Fault::client("ValidationException", format!("{value} is not a timestamp in ISO 8601 format"))
                })
            };
            passes &= match key.as_str() {
                "Status" => *value == status.as_str(),
                "DocumentName" => value == DOCUMENT,
                "InvokedAfter" => command.requested > time()?,
                "InvokedBefore" => command.requested < time()?,
                other => return Err(Fault::not_implemented(&format!("lists of commands with the filter {other}"))),
            };
        }
        Ok(passes)
    }

    fn page(&self, operation: &str, items: Vec<(String, Value)>, member: &str) -> OperationResult {
        let Self { command_id, instance_id, filters, .. } = self;
        let query = format!("{operation} {command_id:?} {instance_id:?} {filters:?}");
        let limit = self.max_results.unwrap_or(PAGE_SIZE);
        let page = paging::page(items, &query, self.next_token.as_deref(), limit).map_err(invalid_token)?;
        Ok(json!({ member: page.items, "NextToken": page.next_token }))
    }
}

pub(crate) fn list(sandbox: &Arc<Sandbox>, input: ListCommandsInput) -> OperationResult {
    sandbox.store.read(|states| {
        let mut items = Vec::new();
        for command in input.commands(states)? {
            let is_selected = input.instance_id.is_none()
                || invocations(states, &command.id).any(|invocation| input.is_on(invocation));
            if is_selected && input.passes(command, status(states, &command.id))? {
                items.push((command.id.clone(), to_output(states, command)));
            }
        }
        input.page("ListCommands", items, "Commands")
    })
}

pub(crate) fn list_invocations(sandbox: &Arc<Sandbox>, input: ListCommandsInput) -> OperationResult {
    sandbox.store.read(|states| {
        let mut items = Vec::new();
        for command in input.commands(states)? {
            for invocation in invocations(states, &command.id).filter(|invocation| input.is_on(invocation)) {
                if input.passes(command, invocation.status)? {
                    items.push((invocation.key(), invocation_output(command, invocation, input.details)));
                }
            }
        }
        input.page("ListCommandInvocations", items, "CommandInvocations")
    })
}

fn invocation_output(command: &Command, invocation: &Invocation, with_details: bool) -> Value {
    let plugin = json!({
        "Name": PLUGIN,
        "Status": invocation.status.as_str(),
        "StatusDetails": invocation.status.details(),
        "ResponseCode": invocation.code,
        "ResponseStartDateTime": invocation.started.map(epoch_seconds),
        "ResponseFinishDateTime": invocation.ended.map(epoch_seconds),
        "Output": both_outputs(invocation),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
    });
    json!({
        "CommandId": command.id,
        "InstanceId": invocation.instance,
        "InstanceName": "",
        "Comment": command.comment,
        "DocumentName": DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "RequestedDateTime": epoch_seconds(command.requested),
        "Status": invocation.status.as_str(),
        "StatusDetails": invocation.status.details(),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": if with_details { vec![plugin] } else { Vec::new() },
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [], "NotificationType": "" },
        "CloudWatchOutputConfig": log_output(command),
    })
}

/// Standard output and standard error, combined as by the agent.
fn both_outputs(Invocation { output, errors, .. }: &Invocation) -> String {
    let together =
        if errors.is_empty() { output.clone() } else { format!("{output}\n----------ERROR-------\n{errors}") };
    truncate(&together, MAX_OUTPUT_CHARACTERS)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetCommandInvocationInput {
    command_id: String,
    instance_id: String,
    plugin_name: Option<String>,
}

/// GetCommandInvocation shows outputs only of an invocation that has ended.
pub(crate) fn get_invocation(sandbox: &Arc<Sandbox>, input: GetCommandInvocationInput) -> OperationResult {
    sandbox.store.read(|states| {
        let missing = || Fault::client("InvocationDoesNotExist", "");
        let invocation =
            states.of::<State>().invocations.get(&key(&input.command_id, &input.instance_id)).ok_or_else(missing)?;
        let command = find(states, &input.command_id)?;
        if input.plugin_name.is_some_and(|name| name != PLUGIN) {
            return Err(Fault::client("InvalidPluginName", ""));
        }
        let took = invocation.started.zip(invocation.ended).map(|(started, ended)| ended.duration_since(started));
        let took = took.map(|took| format!("PT{}.{:03}S", took.as_secs(), took.subsec_millis()));
        Ok(json!({
            "CommandId": command.id,
            "InstanceId": invocation.instance,
            "Comment": command.comment,
            "DocumentName": DOCUMENT,
            "DocumentVersion": "$DEFAULT",
            "PluginName": PLUGIN,
            "ResponseCode": invocation.code,
            "ExecutionStartDateTime": optional_iso8601(invocation.started),
            "ExecutionElapsedTime": took.unwrap_or_default(),
            "ExecutionEndDateTime": optional_iso8601(invocation.ended),
            "Status": invocation.status.as_str(),
            "StatusDetails": invocation.status.details(),
            "StandardOutputContent": invocation.output,
            "StandardOutputUrl": "",
            "StandardErrorContent": invocation.errors,
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": log_output(command),
        }))
    })
}
