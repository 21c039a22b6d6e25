//! The containers of a task and its network interface.

use serde::{Deserialize, Serialize};

use super::{ContainerDefinition, PortMapping, TaskStatus};
use crate::base::ids;

/// The health of a container or of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum HealthStatus {
    Healthy,
    Unhealthy,
    /// It has no checks, or none has completed.
    #[default]
    Unknown,
}

/// A container of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Container {
    /// The last part of its ARN.
    pub id: String,
    pub name: String,
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
    /// The result of the health check.
    #[serde(default)]
    pub health: HealthStatus,
}

fn essential() -> bool {
    true
}

/// The members of an elastic network interface that the API shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NetworkInterface {
    /// The attachment's id, a UUID.
    pub attachment_id: String,
    /// `eni-…`.
    pub id: String,
    pub subnet_id: String,
    /// The IP address in the subnet.
    pub private_ip: String,
    /// Its MAC address.
    pub mac: String,
}

impl Container {
    /// A container that has not been started.
    pub(super) fn new(definition: ContainerDefinition) -> Self {
        Self {
            id: ids::uuid(),
            udp: definition.main_port().is_some_and(PortMapping::is_udp),
            name: definition.name,
            image: definition.image,
            last_status: TaskStatus::Pending,
            exit_code: None,
            reason: None,
            runtime_id: None,
            ports: None,
            cpu: definition.cpu,
            memory: definition.memory,
            memory_reservation: definition.memory_reservation,
            essential: definition.essential,
            checked: definition.health_check.is_some_and(|check| !check.is_none()),
            health: HealthStatus::Unknown,
        }
    }
}
