//! SendCommand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Command, DOCUMENT, Invocation, MAX_COMMANDS, invocation_execution, to_output};
use crate::base::ids;
use crate::core::OperationResult;
use crate::services::ssm::{State, invalid_parameters, managed_instances};
use crate::store::States;
use crate::{Fault, Sandbox};

/// The default time to reach the instances, in seconds (API reference).
const DEFAULT_DELIVERY_TIMEOUT: i64 = 3600;
/// Parameters of the document, and whether each is required.
const PARAMETERS: &[(&str, bool)] = &[("commands", true), ("workingDirectory", false), ("executionTimeout", false)];
const VERSIONS: &[&str] = &["$DEFAULT", "$LATEST", "1"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct SendCommandInput {
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<CommandTarget>,
    document_name: String,
    document_version: Option<String>,
    timeout_seconds: Option<i64>,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cloud_watch_output_config: LogOutput,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CommandTarget {
    #[serde(default)]
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogOutput {
    #[serde(default)]
    cloud_watch_output_enabled: bool,
    cloud_watch_log_group_name: Option<String>,
}

/// Stores a command and starts it on each of its instances.
pub(crate) fn send(sandbox: &Arc<Sandbox>, input: SendCommandInput) -> OperationResult {
    check(&input)?;
    if !sandbox.config.host_exec {
        return Err(Fault::no_host_exec());
    }
    let log = input.cloud_watch_output_config;
    let default_group = || format!("/aws/ssm/{DOCUMENT}");
    let command = Command {
        id: ids::uuid(),
        comment: input.comment,
        parameters: input.parameters,
        instance_ids: input.instance_ids,
        targets: input.targets.iter().map(|target| json!({ "Key": target.key, "Values": target.values })).collect(),
        requested: sandbox.clock.now(),
        timeout: input.timeout_seconds.unwrap_or(DEFAULT_DELIVERY_TIMEOUT),
        log_group: log.cloud_watch_output_enabled.then(|| log.cloud_watch_log_group_name.unwrap_or_else(default_group)),
    };
    let (instances, output) = sandbox.store.write(|states| {
        let instances = select_instances(&sandbox.config.account, states, &command.instance_ids, &input.targets)?;
        for instance in &instances {
            let invocation = Invocation::new(&command.id, instance);
            states.of_mut::<State>().invocations.insert(invocation.key(), invocation);
        }
        states.of_mut::<State>().commands.insert(command.id.clone(), command.clone());
        delete_oldest(states);
        Ok((instances, to_output(states, &command)))
    })?;
    for instance in instances {
        invocation_execution::start(sandbox, &command, instance);
    }
    Ok(json!({ "Command": output }))
}

fn check(input: &SendCommandInput) -> Result<(), Fault> {
    let SendCommandInput { document_name, document_version, parameters, instance_ids, targets, .. } = input;
    if document_name.starts_with("AWS-") && document_name != DOCUMENT {
        return Err(Fault::not_implemented(&format!("ssm:SendCommand with the document {document_name}")));
    }
    if document_name != DOCUMENT {
        return Err(Fault::client("InvalidDocument", format!("Document with name {document_name} does not exist.")));
    }
    if document_version.as_ref().is_some_and(|version| !VERSIONS.contains(&version.as_str())) {
        return Err(Fault::client("InvalidDocumentVersion", ""));
    }
    if let Some(other) = parameters.keys().find(|name| !PARAMETERS.iter().any(|(known, _)| known == name)) {
        return Err(invalid_parameters(format!("Parameter \"{other}\" is not defined in document {DOCUMENT}.")));
    }
    if let Some((missing, _)) = PARAMETERS.iter().find(|(name, required)| *required && !parameters.contains_key(*name))
    {
        return Err(invalid_parameters(format!("Parameter \"{missing}\" requires a value.")));
    }
    if instance_ids.len() != instance_ids.iter().collect::<BTreeSet<_>>().len() {
        return Err(Fault::client("DuplicateInstanceId", ""));
    }
    if instance_ids.is_empty() == targets.is_empty() {
        let message = "Exactly one of InstanceIds and Targets must be specified.";
        return Err(Fault::client("InvalidTarget", message));
    }
    Ok(())
}

/// The instances that are given by id, all of which must be connected, or those that match the targets, possibly none.
fn select_instances(
    account: &str,
    states: &States,
    named: &[String],
    targets: &[CommandTarget],
) -> Result<Vec<String>, Fault> {
    let missing: Vec<&str> =
        named.iter().map(String::as_str).filter(|id| managed_instances::connected(states, id).is_none()).collect();
    if !missing.is_empty() {
        let message = format!("Instances [[{}]] not in a valid state for account {account}", missing.join(", "));
        return Err(Fault::client("InvalidInstanceId", message));
    }
    if targets.is_empty() {
        return Ok(named.to_vec());
    }
    let known = |key: &str| key == "InstanceIds" || key.starts_with("tag:");
    if let Some(other) = targets.iter().find(|target| !known(&target.key)) {
        return Err(Fault::not_implemented(&format!("ssm:SendCommand with targets by {}", other.key)));
    }
    let matches = |instance: &&Value| targets.iter().all(|target| target.matches(instance));
    Ok(managed_instances::all(states)
        .filter(matches)
        .filter_map(|instance| instance["instanceId"].as_str().map(str::to_owned))
        .collect())
}

impl CommandTarget {
    fn matches(&self, instance: &Value) -> bool {
        let has = |value: &Value| self.values.iter().any(|expected| value == expected);
        match self.key.strip_prefix("tag:") {
            None => has(&instance["instanceId"]),
            Some(key) => {
                instance["tagSet"].as_array().into_iter().flatten().any(|tag| tag["key"] == key && has(&tag["value"]))
            }
        }
    }
}

fn delete_oldest(states: &mut States) {
    let mut all: Vec<_> =
        states.of::<State>().commands.values().map(|command| (command.requested, command.id.clone())).collect();
    all.sort();
    let over = all.len().saturating_sub(MAX_COMMANDS);
    for (_, id) in all.into_iter().take(over) {
        states.of_mut::<State>().commands.remove(&id);
        states.of_mut::<State>().invocations.remove_prefix(&format!("{id}:"));
    }
}
