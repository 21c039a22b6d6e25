//! A task's containers: what each is started with, in which order, and how it is looked after.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::engine::{self, ContainerSpec, Origin};
use super::images;
use super::model::{ContainerDefinition, Task, TaskDefinition};
use super::names::task_definition;
use crate::Sandbox;
use crate::auth::RoleLease;
use crate::base::zones;
use crate::process::PortLease;
use crate::services::ecs::Runtime;

mod crew;
mod health;
mod log;
pub(super) mod order;
pub(super) mod role;
mod secrets;

pub(super) use crew::{Crew, Event};

/// Seconds between SIGTERM and SIGKILL that ECS gives a container that does not say (developer guide, "stopTimeout").
const STOP_TIMEOUT: u32 = 30;

/// CPU units of a container when neither it nor its task says: a quarter of a core, Fargate's smallest.
const CPU: u32 = 256;

/// Why a task could not be started, and which of its containers it was.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) container: Option<usize>,
    pub(super) reason: String,
}

impl Failure {
    fn resources(text: impl std::fmt::Display) -> Self {
        Self { container: None, reason: format!("ResourceInitializationError: {text}") }
    }
}

/// A container that could be started.
#[derive(Debug)]
struct Prepared {
    definition: ContainerDefinition,
    spec: ContainerSpec,
    stream: Option<log::LogStream>,
    /// Keeps the port its own.
    _lease: PortLease,
}

/// Gets everything that a task's containers need: ports, log streams and secrets.
pub(super) async fn prepare(sandbox: &Arc<Sandbox>, task: &Task) -> Result<Crew, Failure> {
    let definition = sandbox.world.read(|world| task_definition(world, &task.task_definition).cloned());
    let definition = definition.ok_or_else(|| Failure::resources("the task definition is gone"))?;
    let containers = definition.containers();
    let mut leases = Vec::new();
    for container in &containers {
        leases.push((container.clone(), sandbox.runtime::<Runtime>().ports.lease().map_err(Failure::resources)?));
    }
    let real = |(container, lease): &(ContainerDefinition, PortLease)| {
        let own = lease.number();
        container.port_mappings.iter().map(|mapping| (mapping.container_port, own)).collect::<Vec<_>>()
    };
    let task_ports: Vec<(u16, u16)> = leases.iter().flat_map(real).collect();
    let role = role::lease(sandbox, task, &definition);
    let mut prepared = Vec::new();
    for (index, (container, lease)) in leases.into_iter().enumerate() {
        let stream = log::stream(sandbox, task, &container, index).await?;
        let mut environment = variables(task, &container);
        environment.extend(secrets::values(sandbox, &container).await?);
        let spec = spec(sandbox, task, &definition, &container, &lease);
        let origin = engine::of(sandbox, task, &container.image).map(|kind| {
            let (task, definition, container) = (task.clone(), definition.clone(), container.clone());
            Arc::new(Origin { kind, task, definition, container, index })
        });
        // An engine's container gets no credentials: with them it could run commands on this machine.
        let session = role.as_ref().filter(|_| origin.is_none()).map(RoleLease::session);
        let mut sandbox_environment = sandbox.sdk_variables(session);
        sandbox_environment.push(("AWS_EXECUTION_ENV".to_owned(), "AWS_ECS_FARGATE".to_owned()));
        let spec = ContainerSpec { sandbox_environment, environment, task_ports: task_ports.clone(), origin, ..spec };
        prepared.push(Prepared { definition: container, spec, stream, _lease: lease });
    }
    Ok(Crew::new(sandbox, prepared, role))
}

/// What a container is started with, besides what its task's other containers have a part in.
fn spec(
    sandbox: &Sandbox,
    task: &Task,
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    lease: &PortLease,
) -> ContainerSpec {
    let network = task.network.as_ref();
    let stop_timeout = Duration::from_secs(container.stop_timeout.unwrap_or(STOP_TIMEOUT).into());
    let number = |units: &str| units.parse().ok();
    let of_task = || task.cpu.as_deref().or_else(|| definition.text("cpu")).and_then(number);
    let own = overrides(task, container).find_map(|one| one.get("cpu")?.as_u64()?.try_into().ok());
    let own = own.or(Some(container.cpu)).filter(|cpu| *cpu > 0);
    ContainerSpec {
        task_id: task.id.clone(),
        image: container.image.clone(),
        origin: None,
        stand_in: sandbox.world.read(|world| images::command(world, task, &container.image)),
        sandbox_environment: Vec::new(),
        environment: Vec::new(),
        cpu: own.or_else(of_task).unwrap_or(CPU),
        port: lease.number(),
        task_ports: Vec::new(),
        has_port: container.has_tcp_port(),
        address: network.map_or_else(|| "127.0.0.1".to_owned(), |network| network.private_ip.clone()),
        host_name: network.map_or_else(
            || task.id.clone(),
            |network| zones::private_name(&sandbox.config.region, &network.private_ip),
        ),
        zone: task.zone.clone(),
        stop_timeout: sandbox.clock.shortened(stop_timeout),
    }
}

/// What RunTask overrode of a container.
fn overrides<'a>(task: &'a Task, container: &'a ContainerDefinition) -> impl Iterator<Item = &'a Value> {
    let all = task.overrides.as_ref().and_then(|overrides| overrides.get("containerOverrides")?.as_array());
    all.into_iter().flatten().filter(|one| one.get("name").and_then(Value::as_str) == Some(&container.name))
}

/// The definition's variables, and those that RunTask overrode.
fn variables(task: &Task, container: &ContainerDefinition) -> Vec<(String, String)> {
    let defined = container.environment.iter().map(|variable| (variable.name.clone(), variable.value.clone()));
    let overridden = overrides(task, container).filter_map(|one| one.get("environment")?.as_array()).flatten();
    let text = |variable: &Value, member: &str| Some(variable.get(member)?.as_str()?.to_owned());
    let overridden = overridden.filter_map(|variable| Some((text(variable, "name")?, text(variable, "value")?)));
    defined.chain(overridden).collect()
}
