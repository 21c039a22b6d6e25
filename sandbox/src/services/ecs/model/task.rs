//! Tasks.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Container, HealthStatus, NetworkInterface, TaskDefinition};
use crate::base::ids;
use crate::base::tags::{Tag, lower_case};

/// The status of a task, as far as the sandbox uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TaskStatus {
    /// It is recorded.
    Provisioning,
    /// Its containers are being started.
    Pending,
    /// It is being registered for service discovery.
    Activating,
    /// Its containers run.
    Running,
    /// It is being deregistered.
    Deactivating,
    /// Its containers are being ended.
    Stopping,
    /// Its network interface is being removed.
    Deprovisioning,
    Stopped,
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

/// Why a task stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// An essential container ended.
    EssentialContainerExited,
    UserInitiated,
    ServiceSchedulerInitiated,
    /// The sandbox ended.
    InfrastructureHealth,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the name is the API's")]
pub(crate) struct Task {
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
    /// The deployment's id, or RunTask's value.
    pub started_by: Option<String>,
    pub last_status: TaskStatus,
    /// The desired status: `Running` or `Stopped`.
    pub desired_status: TaskStatus,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When the preparation of its containers began.
    #[serde(default)]
    pub pull_started_at: Option<Timestamp>,
    /// When that was complete.
    #[serde(default)]
    pub pull_stopped_at: Option<Timestamp>,
    /// When its containers ran.
    pub started_at: Option<Timestamp>,
    /// When its end began.
    pub stopping_at: Option<Timestamp>,
    /// When its containers had ended.
    #[serde(default)]
    pub execution_stopped_at: Option<Timestamp>,
    /// When it had stopped.
    pub stopped_at: Option<Timestamp>,
    /// Why it stopped, as text.
    pub stopped_reason: Option<String>,
    /// Why it stopped, as a code.
    pub stop_code: Option<StopCode>,
    pub containers: Vec<Container>,
    /// The subnet to place it in.
    pub subnet_id: Option<String>,
    /// Its network interface, once it has one.
    pub network: Option<NetworkInterface>,
    /// Its availability zone.
    pub zone: String,
    /// Always `FARGATE`: there are no container instances.
    pub launch_type: String,
    /// `FARGATE` or `FARGATE_SPOT`, if a capacity provider strategy placed it.
    #[serde(default)]
    pub capacity_provider: Option<String>,
    /// CPU units of the task as a whole.
    #[serde(default)]
    pub cpu: Option<String>,
    /// MiB of the task as a whole.
    #[serde(default)]
    pub memory: Option<String>,
    /// GiB of storage, if the definition or RunTask sets it.
    #[serde(default)]
    pub ephemeral_storage: Option<u64>,
    /// RunTask's overrides, unchanged.
    pub overrides: Option<Value>,
    /// The token of the request that created it.
    #[serde(default)]
    pub client_token: Option<String>,
    /// A checksum of that request, to distinguish it from another one with the same token.
    #[serde(default)]
    pub client_request: Option<String>,
    /// Whether ECS Exec is on.
    pub enable_execute_command: bool,
    #[serde(with = "lower_case")]
    pub tags: Vec<Tag>,
    /// Whether it was healthy at any time.
    #[serde(default)]
    pub was_healthy: bool,
    /// Until when it is protected from scaling in and deployments.
    #[serde(default)]
    pub protected_until: Option<Timestamp>,
    /// Counts its changes.
    pub version: u32,
}

impl Task {
    pub(crate) fn new(cluster: String, definition: &TaskDefinition, now: Timestamp) -> Self {
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
            containers: definition.containers().into_iter().map(Container::new).collect(),
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
                .and_then(|storage| storage.get("sizeInGiB")?.as_u64()),
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

    /// The health of its essential containers together.
    pub(crate) fn health(&self) -> HealthStatus {
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
    pub(crate) fn is_checked(&self) -> bool {
        self.containers.iter().any(|container| container.essential && container.checked)
    }

    /// Sets the desired status to `STOPPED`; the first reason is kept.
    pub(crate) fn request_stop(&mut self, code: StopCode, reason: String, now: Timestamp) {
        if self.desired_status == TaskStatus::Stopped {
            return;
        }
        self.desired_status = TaskStatus::Stopped;
        self.stop_code = Some(code);
        self.stopped_reason = Some(reason);
        self.stopping_at = Some(now);
        self.version += 1;
    }

    /// Records that the task has stopped.
    pub(crate) fn mark_stopped(&mut self, now: Timestamp) {
        self.containers.iter_mut().for_each(|container| container.last_status = TaskStatus::Stopped);
        self.last_status = TaskStatus::Stopped;
        self.execution_stopped_at.get_or_insert(now);
        self.stopped_at = Some(now);
        self.version += 1;
    }
}
