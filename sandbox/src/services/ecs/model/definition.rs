//! Task definitions, and the parts of their containers that the sandbox uses.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::tags::{Tag, lower_case};

/// One revision of a task definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskDefinition {
    pub family: String,
    /// Its number in the family, from 1.
    pub revision: u32,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was deregistered: it is then `INACTIVE`.
    pub deregistered_at: Option<Timestamp>,
    /// When DeleteTaskDefinitions was called: it is then `DELETE_IN_PROGRESS`.
    #[serde(default)]
    pub delete_requested_at: Option<Timestamp>,
    /// Everything else, by the API's member names, with the defaults that ECS fills in.
    pub content: Map<String, Value>,
    #[serde(with = "lower_case")]
    pub tags: Vec<Tag>,
}

impl TaskDefinition {
    /// `family:revision`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.family, self.revision)
    }

    /// `ACTIVE`, `INACTIVE` or `DELETE_IN_PROGRESS`.
    pub(crate) fn status(&self) -> &'static str {
        match (self.deregistered_at, self.delete_requested_at) {
            (_, Some(_)) => "DELETE_IN_PROGRESS",
            (Some(_), None) => "INACTIVE",
            (None, None) => "ACTIVE",
        }
    }

    pub(crate) fn containers(&self) -> Vec<ContainerDefinition> {
        let list = self.content.get("containerDefinitions").cloned().unwrap_or_default();
        serde_json::from_value(list).unwrap_or_default()
    }

    /// A member of the content that is text.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.content.get(member).and_then(Value::as_str)
    }
}

/// What the sandbox needs of a container definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerDefinition {
    pub name: String,
    pub image: String,
    /// Whether its end ends the task.
    #[serde(default = "essential")]
    pub essential: bool,
    /// CPU units; 0 when it has no share of its own.
    #[serde(default)]
    pub cpu: u32,
    /// Its hard limit in MiB.
    pub memory: Option<u32>,
    /// Its soft limit in MiB.
    pub memory_reservation: Option<u32>,
    /// The ports that it listens on.
    #[serde(default)]
    pub port_mappings: Vec<PortMapping>,
    #[serde(default)]
    pub environment: Vec<Variable>,
    /// Environment variables with values from SSM or Secrets Manager.
    #[serde(default)]
    pub secrets: Vec<SecretVariable>,
    /// The log driver of its output.
    pub log_configuration: Option<LogConfiguration>,
    /// The containers that it waits for.
    #[serde(default)]
    pub depends_on: Vec<Dependency>,
    pub health_check: Option<HealthCheck>,
    /// Whether only its volumes are writable.
    #[serde(default)]
    pub readonly_root_filesystem: bool,
    /// Seconds for which others wait for it.
    pub start_timeout: Option<u32>,
    /// Seconds between SIGTERM and SIGKILL; 30 if left out.
    pub stop_timeout: Option<u32>,
}

impl ContainerDefinition {
    /// The port of the container's address: its first TCP port, or its first one if all are UDP.
    pub(crate) fn main_port(&self) -> Option<&PortMapping> {
        self.port_mappings.iter().find(|mapping| !mapping.is_udp()).or(self.port_mappings.first())
    }

    /// Whether it accepts TCP connections.
    pub(crate) fn has_tcp_port(&self) -> bool {
        self.main_port().is_some_and(|mapping| !mapping.is_udp())
    }
}

/// A container that another one waits for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    /// The other's name.
    pub container_name: String,
    /// What it waits for.
    pub condition: ContainerCondition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ContainerCondition {
    Start,
    Complete,
    /// It ended with the code 0.
    Success,
    /// Its health check passed.
    Healthy,
}

/// A container's health check; times are in seconds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthCheck {
    /// `CMD` or `CMD-SHELL` and what follows, or `NONE`.
    pub command: Vec<String>,
    /// Between checks.
    #[serde(default = "interval")]
    pub interval: u32,
    /// For one check.
    #[serde(default = "timeout")]
    pub timeout: u32,
    /// Consecutive failures that make it unhealthy.
    #[serde(default = "retries")]
    pub retries: u32,
    /// The time after its start in which failures do not count.
    #[serde(default)]
    pub start_period: u32,
}

fn interval() -> u32 {
    30
}

fn timeout() -> u32 {
    5
}

fn retries() -> u32 {
    3
}

impl HealthCheck {
    /// Whether it only disables the image's own check.
    pub(crate) fn is_none(&self) -> bool {
        self.command.first().is_none_or(|kind| kind == "NONE")
    }
}

fn essential() -> bool {
    true
}

/// A port of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortMapping {
    /// The port in the definition.
    pub container_port: u16,
    /// `tcp` or `udp`; `tcp` if left out.
    pub protocol: Option<String>,
}

impl PortMapping {
    pub(crate) fn is_udp(&self) -> bool {
        self.protocol() == "udp"
    }

    /// `tcp` or `udp`.
    pub(crate) fn protocol(&self) -> &str {
        self.protocol.as_deref().unwrap_or("tcp")
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Variable {
    pub name: String,
    #[serde(default)]
    pub value: String,
}

/// A variable whose value is an SSM parameter's or a secret's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretVariable {
    /// The variable's name.
    pub name: String,
    /// The name or ARN of the parameter or secret.
    pub value_from: String,
}

/// The log driver of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogConfiguration {
    /// The driver; the sandbox has `awslogs`.
    pub log_driver: String,
    #[serde(default)]
    pub options: IndexMap<String, String>,
}
