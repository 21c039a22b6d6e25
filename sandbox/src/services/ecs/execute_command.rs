//! ExecuteCommand: a terminal in a running container (ECS Exec).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::arns::Arns as _;
use super::containers::task_role;
use super::faults::invalid;
use super::lookups::{self, key, last_part, task_definition};
use super::model::{Task, TaskStatus};
use crate::core::OperationResult;
use crate::process::{ContainerHandle, ProcessSpec};
use crate::services::ecs::{State, TaskProcesses};
use crate::services::iam;
use crate::services::iam::grants;
use crate::session_channel::{SessionSpec, Sessions};
use crate::store::States;
use crate::{Fault, Sandbox};

/// The permissions that the agent in the container needs (developer guide, "Task role permissions for ECS Exec").
const PERMISSIONS: [&str; 4] = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
];
/// The prefix of its session ids.
const PREFIX: &str = "ecs-execute-command";
/// The lengths that a task's id can have: with and without hyphens.
const TASK_ID_LENGTHS: [usize; 2] = [32, 36];

#[derive(Deserialize)]
pub(super) struct ExecuteCommandInput {
    cluster: Option<String>,
    container: Option<String>,
    command: String,
    interactive: bool,
    task: String,
}

fn not_ready() -> Fault {
    invalid(
        "The execute command failed because execute command was not enabled when the task was run or the execute command \
         agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.",
    )
}

fn not_connected() -> Fault {
    let message = "The execute command failed due to an internal error. Try again later.";
    Fault::client("TargetNotConnectedException", message)
}

/// Starts a session. The client connects to the address in the response.
pub(super) fn run(sandbox: &Arc<Sandbox>, input: ExecuteCommandInput) -> OperationResult {
    if !input.interactive {
        return Err(invalid("Interactive is the only mode supported currently."));
    }
    if !TASK_ID_LENGTHS.contains(&last_part(&input.task).len()) {
        return Err(invalid("task length should be one of [32,36]"));
    }
    let words = shlex::split(&input.command).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| invalid("The command is empty, or a quotation in it does not end."))?;
    let (task, index) = sandbox.store.read(|states| find_container(sandbox, states, &input))?;
    let running = running_container(sandbox, &task, index).ok_or_else(not_ready)?;
    let command = running.exec_in(&words).ok_or_else(Fault::no_host_exec)?;
    let container = &task.containers[index];
    let runtime_id = container.runtime_id.clone().unwrap_or_default();
    let started = Sessions::start(
        sandbox,
        SessionSpec {
            prefix: PREFIX.to_owned(),
            target: format!("ecs:{}_{}_{runtime_id}", task.cluster, task.id),
            document: "AmazonECS-ExecuteInteractiveCommand".to_owned(),
            session_type: Some("InteractiveCommands"),
            reason: None,
            command,
            target_ended: running.ended(),
        },
    )?;
    let config = &sandbox.config;
    Ok(json!({
        "clusterArn": config.cluster_arn(&task.cluster),
        "containerArn": config.container_arn(&task, container),
        "containerName": container.name,
        "interactive": true,
        "session": { "sessionId": started.id, "streamUrl": started.url, "tokenValue": started.token },
        "taskArn": config.task_arn(&task),
    }))
}

/// The process that runs a command in the container of a Session Manager target `CLUSTER_TASK_RUNTIMEID`, and a token that is cancelled
/// when the container ends; none if the container does not run or its task has no ECS Exec.
///
/// # Errors
/// Commands from requests may not run.
pub(crate) fn exec_process_spec(
    sandbox: &Sandbox,
    target: &str,
    command: &[String],
) -> Result<Option<(ProcessSpec, CancellationToken)>, Fault> {
    let Some(container) = target_container(sandbox, target) else { return Ok(None) };
    Ok(Some((container.exec_in(command).ok_or_else(Fault::no_host_exec)?, container.ended())))
}

fn target_container(sandbox: &Sandbox, target: &str) -> Option<Arc<dyn ContainerHandle>> {
    // Names of clusters may contain underscores, ids do not.
    let (rest, runtime_id) = target.rsplit_once('_')?;
    let (cluster, id) = rest.rsplit_once('_')?;
    let task = sandbox.store.read(|states| states.of::<State>().tasks.get(&key(cluster, id)).cloned())?;
    let index = task.containers.iter().position(|container| container.runtime_id.as_deref() == Some(runtime_id))?;
    let task = Some(task).filter(|task| task.enable_execute_command && task.desired_status != TaskStatus::Stopped)?;
    running_container(sandbox, &task, index)
}

/// A task's running container, by its place in the definition.
fn running_container(sandbox: &Sandbox, task: &Task, index: usize) -> Option<Arc<dyn ContainerHandle>> {
    sandbox.in_memory::<TaskProcesses>().running().get(&key(&task.cluster, &task.id))?.containers.get(index)?.clone()
}

/// The task and the index of the container that a request names.
fn find_container(sandbox: &Sandbox, states: &States, input: &ExecuteCommandInput) -> Result<(Task, usize), Fault> {
    let cluster = lookups::cluster(states, input.cluster.as_deref())?;
    if cluster
        .content
        .get("configuration")
        .is_some_and(|given| given.pointer("/executeCommandConfiguration/kmsKeyId").is_some())
    {
        return Err(Fault::not_implemented("ecs:ExecuteCommand in a cluster that encrypts it with a KMS key"));
    }
    let task = states.of::<State>().tasks.get(&key(&cluster.name, last_part(&input.task)));
    let task = task.ok_or_else(|| invalid("The referenced task was not found."))?;
    let index = match &input.container {
        Some(name) => task
            .containers
            .iter()
            .position(|container| container.name == *name)
            .ok_or_else(|| invalid(format!("The container {name} is not in the task.")))?,
        None if task.containers.len() == 1 => 0,
        None => return Err(invalid("The container name must be specified for a task with more than one container.")),
    };
    let is_running =
        task.desired_status != TaskStatus::Stopped && task.containers[index].last_status == TaskStatus::Running;
    if !task.enable_execute_command || !is_running {
        return Err(not_ready());
    }
    check_agent(sandbox, states, task, index)?;
    Ok((task.clone(), index))
}

/// Checks that the agent could write to the container's file system and reach Session Manager. AWS's fault is the same for
/// both; the sandbox's log has the reason.
fn check_agent(sandbox: &Sandbox, states: &States, task: &Task, index: usize) -> Result<(), Fault> {
    let refuse = |why: String| {
        sandbox.log.write(&format!("ecs:ExecuteCommand cannot reach the agent of task {}: {why}", task.id));
        Err(not_connected())
    };
    let definition = task_definition(states, &task.task_definition);
    let containers = definition.map(super::model::TaskDefinition::containers).unwrap_or_default();
    if containers.get(index).is_some_and(|container| container.readonly_root_filesystem) {
        return refuse("its container's root file system is read-only".to_owned());
    }
    let role = task_role::task_role_name(task, definition).map(last_part).unwrap_or_default();
    let missing: Vec<_> =
        PERMISSIONS.into_iter().filter(|action| !grants::allows(states.of::<iam::State>(), role, action)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    refuse(format!("its task role {role:?} does not allow {}", missing.join(", ")))
}
