//! The rows of ECS: clusters, task definitions, services with their deployments, tasks with their containers.

use std::path::PathBuf;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::tags::{Tag, lower_case};
use crate::process::container_engine::EngineKind;

mod container;
mod definition;
mod service;
mod service_deployment;
mod task;

pub(crate) use container::{Container, HealthStatus, NetworkInterface};
pub(crate) use definition::{
    ContainerCondition, ContainerDefinition, HealthCheck, LogConfiguration, PortMapping, TaskDefinition,
};
pub(crate) use service::{
    Deployment, DeploymentConfiguration, DeploymentFailure, RolloutState, Service, ServiceStatus,
};
pub(crate) use service_deployment::{ServiceDeployment, ServiceDeploymentStatus, ServiceRevision};
pub(crate) use task::{StopCode, Task, TaskStatus};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub name: String,
    /// When it was deleted. It is then `INACTIVE`, and removed later.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    #[serde(with = "lower_case")]
    pub tags: Vec<Tag>,
    /// `settings`, `configuration`, `capacityProviders` and the like.
    pub content: Map<String, Value>,
}

/// What runs the images of a stack's services on this machine. Only `PutImages` writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Images {
    /// Commands that replace images, by the image's name.
    pub images: IndexMap<String, StoredImageCommand>,
    /// The engine that runs images without a command; the mock backend if left out.
    #[serde(default)]
    pub engine: Option<EngineKind>,
}

/// The command that replaces an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredImageCommand {
    /// The program and its arguments; `{port}` is the container's port.
    pub command: Vec<String>,
    /// Where it starts; absolute.
    pub cwd: Option<PathBuf>,
}
