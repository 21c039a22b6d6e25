//! Tasks whose images run as containers of podman or docker: from a task's row to a container that runs.
//!
//! Commands and images that arrive in requests run here and nowhere else, inside containers, with what [`mod@arguments`] lets through.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::definitions::parse_size;
use super::super::model::{ContainerDefinition, Task, TaskDefinition};
use super::super::names::{key, last_part};
use super::super::{driver, images};
use super::{ContainerSpec, Handle as AnyHandle, Launched};
use crate::Sandbox;
use crate::core::Reply;
use crate::process::engine::{Engine, EngineError, Kind, LocalImage, Variables, network_is_missing};
use crate::services::ecs::Runtime;

mod arguments;
mod handle;
mod parameters;
#[cfg(test)]
mod tests;
mod wiring;

use arguments::{Given, arguments};
pub(in super::super) use handle::Handle;
pub use wiring::TaskNetwork;
use wiring::Wiring;

/// The engines of one sandbox; neither is run before a task asks for it.
#[derive(Debug)]
pub struct Engines([Engine; 2]);

impl Engines {
    /// The engines for a state folder.
    pub fn new(state_dir: &std::path::Path) -> Self {
        Self(Kind::ALL.map(|kind| Engine::new(kind, state_dir.to_owned())))
    }

    fn get(&self, kind: Kind) -> &Engine {
        let [podman, docker] = &self.0;
        match kind {
            Kind::Podman => podman,
            Kind::Docker => docker,
        }
    }
}

/// What a container is made of, in ECS's terms.
#[derive(Debug)]
pub(in super::super) struct Origin {
    pub(in super::super) kind: Kind,
    pub(in super::super) task: Task,
    pub(in super::super) definition: TaskDefinition,
    pub(in super::super) container: ContainerDefinition,
    /// Which of the definition's containers it is.
    pub(in super::super) index: usize,
}

/// The engine that runs an image of a task; none when it is a process that stands in for it.
pub(in super::super) fn of(sandbox: &Sandbox, task: &Task, image: &str) -> Option<Kind> {
    sandbox.world.read(|world| match images::command(world, task, image) {
        Some(_) => None,
        None => images::engine(world, task),
    })
}

/// The name of a task's container in its engine.
fn name(task: &Task, index: usize) -> String {
    format!("ecsws-{}-{index}", task.id)
}

/// The task's id in a container's name.
fn task_id(container: &str) -> Option<&str> {
    container.strip_prefix("ecsws-")?.split('-').next()
}

/// Starts a container and returns when it runs.
///
/// Containers of one task are started one after the other, the next when this has returned: the first essential one of an
/// `awsvpc` task has the network that those after it share.
pub(super) async fn start(sandbox: &Sandbox, origin: &Origin, spec: &ContainerSpec) -> Result<Launched, String> {
    let failed = |word: &str, reason: &dyn std::fmt::Display| format!("{word}: {reason}");
    let engine = sandbox.runtime::<Runtime>().engines.get(origin.kind);
    engine.facts().await.map_err(|error| failed("ResourceInitializationError", &error))?;
    let image = pulled(sandbox, engine, origin).await.map_err(|reason| failed("CannotPullContainerError", &reason))?;
    let bridged = engine.has_bridge();
    let tried = attempt(sandbox, engine, (origin, spec), &image, bridged).await;
    if let Err((_, error)) = &tried
        && bridged
        && network_is_missing(&error.0)
        && let Ok(launched) = attempt(sandbox, engine, (origin, spec), &image, false).await
    {
        engine.give_up_bridge();
        return Ok(launched);
    }
    // Without a way round it the first reason is the telling one.
    tried.map_err(|(word, error)| failed(word, &error))
}

/// The image, which is waited for no longer than its task is wanted.
async fn pulled(sandbox: &Sandbox, engine: &Engine, origin: &Origin) -> Result<LocalImage, String> {
    let (task, image) = (&origin.task, &origin.container.image);
    let stop = sandbox.runtime::<Runtime>().running().get(&key(&task.cluster, &task.id)).map(|task| task.stop.clone());
    let stop = stop.unwrap_or_default();
    tokio::select! {
        () = sandbox.shutdown.cancelled() => Err(driver::SANDBOX_STOPPED.to_owned()),
        () = stop.cancelled() => Err(format!("the task was stopped while {image} was being pulled")),
        pulled = engine.image(image) => pulled.map_err(|error| format!("pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {error}")),
    }
}

/// One try, of which nothing is left when it fails; the error is ECS's word for the step that failed and the engine's reason.
async fn attempt(
    sandbox: &Sandbox,
    engine: &Engine,
    (origin, spec): (&Origin, &ContainerSpec),
    image: &LocalImage,
    bridged: bool,
) -> Result<Launched, (&'static str, EngineError)> {
    let create = |reason: String| ("CannotCreateContainerError", EngineError(reason));
    let task = &origin.task;
    let container_name = name(task, origin.index);
    let wiring = Wiring::of(sandbox, origin, &container_name, bridged).map_err(create)?;
    let mut variables = [spec.sandbox_environment.as_slice(), &spec.environment].concat();
    variables.extend(wiring.variables());
    let variables = Variables::sort(variables).map_err(create)?;
    let names = (container_name.as_str(), spec.host_name.as_str());
    let arguments = engine_arguments(sandbox, engine, origin, names, image, &wiring).await.map_err(create)?;
    engine.create(&arguments, &variables).await.map_err(|error| ("CannotCreateContainerError", error))?;
    let command = engine.process(&container_name, &wiring.sharing(origin), &image.stop_signal, spec.stop_timeout);
    let started = engine.start(&sandbox.runner, &container_name, &command).await;
    let process = started.map_err(|error| ("CannotStartContainerError", error))?;
    wiring.settle(sandbox, task);
    let main = engine.main_process(&container_name).await;
    let handle = Handle {
        process: process.handle,
        main,
        exec: engine.exec(&container_name, false),
        terminal: engine.exec(&container_name, true),
    };
    Ok(Launched {
        handle: AnyHandle::Container(Arc::new(handle)),
        output: process.output,
        exit: process.exit,
        port: wiring.port,
        leases: wiring.leases,
    })
}

async fn engine_arguments(
    sandbox: &Sandbox,
    engine: &Engine,
    origin: &Origin,
    (container_name, host_name): (&str, &str),
    image: &LocalImage,
    wiring: &Wiring,
) -> Result<Vec<String>, String> {
    let Origin { task, definition, container, .. } = origin;
    if let Some(member) =
        ["pidMode", "ipcMode", "proxyConfiguration"].iter().find(|name| definition.content.contains_key(**name))
    {
        return Err(format!("{member} is not served with containers in the sandbox"));
    }
    let size = |member: &str| definition.text(member).and_then(|text| parse_size(text, member));
    let labels = [
        ("ecsws.task", task.id.clone()),
        ("com.amazonaws.ecs.cluster", task.cluster.clone()),
        ("com.amazonaws.ecs.container-name", container.name.clone()),
        ("com.amazonaws.ecs.task-arn", sandbox.config.arn("ecs", &format!("task/{}/{}", task.cluster, task.id))),
        ("com.amazonaws.ecs.task-definition-family", definition.family.clone()),
        ("com.amazonaws.ecs.task-definition-version", definition.revision.to_string()),
    ];
    let facts = engine.facts().await.map_err(|error| error.to_string())?;
    let given = Given {
        kind: engine.kind(),
        facts,
        name: container_name,
        image: &image.name,
        host_name,
        task_cpu: size("cpu"),
        task_memory: size("memory"),
        network: &wiring.network,
        labels: &labels,
        scratch: &scratch(definition),
    };
    arguments(&as_overridden(task, definition, container), &given)
}

/// The container's definition as it was registered, with what RunTask overrode.
fn as_overridden(task: &Task, definition: &TaskDefinition, container: &ContainerDefinition) -> Map<String, Value> {
    let named = |list: Option<&Value>| {
        let list = list.and_then(Value::as_array).into_iter().flatten();
        let found = list
            .filter_map(Value::as_object)
            .find(|one| one.get("name").and_then(Value::as_str) == Some(&container.name));
        found.cloned().unwrap_or_default()
    };
    let mut whole = named(definition.content.get("containerDefinitions"));
    let overridden = named(task.overrides.as_ref().and_then(|overrides| overrides.get("containerOverrides")));
    whole.extend(overridden.into_iter().filter(|(_, value)| !value.is_null()));
    whole
}

/// The task's volumes that are empty at its start and that one container mounts, once.
fn scratch(definition: &TaskDefinition) -> BTreeSet<String> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let containers = list(definition.content.get("containerDefinitions"));
    let mounted: Vec<Value> = containers.iter().flat_map(|container| list(container.get("mountPoints"))).collect();
    let volumes = list(definition.content.get("volumes")).into_iter();
    let names = volumes.filter_map(|volume| {
        let name = volume.get("name")?.as_str()?.to_owned();
        let members = volume.as_object()?.iter();
        let plain =
            members.filter(|(member, _)| *member != "name").all(|(_, value)| !arguments::asks_for_something(value));
        (plain && mounted.iter().filter(|point| point["sourceVolume"] == name.as_str()).count() == 1).then_some(name)
    });
    names.collect()
}

/// Ends the containers of tasks that do not run: a killed sandbox leaves them when its shims are killed too.
pub(in super::super) async fn remove_left(sandbox: &Arc<Sandbox>) {
    let runs = |container: &str| {
        let suffix = format!("/{}", task_id(container).unwrap_or_default());
        sandbox.runtime::<Runtime>().running().keys().any(|key| last_part(key) == &suffix[1..])
    };
    crate::process::engine::remove_all(&sandbox.config.state_dir, runs).await;
}

/// The input of the control call `CheckRuntime`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckRuntime {
    runtime: Kind,
    #[serde(default)]
    images: Vec<String>,
}

/// Whether an engine can run containers here, what it cannot do, and which images it would have to pull.
pub async fn check_runtime(sandbox: Arc<Sandbox>, input: CheckRuntime) -> Reply {
    let engine = sandbox.runtime::<Runtime>().engines.get(input.runtime);
    let facts = match engine.facts().await {
        Ok(facts) => facts,
        Err(error) => return Ok(json!({ "unusable": error.to_string() })),
    };
    let mut missing = Vec::new();
    for image in input.images {
        if !engine.has_image(&image).await {
            missing.push(image);
        }
    }
    Ok(json!({ "missing": missing, "shortcomings": facts.shortcomings() }))
}
