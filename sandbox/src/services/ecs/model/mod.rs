//! The rows of ECS: clusters, task definitions, services with their deployments, tasks with their containers.

use std::path::PathBuf;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::process::engine::EngineKind;

mod definition;
mod rollout;
mod service;
mod task;

pub use definition::{Condition, ContainerDefinition, HealthCheck, LogConfiguration, PortMapping, TaskDefinition};
pub use rollout::{ServiceDeployment, ServiceDeploymentStatus, ServiceRevision};
pub use service::{Deployment, DeploymentConfiguration, DeploymentFailure, RolloutState, Service, ServiceStatus};
pub use task::{Container, HealthStatus, NetworkInterface, StopCode, Task, TaskStatus};

/// A tag of any resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// A cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// When it was deleted: it is `INACTIVE`, and forgotten a while later.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// `settings`, `configuration`, `capacityProviders` and the like, as they were given.
    pub content: Map<String, Value>,
}

/// What stands in for the images of a stack's services on this machine: only `PutImages` writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Images {
    /// By image.
    pub images: IndexMap<String, ImageCommand>,
    /// What runs the others as containers; a built-in service stands in for them when left out.
    #[serde(default)]
    pub engine: Option<EngineKind>,
}

/// The command that stands in for an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageCommand {
    /// The program and its arguments; `{port}` is the container's port.
    pub command: Vec<String>,
    /// Where it starts; absolute.
    pub cwd: Option<PathBuf>,
}
