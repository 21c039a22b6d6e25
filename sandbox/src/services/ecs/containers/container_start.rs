//! Starting a container: its image, its options, and ECS's words for the step that failed.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use super::options;
use crate::Sandbox;
use crate::process::container_engine::{ContainerOptions, EngineKind, TaskNetwork};
use crate::process::{ContainerSpec, StartFailure, StartedContainer};
use crate::services::ecs::TaskProcesses;
use crate::services::ecs::model::{ContainerDefinition, Task, TaskDefinition};
use crate::services::ecs::{driver, images};

/// What a container is created from when an engine runs it, in ECS's terms.
#[derive(Debug)]
pub(super) struct EngineContainerSpec {
    pub(super) engine: EngineKind,
    pub(super) task: Task,
    pub(super) definition: TaskDefinition,
    pub(super) container: ContainerDefinition,
    /// The network that the containers of the task share.
    pub(super) network: Arc<OnceLock<TaskNetwork>>,
}

/// The engine that runs an image of a task; none if it runs as a process of this machine.
pub(super) fn engine(sandbox: &Sandbox, task: &Task, image: &str) -> Option<EngineKind> {
    sandbox.store.read(|states| match images::command(states, task, image) {
        Some(_) => None,
        None => images::engine(states, task),
    })
}

/// Starts a container and returns when it runs; `cancel` ends a pull.
///
/// Containers of one task are started one after the other: the first essential one of an `awsvpc` task has the network that those
/// after it share.
///
/// # Errors
/// A stopped reason, which begins with ECS's word for the step that failed.
pub(super) async fn start(
    sandbox: &Sandbox,
    mut spec: ContainerSpec,
    container: Option<&EngineContainerSpec>,
    cancel: &CancellationToken,
) -> Result<StartedContainer, String> {
    let failed = |word: &str, reason: &dyn Display| format!("{word}: {reason}");
    let runtime = sandbox.in_memory::<TaskProcesses>().containers.get(container.map(|container| container.engine));
    runtime.unenforced_limits().await.map_err(|error| failed("ResourceInitializationError", &error))?;
    let pulled = tokio::select! {
        biased;
        pulled = runtime.pull(&spec.image) => pulled.map_err(|error| {
            let image = &spec.image;
            format!("pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {error}")
        }),
        () = cancel.cancelled() => Err(cancelled_pull(sandbox, &spec.image)),
    };
    let image = pulled.map_err(|reason| failed("CannotPullContainerError", &reason))?;
    if let Some(container) = container {
        spec.engine =
            engine_options(sandbox, container).map_err(|reason| failed("CannotCreateContainerError", &reason))?;
    } else if !sandbox.config.host_exec && !spec.environment.is_empty() {
        let task = &spec.task_id;
        sandbox.log.write(&format!("task {task}: the variables of its definition are not set, because commands of requests may not run on this machine"));
    }
    runtime.start(&sandbox.runner, &image, &spec).await.map_err(|failure| match failure {
        StartFailure::Create(error) => failed("CannotCreateContainerError", &error),
        StartFailure::Start(error) => failed("CannotStartContainerError", &error),
    })
}

fn cancelled_pull(sandbox: &Sandbox, image: &str) -> String {
    if sandbox.shutdown.is_cancelled() {
        driver::SANDBOX_STOPPED.to_owned()
    } else {
        format!("the task was stopped while {image} was being pulled")
    }
}

/// The options of the definition, and the labels that ECS's agent sets.
fn engine_options(sandbox: &Sandbox, origin: &EngineContainerSpec) -> Result<ContainerOptions, String> {
    let EngineContainerSpec { task, definition, container, network, .. } = origin;
    let mut options = options::container_options(task, definition, container, network)?;
    let labels = [
        ("ecsws.task", task.id.clone()),
        ("com.amazonaws.ecs.cluster", task.cluster.clone()),
        ("com.amazonaws.ecs.container-name", container.name.clone()),
        ("com.amazonaws.ecs.task-arn", sandbox.config.arn("ecs", &format!("task/{}/{}", task.cluster, task.id))),
        ("com.amazonaws.ecs.task-definition-family", definition.family.clone()),
        ("com.amazonaws.ecs.task-definition-version", definition.revision.to_string()),
    ];
    options.labels.extend(labels.map(|(name, value)| (name.to_owned(), value)));
    Ok(options)
}
