//! A task's containers: what each is started with, in which order they start and stop, and their health.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use super::lookups::task_definition;
use super::model::{ContainerDefinition, Task, TaskDefinition};
use super::{images, task_folder};
use crate::Sandbox;
use crate::auth::RoleLease;
use crate::base::zones;
use crate::process::container_engine::{ContainerOptions, TaskNetwork};
use crate::process::{ContainerSpec, HostOptions, PortLease};
use crate::services::ecs::TaskProcesses;
use crate::services::logs::log_writer::LogDestination;

mod awslogs;
mod container_start;
pub(super) mod dependencies;
mod group;
mod health;
mod options;
mod secret_variables;
pub(super) mod task_role;

use container_start::EngineContainerSpec;
pub(super) use group::{ContainerEvent, ContainerGroup};

/// ECS's default number of seconds between SIGTERM and SIGKILL (developer guide, "stopTimeout").
const STOP_TIMEOUT: u32 = 30;

/// CPU units of a container if neither it nor its task has any: a quarter of a core, Fargate's minimum.
const CPU: u32 = 256;

/// Why a task could not be started, and which of its containers failed.
#[derive(Debug, Clone)]
pub(super) struct LaunchFailure {
    pub(super) container: Option<usize>,
    pub(super) reason: String,
}

impl LaunchFailure {
    fn resources(text: impl std::fmt::Display) -> Self {
        Self { container: None, reason: format!("ResourceInitializationError: {text}") }
    }
}

/// A container with everything that it needs to start.
#[derive(Debug)]
struct PreparedContainer {
    definition: ContainerDefinition,
    spec: ContainerSpec,
    /// Set if an engine runs it.
    engine: Option<Arc<EngineContainerSpec>>,
    stream: Option<LogDestination>,
    /// Keeps its port leased.
    _lease: PortLease,
}

/// Prepares a task's containers: leases ports, creates log streams and reads secrets.
pub(super) async fn prepare(sandbox: &Arc<Sandbox>, task: &Task) -> Result<ContainerGroup, LaunchFailure> {
    let definition = sandbox.store.read(|states| task_definition(states, &task.task_definition).cloned());
    let definition = definition.ok_or_else(|| LaunchFailure::resources("the task definition no longer exists"))?;
    let containers = definition.containers();
    let mut leases = Vec::new();
    for container in &containers {
        leases.push((
            container.clone(),
            sandbox.in_memory::<TaskProcesses>().ports.lease().map_err(LaunchFailure::resources)?,
        ));
    }
    let host_ports = |(container, lease): &(ContainerDefinition, PortLease)| {
        let port = lease.number();
        container.port_mappings.iter().map(|mapping| (mapping.container_port, port)).collect::<Vec<_>>()
    };
    let task_ports: Vec<(u16, u16)> = leases.iter().flat_map(host_ports).collect();
    let role = task_role::lease(sandbox, task, &definition);
    let network = Arc::new(OnceLock::<TaskNetwork>::new());
    let mut prepared = Vec::new();
    for (index, (container, lease)) in leases.into_iter().enumerate() {
        let stream = awslogs::stream(sandbox, task, &container, index).await?;
        let mut environment = variables(task, &container);
        environment.extend(secret_variables::values(sandbox, &container).await?);
        let engine = container_start::engine(sandbox, task, &container.image).map(|engine| {
            let (task, definition, container) = (task.clone(), definition.clone(), container.clone());
            Arc::new(EngineContainerSpec { engine, task, definition, container, network: Arc::clone(&network) })
        });
        // An engine's container gets no credentials: with them it could run commands on this machine.
        let session = role.as_ref().filter(|_| engine.is_none()).map(RoleLease::session);
        let mut sandbox_environment = sandbox.sdk_variables(session);
        sandbox_environment.push(("AWS_EXECUTION_ENV".to_owned(), "AWS_ECS_FARGATE".to_owned()));
        let host = host_options(sandbox, task, &definition, &container, lease.number(), task_ports.clone());
        let stop_timeout = Duration::from_secs(container.stop_timeout.unwrap_or(STOP_TIMEOUT).into());
        let spec = ContainerSpec {
            task_id: task.id.clone(),
            index,
            image: container.image.clone(),
            host_name: host_name(sandbox, task),
            sandbox_environment,
            environment,
            stop_timeout: sandbox.clock.shortened(stop_timeout),
            host,
            // An engine's options are read when the container starts, after its image was pulled.
            engine: ContainerOptions::default(),
        };
        prepared.push(PreparedContainer { definition: container, spec, engine, stream, _lease: lease });
    }
    Ok(ContainerGroup::new(sandbox, prepared, role))
}

/// The process that stands in for a container, unless an engine runs it.
fn host_options(
    sandbox: &Sandbox,
    task: &Task,
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    port: u16,
    task_ports: Vec<(u16, u16)>,
) -> HostOptions {
    let mapped = sandbox.store.read(|states| images::command(states, task, &container.image));
    let (command, cwd) = mapped.map_or((None, None), |mapped| (Some(mapped.command), mapped.cwd));
    let number = |units: &str| units.parse().ok();
    let task_cpu = || task.cpu.as_deref().or_else(|| definition.text("cpu")).and_then(number);
    let cpu = overrides(task, container)
        .find_map(|container_override| container_override.get("cpu")?.as_u64()?.try_into().ok());
    let cpu = cpu.or(Some(container.cpu)).filter(|cpu| *cpu > 0);
    HostOptions {
        command,
        cwd,
        folders: task_folder::task_folders(&sandbox.config.state_dir, &task.id),
        port,
        task_ports,
        has_port: container.has_tcp_port(),
        cpu: cpu.or_else(task_cpu).unwrap_or(CPU),
        address: task.network.as_ref().map_or_else(|| "127.0.0.1".to_owned(), |network| network.private_ip.clone()),
        zone: task.zone.clone(),
    }
}

/// The host name of a task: the private DNS name of its network interface, or its id.
fn host_name(sandbox: &Sandbox, task: &Task) -> String {
    match &task.network {
        Some(network) => zones::private_name(&sandbox.config.region, &network.private_ip),
        None => task.id.clone(),
    }
}

/// What RunTask overrode of a container.
fn overrides<'a>(task: &'a Task, container: &'a ContainerDefinition) -> impl Iterator<Item = &'a Value> {
    let all = task.overrides.as_ref().and_then(|overrides| overrides.get("containerOverrides")?.as_array());
    all.into_iter()
        .flatten()
        .filter(|container_override| container_override.get("name").and_then(Value::as_str) == Some(&container.name))
}

/// The definition's variables, and those that RunTask overrode.
fn variables(task: &Task, container: &ContainerDefinition) -> Vec<(String, String)> {
    let defined = container.environment.iter().map(|variable| (variable.name.clone(), variable.value.clone()));
    let overridden = overrides(task, container)
        .filter_map(|container_override| container_override.get("environment")?.as_array())
        .flatten();
    let text = |variable: &Value, member: &str| Some(variable.get(member)?.as_str()?.to_owned());
    let overridden = overridden.filter_map(|variable| Some((text(variable, "name")?, text(variable, "value")?)));
    defined.chain(overridden).collect()
}
