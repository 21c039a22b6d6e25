//! StartSession.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::core::OperationResult;
use crate::process::{ProcessSpec, environment};
use crate::services::ecs;
use crate::services::ssm::{invalid_parameters, managed_instances};
use crate::session_channel::{SessionSpec, Sessions};
use crate::{Fault, Sandbox};

const DEFAULT_DOCUMENT: &str = "SSM-SessionManagerRunShell";
const INTERACTIVE: &str = "AWS-StartInteractiveCommand";
/// AWS's session documents that are not served.
const NOT_SERVED: &[&str] = &[
    "AWS-StartNonInteractiveCommand",
    "AWS-StartPortForwardingSession",
    "AWS-StartPortForwardingSessionToRemoteHost",
    "AWS-StartPortForwardingSessionToSocket",
    "AWS-StartSSHSession",
];
/// The only parameter of [`INTERACTIVE`].
const COMMAND: &str = "command";
const SHELL: &str = "/bin/sh";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct StartSessionInput {
    target: String,
    document_name: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
}

/// Starts a session on an instance, or in a container of a task with ECS Exec.
pub(crate) fn start(sandbox: &Arc<Sandbox>, input: StartSessionInput) -> OperationResult {
    let document = input.document_name.unwrap_or_else(|| DEFAULT_DOCUMENT.to_owned());
    let (session_type, script) = script(&document, &input.parameters)?;
    let command = match &script {
        Some(script) => vec![SHELL, "-c", script],
        None => vec![SHELL],
    };
    let (command, target_ended) = target(sandbox, &input.target, &command)?;
    let spec = SessionSpec {
        prefix: "sandbox".to_owned(),
        target: input.target,
        document,
        session_type,
        reason: input.reason,
        command,
        target_ended,
    };
    let started = Sessions::start(sandbox, spec)?;
    Ok(json!({ "SessionId": started.id, "TokenValue": started.token, "StreamUrl": started.url }))
}

/// The session type of a document, if responses show one, and the script to run instead of an interactive shell.
fn script(
    document: &str,
    parameters: &BTreeMap<String, Vec<String>>,
) -> Result<(Option<&'static str>, Option<String>), Fault> {
    if NOT_SERVED.contains(&document) {
        return Err(Fault::not_implemented(&format!("ssm:StartSession with the document {document}")));
    }
    let known: &[&str] = match document {
        DEFAULT_DOCUMENT => &[],
        INTERACTIVE => &[COMMAND],
        _ => return Err(Fault::client("InvalidDocument", format!("Document with name {document} does not exist."))),
    };
    if let Some(other) = parameters.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(invalid_parameters(format!("Parameter \"{other}\" is not defined in document {document}.")));
    }
    match parameters.get(COMMAND).and_then(|values| values.first()) {
        _ if known.is_empty() => Ok((None, None)),
        Some(script) => Ok((Some("InteractiveCommands"), Some(script.clone()))),
        None => Err(invalid_parameters(format!("Parameter \"{COMMAND}\" requires a value."))),
    }
}

/// The process of a command on a target, and the token that is cancelled when the target ends.
fn target(sandbox: &Arc<Sandbox>, target: &str, command: &[&str]) -> Result<(ProcessSpec, CancellationToken), Fault> {
    let not_connected = || Fault::client("TargetNotConnected", format!("{target} is not connected."));
    if let Some(container) = target.strip_prefix("ecs:") {
        let command: Vec<String> = command.iter().map(|part| (*part).to_owned()).collect();
        return ecs::exec_process_spec(sandbox, container, &command)?.ok_or_else(not_connected);
    }
    let instance =
        sandbox.store.read(|states| managed_instances::connected(states, target).cloned()).ok_or_else(not_connected)?;
    let spec = managed_instances::command(sandbox, &instance, command)?;
    let environment = environment::in_terminal(spec.environment);
    // Terminating the instance ends its sessions.
    Ok((ProcessSpec { environment, terminal: true, ..spec }, CancellationToken::new()))
}
