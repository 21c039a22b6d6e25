//! Tasks and their containers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PortMapping, TaskDefinition};
use crate::base::ids;
use crate::base::tags::{Tag, lower_case};

/// Where a task is in its life, as far as the sandbox passes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// It is recorded.
    Provisioning,
    /// Its containers are being started.
    Pending,
    /// They run, and it is being registered for discovery.
    Activating,
    /// It does its work.
    Running,
    /// It is being deregistered.
    Deactivating,
    /// Its containers are being ended.
    Stopping,
    /// What was made for it is taken away.
    Deprovisioning,
    /// Nothing of it is left.
    Stopped,
}

/// What health checks say of a container or of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    /// Its checks pass.
    Healthy,
    /// Its checks fail.
    Unhealthy,
    /// It has no checks, or none has come to an end.
    #[default]
    Unknown,
}

/// Why a task stopped, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// A container that it cannot be without ended.
    EssentialContainerExited,
    /// StopTask.
    UserInitiated,
    /// The service scheduler.
    ServiceSchedulerInitiated,
    /// The sandbox ended.
    InfrastructureHealth,
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the name is the API's")]
pub struct Task {
    /// Thirty-two hexadecimal digits.
    pub id: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The service that it belongs to.
    pub service: Option<String>,
    /// `family:revision`.
    pub task_definition: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// The deployment's id, or what RunTask said.
    pub started_by: Option<String>,
    /// Where it is.
    pub last_status: TaskStatus,
    /// Where it should be: `Running` or `Stopped`.
    pub desired_status: TaskStatus,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When what its containers need began to be fetched.
    #[serde(default)]
    pub pull_started_at: Option<Timestamp>,
    /// When that was over.
    #[serde(default)]
    pub pull_stopped_at: Option<Timestamp>,
    /// When its containers ran.
    pub started_at: Option<Timestamp>,
    /// When its end began.
    pub stopping_at: Option<Timestamp>,
    /// When its containers had ended.
    #[serde(default)]
    pub execution_stopped_at: Option<Timestamp>,
    /// When its end was over.
    pub stopped_at: Option<Timestamp>,
    /// Why, for people.
    pub stopped_reason: Option<String>,
    /// Why, for programs.
    pub stop_code: Option<StopCode>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// The subnet that it is to be put in.
    pub subnet_id: Option<String>,
    /// Its place in the network, once it has one.
    pub network: Option<NetworkInterface>,
    /// The zone that it says it runs in.
    pub zone: String,
    /// Always `FARGATE`: there are no container instances.
    pub launch_type: String,
    /// `FARGATE` or `FARGATE_SPOT`, when a capacity provider strategy chose it.
    #[serde(default)]
    pub capacity_provider: Option<String>,
    /// CPU units of the task as a whole.
    #[serde(default)]
    pub cpu: Option<String>,
    /// MiB of the task as a whole.
    #[serde(default)]
    pub memory: Option<String>,
    /// GiB of storage, when the definition or RunTask says.
    #[serde(default)]
    pub ephemeral_storage: Option<u64>,
    /// What RunTask overrode, as it was given.
    pub overrides: Option<Value>,
    /// What the request that made it calls itself.
    #[serde(default)]
    pub client_token: Option<String>,
    /// A checksum of that request, to tell it from another one of the same token.
    #[serde(default)]
    pub client_request: Option<String>,
    /// Whether ECS Exec is on.
    pub enable_execute_command: bool,
    /// Its tags.
    #[serde(with = "lower_case")]
    pub tags: Vec<Tag>,
    /// Whether it was healthy at any time.
    #[serde(default)]
    pub was_healthy: bool,
    /// Until when scaling in and deployments leave it alone.
    #[serde(default)]
    pub protected_until: Option<Timestamp>,
    /// Counts its changes.
    pub version: u32,
}

/// A container of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Container {
    /// The last part of its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// `PENDING`, `RUNNING` or `STOPPED`.
    pub last_status: TaskStatus,
    /// How its process ended.
    pub exit_code: Option<i32>,
    /// Why it did not start.
    pub reason: Option<String>,
    /// The task's id and a number, as on Fargate.
    pub runtime_id: Option<String>,
    /// The port in its definition and the real one on this machine.
    pub ports: Option<(u16, u16)>,
    /// Whether that port is a UDP port.
    #[serde(default)]
    pub udp: bool,
    /// CPU units of its definition.
    pub cpu: u32,
    /// MiB of its definition.
    pub memory: Option<u32>,
    /// MiB of its definition's soft limit.
    #[serde(default)]
    pub memory_reservation: Option<u32>,
    /// Whether its end ends the task.
    #[serde(default = "essential")]
    pub essential: bool,
    /// Whether its definition has a health check.
    #[serde(default)]
    pub checked: bool,
    /// What that says.
    #[serde(default)]
    pub health: HealthStatus,
}

fn essential() -> bool {
    true
}

/// An elastic network interface, as far as it shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// The attachment's id, a UUID.
    pub attachment_id: String,
    /// `eni-…`.
    pub id: String,
    /// The subnet that it is in.
    pub subnet_id: String,
    /// Its address in the subnet.
    pub private_ip: String,
    /// Its MAC address.
    pub mac: String,
}

impl Task {
    /// A task that nothing is done for yet.
    pub fn new(cluster: String, definition: &TaskDefinition, now: Timestamp) -> Self {
        let containers = definition.containers().into_iter().map(|container| Container {
            id: ids::uuid(),
            udp: container.main_port().is_some_and(PortMapping::is_udp),
            name: container.name,
            image: container.image,
            last_status: TaskStatus::Pending,
            exit_code: None,
            reason: None,
            runtime_id: None,
            ports: None,
            cpu: container.cpu,
            memory: container.memory,
            memory_reservation: container.memory_reservation,
            essential: container.essential,
            checked: container.health_check.is_some_and(|check| !check.is_none()),
            health: HealthStatus::Unknown,
        });
        Self {
            id: ids::hex(32),
            cluster,
            service: None,
            task_definition: definition.name(),
            group: format!("family:{}", definition.family),
            started_by: None,
            last_status: TaskStatus::Provisioning,
            desired_status: TaskStatus::Running,
            created_at: now,
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: None,
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: None,
            stopped_reason: None,
            stop_code: None,
            containers: containers.collect(),
            subnet_id: None,
            network: None,
            zone: String::new(),
            launch_type: "FARGATE".to_owned(),
            capacity_provider: None,
            cpu: definition.text("cpu").map(str::to_owned),
            memory: definition.text("memory").map(str::to_owned),
            ephemeral_storage: definition
                .content
                .get("ephemeralStorage")
                .and_then(|one| one.get("sizeInGiB")?.as_u64()),
            overrides: None,
            client_token: None,
            client_request: None,
            enable_execute_command: false,
            tags: Vec::new(),
            was_healthy: false,
            protected_until: None,
            version: 1,
        }
    }

    /// What the checks of its essential containers say together.
    pub fn health(&self) -> HealthStatus {
        let mut checked =
            self.containers.iter().filter(|container| container.essential && container.checked).peekable();
        if checked.peek().is_none() {
            return HealthStatus::Unknown;
        }
        let worst = |health: HealthStatus, container: &Container| match (health, container.health) {
            (HealthStatus::Unhealthy, _) | (_, HealthStatus::Unhealthy) => HealthStatus::Unhealthy,
            (HealthStatus::Unknown, _) | (_, HealthStatus::Unknown) => HealthStatus::Unknown,
            _ => HealthStatus::Healthy,
        };
        checked.fold(HealthStatus::Healthy, worst)
    }

    /// Whether an essential container has a health check.
    pub fn is_checked(&self) -> bool {
        self.containers.iter().any(|container| container.essential && container.checked)
    }

    /// Records that the task is to end; a first reason stays.
    pub fn ask_to_stop(&mut self, code: StopCode, reason: String, now: Timestamp) {
        if self.desired_status == TaskStatus::Stopped {
            return;
        }
        self.desired_status = TaskStatus::Stopped;
        self.stop_code = Some(code);
        self.stopped_reason = Some(reason);
        self.stopping_at = Some(now);
        self.version += 1;
    }

    /// Records that nothing of it is left.
    pub fn end(&mut self, now: Timestamp) {
        self.containers.iter_mut().for_each(|container| container.last_status = TaskStatus::Stopped);
        self.last_status = TaskStatus::Stopped;
        self.execution_stopped_at.get_or_insert(now);
        self.stopped_at = Some(now);
        self.version += 1;
    }
}
