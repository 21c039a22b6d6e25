//! A task's containers as processes: what each is started with, and where what it prints goes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::engine::{self, Contained, Order};
use super::images;
use super::model::{ContainerDefinition, LogConfiguration, Task, TaskDefinition};
use super::names::task_definition;
use crate::sandbox::services::logs::events::Event;
use crate::sandbox::services::logs::writer::Entry;
use crate::sandbox::tasks::stand_in::StandIn;
use crate::sandbox::tasks::{Exit, OutputLine, PortLease, ProcessHandle, ProcessSpec, environment, own_executable};
use crate::sandbox::{Fault, Sandbox};

/// Seconds between SIGTERM and SIGKILL that ECS gives a container that does not say (developer guide, "stopTimeout").
const STOP_TIMEOUT: u32 = 30;

/// CPU units of a container when neither it nor its task says: a quarter of a core, Fargate's smallest.
const CPU: u32 = 256;

/// A container whose process runs.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) essential: bool,
    /// The port in its definition, if it has one, and the real one.
    pub(super) ports: Option<(u16, u16)>,
    pub(super) handle: ProcessHandle,
    pub(super) exit: Option<oneshot::Receiver<Exit>>,
    pub(super) output: JoinHandle<()>,
    /// Keep its ports its own.
    _leases: Vec<PortLease>,
}

/// Why a task could not be started, and which of its containers it was.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) container: Option<usize>,
    pub(super) reason: String,
}

impl Failure {
    fn resources(text: impl std::fmt::Display) -> Self {
        Self { container: None, reason: format!("ResourceInitializationError: {text}") }
    }
}

/// Starts a task's containers in the order of their definitions; when one does not start, those before it are ended.
pub(super) async fn start(sandbox: &Arc<Sandbox>, task: &Task) -> Result<Vec<Started>, Failure> {
    let definition = sandbox.world.read(|world| task_definition(world, &task.task_definition).cloned());
    let definition = definition.ok_or_else(|| Failure::resources("the task definition is gone"))?;
    let mut started = Vec::new();
    for (index, container) in definition.containers().iter().enumerate() {
        started.push(start_one(sandbox, task, &definition, container, index).await?);
    }
    Ok(started)
}

async fn start_one(
    sandbox: &Arc<Sandbox>,
    task: &Task,
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    index: usize,
) -> Result<Started, Failure> {
    let stream = log_stream(sandbox, task, container, index).await?;
    let mut variables = variables(sandbox, task, container);
    variables.extend(secrets(sandbox, container).await?);
    let stop_timeout = Duration::from_secs(container.stop_timeout.unwrap_or(STOP_TIMEOUT).into());
    let stop_timeout = sandbox.clock.shortened(stop_timeout);
    let host_name =
        &task.network.as_ref().map_or_else(|| task.id.clone(), super::model::NetworkInterface::private_dns_name);
    let order = Order { task, definition, container, index, variables, host_name, stop_timeout };
    let Contained { process, ports, leases } = match engine::of(sandbox, task, &container.image) {
        Some(kind) => engine::start(sandbox, kind, &order).await?,
        None => start_process(sandbox, &order).await?,
    };
    let output = tokio::spawn(forward(process.output, stream, sandbox.tasks.log_entries()));
    Ok(Started {
        essential: container.essential,
        ports,
        handle: process.handle,
        exit: Some(process.exit),
        output,
        _leases: leases,
    })
}

/// Starts what stands in for the container's image.
async fn start_process(sandbox: &Arc<Sandbox>, order: &Order<'_>) -> Result<Contained, Failure> {
    let lease = sandbox.tasks.ports.lease().map_err(Failure::resources)?;
    let spec = spec(sandbox, order, lease.number())?;
    let process = sandbox.tasks.runner.start(&spec).await.map_err(|error| Failure {
        container: Some(order.index),
        reason: format!("CannotStartContainerError: {error}"),
    })?;
    let ports = order.container.port_mappings.first().map(|mapping| (mapping.container_port, lease.number()));
    Ok(Contained { process, ports, leases: vec![lease] })
}

/// What the container's process is started with. Commands come from the image's mapping only.
fn spec(sandbox: &Sandbox, order: &Order<'_>, port: u16) -> Result<ProcessSpec, Failure> {
    let Order { task, definition, container, variables, host_name, stop_timeout, .. } = order;
    let mapped = sandbox.world.read(|world| images::command(world, task, &container.image));
    let (command, cwd) = match mapped {
        Some(mapped) => (environment::with_port(&mapped.command, port), mapped.cwd),
        None => (stand_in(task, definition, container, port)?, None),
    };
    Ok(ProcessSpec {
        command,
        cwd,
        environment: environment::of_container(variables, port, host_name, &task.id),
        stop_timeout: *stop_timeout,
        container: None,
    })
}

fn stand_in(
    task: &Task,
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    port: u16,
) -> Result<Vec<String>, Failure> {
    let of_task = || definition.text("cpu").and_then(|cpu| cpu.parse().ok());
    let own = Some(container.cpu).filter(|cpu| *cpu > 0);
    let stand_in = StandIn {
        port,
        cpu: own.or_else(of_task).unwrap_or(CPU),
        address: task.network.as_ref().map_or_else(|| "127.0.0.1".to_owned(), |network| network.private_ip.clone()),
        zone: task.zone.clone(),
        image: container.image.clone(),
    };
    Ok(stand_in.command(&own_executable().map_err(Failure::resources)?))
}

/// The region as on Fargate, the definition's variables, and those that RunTask overrode.
fn variables(sandbox: &Sandbox, task: &Task, container: &ContainerDefinition) -> Vec<(String, String)> {
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (name.to_owned(), sandbox.config.region.clone()));
    let defined = container.environment.iter().map(|variable| (variable.name.clone(), variable.value.clone()));
    let all = task.overrides.as_ref().and_then(|overrides| overrides.get("containerOverrides")?.as_array());
    let own = all.into_iter().flatten().filter(|one| one.get("name").and_then(Value::as_str) == Some(&container.name));
    let overridden = own.filter_map(|one| one.get("environment")?.as_array()).flatten();
    let text = |variable: &Value, member: &str| Some(variable.get(member)?.as_str()?.to_owned());
    let overridden = overridden.filter_map(|variable| Some((text(variable, "name")?, text(variable, "value")?)));
    region.into_iter().chain(defined).chain(overridden).collect()
}

/// Variables whose values SSM or Secrets Manager keeps.
async fn secrets(sandbox: &Arc<Sandbox>, container: &ContainerDefinition) -> Result<Vec<(String, String)>, Failure> {
    let mut values = Vec::new();
    for secret in &container.secrets {
        let from = &secret.value_from;
        let value = if from.contains(":secretsmanager:") {
            let answer = sandbox.call("secretsmanager", "GetSecretValue", json!({ "SecretId": from })).await;
            answer.map(|answer| answer["SecretString"].clone())
        } else {
            let name = from.split_once(":parameter").map_or(from.as_str(), |(_, name)| name);
            let answer = sandbox.call("ssm", "GetParameter", json!({ "Name": name, "WithDecryption": true })).await;
            answer.map(|answer| answer["Parameter"]["Value"].clone())
        };
        let unable = |what: &dyn std::fmt::Display| {
            Failure::resources(format!("unable to pull secrets or registry auth: {from}: {what}"))
        };
        let value = value.map_err(|fault: Fault| unable(&fault))?;
        let value = value.as_str().ok_or_else(|| unable(&"it has no text"))?;
        values.push((secret.name.clone(), value.to_owned()));
    }
    Ok(values)
}

/// A log stream's group and name.
type LogStream = (Arc<str>, Arc<str>);

/// Makes the stream `prefix/container/task` of an awslogs configuration; other drivers keep nothing here.
async fn log_stream(
    sandbox: &Arc<Sandbox>,
    task: &Task,
    container: &ContainerDefinition,
    index: usize,
) -> Result<Option<LogStream>, Failure> {
    let awslogs = container.log_configuration.as_ref().filter(|configuration| configuration.log_driver == "awslogs");
    let Some(LogConfiguration { options, .. }) = awslogs else { return Ok(None) };
    let group = options
        .get("awslogs-group")
        .ok_or_else(|| Failure::resources("failed to validate logger args: awslogs-group is missing"))?;
    let stream = match options.get("awslogs-stream-prefix") {
        Some(prefix) => format!("{prefix}/{}/{}", container.name, task.id),
        None => task.containers.get(index).map(|container| container.id.clone()).unwrap_or_default(),
    };
    if options.get("awslogs-create-group").is_some_and(|value| value == "true") {
        // That it is there already is as good; anything else shows with the stream.
        let _ = sandbox.call("logs", "CreateLogGroup", json!({ "logGroupName": group })).await;
    }
    let made = sandbox.call("logs", "CreateLogStream", json!({ "logGroupName": group, "logStreamName": stream })).await;
    made.map_err(|fault| {
        Failure::resources(format!(
            "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: \
             {}: {}",
            fault.code, fault.message
        ))
    })?;
    Ok(Some((Arc::from(group.as_str()), Arc::from(stream))))
}

/// Sends what a container prints to its stream, as the awslogs driver does: line by line, without the empty ones.
async fn forward(
    mut output: mpsc::Receiver<OutputLine>,
    stream: Option<LogStream>,
    entries: Option<mpsc::Sender<Entry>>,
) {
    while let Some(OutputLine { at, text }) = output.recv().await {
        if let (Some((group, stream)), Some(entries), false) = (&stream, &entries, text.is_empty()) {
            let event = Event { timestamp: at.as_millisecond(), message: text };
            // Without the writer the sandbox is ending; the process is still kept from waiting.
            let _ = entries.send(Entry { group: Arc::clone(group), stream: Arc::clone(stream), event }).await;
        }
    }
}
