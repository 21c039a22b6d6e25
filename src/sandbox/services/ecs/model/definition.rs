//! Task definitions, and what the sandbox needs to know of their containers.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Tag;

/// One revision of a task definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// Its family.
    pub family: String,
    /// Its number in the family, from 1.
    pub revision: u32,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was deregistered: it is then `INACTIVE`.
    pub deregistered_at: Option<Timestamp>,
    /// Everything else, by the API's member names, with the defaults that ECS fills in.
    pub content: Map<String, Value>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl TaskDefinition {
    /// `family:revision`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.family, self.revision)
    }

    /// Its containers.
    pub fn containers(&self) -> Vec<ContainerDefinition> {
        let list = self.content.get("containerDefinitions").cloned().unwrap_or_default();
        serde_json::from_value(list).unwrap_or_default()
    }

    /// A member of the content that is text.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.content.get(member).and_then(Value::as_str)
    }
}

/// What the sandbox needs of a container definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerDefinition {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether its end ends the task.
    #[serde(default = "essential")]
    pub essential: bool,
    /// CPU units; 0 when it has no share of its own.
    #[serde(default)]
    pub cpu: u32,
    /// Its hard limit in MiB.
    pub memory: Option<u32>,
    /// Ports that it says it listens on.
    #[serde(default)]
    pub port_mappings: Vec<PortMapping>,
    /// Its environment.
    #[serde(default)]
    pub environment: Vec<Variable>,
    /// Environment variables whose values are kept elsewhere.
    #[serde(default)]
    pub secrets: Vec<Secret>,
    /// Where its output goes.
    pub log_configuration: Option<LogConfiguration>,
    /// Seconds between SIGTERM and SIGKILL; 30 when left out.
    pub stop_timeout: Option<u32>,
}

fn essential() -> bool {
    true
}

/// A port of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// The port in the definition.
    pub container_port: u16,
    /// `tcp` or `udp`.
    pub protocol: Option<String>,
}

/// An environment variable.
#[derive(Debug, Clone, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// A variable whose value is an SSM parameter's or a secret's.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secret {
    /// The variable's name.
    pub name: String,
    /// The name or ARN of the parameter or secret.
    pub value_from: String,
}

/// The log driver of a container.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogConfiguration {
    /// `awslogs` is the one that the sandbox has.
    pub log_driver: String,
    /// Its options.
    #[serde(default)]
    pub options: IndexMap<String, String>,
}
