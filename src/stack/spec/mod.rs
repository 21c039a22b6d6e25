//! The validated contents of `ecsws.toml`: a [`Spec`] has passed all rules that do not need AWS.
//!
//! Each table of the file has a private module that reads it from TOML.

use indexmap::IndexMap;

mod autoscaling;
mod container;
mod deployment;
mod logs;
mod network;
mod platform;
mod port;
mod root;
mod sandbox;
mod secret;
mod service;
mod task_policy;

pub use autoscaling::{Autoscaling, MAX_TASKS_PER_SERVICE, TargetTracking};
pub use deployment::DeploymentConfiguration;
pub use logs::{LogGroupSpec, Logs, RemovalPolicy};
pub use network::Cidr;
pub(crate) use platform::VPC_ID;
pub use port::{Port, Protocol};
pub use root::tags_error;
pub use sandbox::{ImageCommand, Runtime, Sandbox};
pub use secret::Secret;
pub use task_policy::PolicyStatement;

use super::reader::{Document, Source};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The contents of an `ecsws.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The CDK generation whose templates synth produces.
    pub cdk: CdkVersion,
    /// The account and region of the project.
    pub target: Target,
    /// Tags of every stack.
    pub tags: IndexMap<String, String>,
    /// The platform that services run on.
    pub platform: Platform,
    /// The services by key, in the file's order.
    pub services: IndexMap<String, Service>,
    /// Settings of the sandbox.
    pub sandbox: Sandbox,
}

/// A major version of the CDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CdkVersion {
    /// 1.x, as of 1.204.
    V1,
    /// 2.x, as of 2.275.
    V2,
}

/// The guard against deployments to another account or region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    pub account: Option<String>,
    /// The region, such as `us-east-1`.
    pub region: Option<String>,
}

/// The platform that services import.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// The VPC's Name tag.
    pub vpc: String,
    pub cluster: Reference,
    /// The id of the Cloud Map namespace.
    pub namespace: Reference,
    /// The id of the services' security group.
    pub security_group: Reference,
    /// Subnet ids to use instead of looking the VPC up.
    pub subnets: Option<Vec<String>>,
    pub stack: Option<PlatformStack>,
}

/// A value, or an import of another stack's export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The name of a CloudFormation export.
    Import(String),
    /// The value itself.
    Literal(String),
}

/// The workshop's base stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformStack {
    pub name: String,
    /// The VPC's addresses.
    pub cidr: Cidr,
    pub cluster_name: String,
    /// Whether the cluster collects Container Insights.
    pub container_insights: bool,
    pub namespace: String,
    /// Whether to create the instance that load tests run from.
    pub stress_tool: bool,
    /// Ports on which the members of the services' security group reach each other.
    pub ports: Vec<Port>,
}

/// One ECS service and its stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub stack: String,
    /// Construct id of the service.
    pub id: String,
    /// Construct id of the task definition.
    pub task_id: String,
    /// ServiceName; CloudFormation generates one if it is `None`.
    pub name: Option<String>,
    /// CPU units of a task.
    pub cpu: u32,
    /// Memory of a task, in MiB.
    pub memory: u32,
    /// DesiredCount; `None` leaves it to autoscaling.
    pub count: Option<u32>,
    /// Whether the task definition is also compatible with EC2.
    pub ec2_compatible: bool,
    /// Cloud Map service name.
    pub discovery: Option<String>,
    /// Whether tasks get a public address, in the public subnets.
    pub public_ip: bool,
    /// Fargate platform version.
    pub platform_version: Option<String>,
    /// Whether ECS Exec is on.
    pub exec: bool,
    /// The task's one container.
    pub container: ContainerDefinition,
    pub logs: Logs,
    /// Settings of rolling deployments.
    pub deployment: DeploymentConfiguration,
    /// Statements of the task role's policy.
    pub task_policy: Vec<PolicyStatement>,
    /// Target tracking.
    pub autoscaling: Option<Autoscaling>,
}

/// The container of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerDefinition {
    pub id: String,
    pub name: String,
    /// The image, as a registry reference.
    pub image: String,
    /// Container ports, in the file's order.
    pub ports: Vec<Port>,
    /// The command, if it is not the image's.
    pub command: Option<Vec<String>>,
    /// Environment variables, in the order in which JavaScript enumerates the names.
    pub environment: IndexMap<String, String>,
    /// Environment variables from secrets, in the order in which JavaScript enumerates the names.
    pub secrets: IndexMap<String, Secret>,
    /// Hard limit, in MiB.
    pub memory: Option<u32>,
    /// Soft limit, in MiB.
    pub memory_reservation: Option<u32>,
    pub health_check: Option<HealthCheck>,
}

/// A container's health check; times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// The command, `CMD` or `CMD-SHELL` first.
    pub command: Vec<String>,
    /// Time between checks.
    pub interval: u32,
    /// Time limit of a check.
    pub timeout: u32,
    /// Consecutive failures after which the container is unhealthy.
    pub retries: u32,
    /// Grace period after the container's start, in which failures do not count.
    pub start_period: Option<u32>,
}

impl Spec {
    /// Parses and validates an `ecsws.toml`. Also returns warnings.
    ///
    /// # Errors
    /// All errors of the file.
    pub fn parse(text: &str) -> Result<(Self, Vec<Diagnostic>), Diagnostics> {
        let source = Source::new(text);
        let document = Document::parse(&source)?;
        let spec = root::read(&document.root());
        document.finish(spec)
    }

    /// Parses only the target of a file. The rest of the file may be invalid.
    ///
    /// # Errors
    /// The errors of its table, or syntax errors.
    pub fn parse_target(text: &str) -> Result<Target, Diagnostics> {
        let source = Source::new(text);
        let document = Document::parse(&source)?;
        let target = root::read_target(&document.root());
        document.finish(Some(target)).map(|(target, _)| target)
    }

    /// The service whose stack is `name`, with its key.
    pub fn service_of_stack(&self, name: &str) -> Option<(&str, &Service)> {
        self.services.iter().find(|(_, service)| service.stack == name).map(|(key, service)| (key.as_str(), service))
    }
}
