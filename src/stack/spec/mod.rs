//! The validated contents of `ecsws.toml`: a [`Spec`] has passed all rules that do not need AWS.
//!
//! The types are here; the private modules read them from TOML, one per table of the file.

use std::fmt;

use indexmap::IndexMap;
use serde_json::Number;

mod container;
mod logs;
mod network;
mod platform;
mod root;
mod sandbox;
mod scaling;
mod secret;
mod service;
mod task_policy;

pub use network::Cidr;
pub(crate) use platform::VPC_ID;
pub use root::tags_error;
pub use scaling::MAX_TASKS_PER_SERVICE;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::reader::{Document, Source};

/// The contents of an `ecsws.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The CDK generation whose templates synth produces.
    pub cdk: Generation,
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

/// A generation of the CDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 1.x, as of 1.204.
    One,
    /// 2.x, as of 2.275.
    Two,
}

/// The guard against deployments to another account or region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The account id.
    pub account: Option<String>,
    /// The region, such as `us-east-1`.
    pub region: Option<String>,
}

/// The platform that services import.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// The VPC's Name tag.
    pub vpc: String,
    /// The cluster's name.
    pub cluster: Reference,
    /// The id of the Cloud Map namespace.
    pub namespace: Reference,
    /// The id of the services' security group.
    pub security_group: Reference,
    /// Subnet ids to use instead of looking the VPC up.
    pub subnets: Option<Vec<String>>,
    /// The project's platform stack.
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
    /// The stack's name.
    pub name: String,
    /// The VPC's addresses.
    pub cidr: Cidr,
    /// The ECS cluster's name.
    pub cluster_name: String,
    /// Whether the cluster collects Container Insights.
    pub container_insights: bool,
    /// The private DNS namespace.
    pub namespace: String,
    /// Whether to create the instance that load tests run from.
    pub stress_tool: bool,
    /// Ports on which the members of the services' security group reach each other.
    pub ports: Vec<Port>,
}

/// One ECS service and its stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The stack's name.
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
    pub container: Container,
    /// The log configuration.
    pub logs: Logs,
    /// How deployments proceed.
    pub deployment: Deployment,
    /// Statements of the task role's policy.
    pub task_policy: Vec<Statement>,
    /// Target tracking.
    pub autoscaling: Option<Autoscaling>,
}

/// The container of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Construct id.
    pub id: String,
    /// The container's name.
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
    /// The health check.
    pub health_check: Option<HealthCheck>,
}

/// A port of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its number, from 1.
    pub number: u16,
    /// Its transport protocol.
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The name that ECS uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Port {
    /// The port as written in `ecsws.toml`.
    fn to_toml(self) -> String {
        match self.protocol {
            Protocol::Tcp => self.number.to_string(),
            Protocol::Udp => format!("\"{self}\""),
        }
    }
}

/// `80`, or `53/udp`.
impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Tcp => write!(formatter, "{}", self.number),
            Protocol::Udp => write!(formatter, "{}/{}", self.number, self.protocol.name()),
        }
    }
}

/// The source of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// The name of a Systems Manager parameter.
    Parameter(String),
    /// The name of a Secrets Manager secret.
    SecretsManager(String),
}

/// A container's health check; times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// The command, `CMD` or `CMD-SHELL` first.
    pub command: Vec<String>,
    /// Time between checks.
    pub interval: u32,
    /// Time that a check may take.
    pub timeout: u32,
    /// Failures in a row until the container is unhealthy.
    pub retries: u32,
    /// Time after the start in which failures do not count.
    pub start_period: Option<u32>,
}

/// The awslogs driver's options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// awslogs-stream-prefix.
    pub prefix: String,
    /// The log group.
    pub group: LogGroup,
}

/// The log group of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogGroup {
    /// Created with the container definition; its events never expire.
    Implicit,
    /// A resource of the stack itself.
    Explicit {
        /// Construct id.
        id: String,
        /// LogGroupName; CloudFormation generates one if it is `None`.
        name: Option<String>,
        /// How long events are kept; `None`: forever.
        retention_days: Option<u32>,
        /// What happens to it when it is removed from the stack.
        removal: Removal,
    },
}

/// What happens to a resource that is removed from its stack, or whose stack is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is kept.
    Retain,
    /// It is deleted.
    Destroy,
}

/// How a rolling deployment proceeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Share of the desired count that keeps running.
    pub min_healthy_percent: u32,
    /// Share of the desired count that may run.
    pub max_percent: u32,
    /// Whether ECS rolls back when tasks do not start.
    pub circuit_breaker: bool,
}

/// An `Allow` statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Actions, such as `s3:GetObject`.
    pub actions: Vec<String>,
    /// ARNs, or `*`.
    pub resources: Vec<String>,
}

/// Target tracking of a service's count.
#[derive(Debug, Clone, PartialEq)]
pub struct Autoscaling {
    /// Minimum number of tasks.
    pub min: u32,
    /// Maximum number of tasks.
    pub max: u32,
    /// Target tracking of average CPU utilisation.
    pub cpu: Option<TargetTracking>,
    /// Target tracking of average memory utilisation.
    pub memory: Option<TargetTracking>,
}

/// One target-tracking policy; times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetTracking {
    /// The average to keep, in percent.
    pub target: Number,
    /// Pause after scaling in.
    pub scale_in_cooldown: Option<u32>,
    /// Pause after scaling out.
    pub scale_out_cooldown: Option<u32>,
}

/// Settings of the sandbox: how tasks run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// The runtime of tasks.
    pub runtime: Runtime,
    /// Commands to run in place of images, by image.
    pub images: IndexMap<String, StandIn>,
}

/// How the sandbox runs tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// As processes of this machine.
    #[default]
    Process,
    /// In containers of podman.
    Podman,
    /// In containers of docker.
    Docker,
}

/// A command to run in place of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// The command; `{port}` is the task's port.
    pub command: Vec<String>,
    /// Folder to run it in, relative to the project's.
    pub cwd: Option<String>,
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
