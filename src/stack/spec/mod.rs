//! `ecsws.toml` as a checked value. What is in a [`Spec`] has passed every rule that can be checked without asking AWS.
//!
//! The types are here; reading them from TOML is in the private modules, one per table of the file.

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

/// A whole `ecsws.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Which CDK generation's template shape to produce.
    pub cdk: Generation,
    /// The account and region that the project is for.
    pub target: Target,
    /// Tags of every stack.
    pub tags: IndexMap<String, String>,
    /// What services run on.
    pub platform: Platform,
    /// The services by key, in the file's order.
    pub services: IndexMap<String, Service>,
    /// What the sandbox runs.
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

/// The guard against other accounts and regions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Twelve digits.
    pub account: Option<String>,
    /// Such as `us-east-1`.
    pub region: Option<String>,
}

/// What services import.
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
    /// The project's own platform.
    pub stack: Option<PlatformStack>,
}

/// A value of another stack, or a plain one.
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
    /// Whether to make the instance that load tests run from.
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
    /// ServiceName; CloudFormation makes one if there is none.
    pub name: Option<String>,
    /// CPU units of a task.
    pub cpu: u32,
    /// Memory of a task, in MiB.
    pub memory: u32,
    /// DesiredCount; none is left to autoscaling.
    pub count: Option<u32>,
    /// Whether the task definition is for EC2 too.
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
    /// Where its output goes.
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
    /// Ports that it listens on, in the file's order.
    pub ports: Vec<Port>,
    /// The command, if it is not the image's.
    pub command: Option<Vec<String>>,
    /// Environment variables, in the order in which JavaScript enumerates the names.
    pub environment: IndexMap<String, String>,
    /// Environment variables that are read from a store, in the order in which JavaScript enumerates the names.
    pub secrets: IndexMap<String, Secret>,
    /// Hard limit, in MiB.
    pub memory: Option<u32>,
    /// Soft limit, in MiB.
    pub memory_reservation: Option<u32>,
    /// How ECS checks that it is well.
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
    /// The port as `ecsws.toml` has it.
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

/// Where a secret is kept.
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

/// Where the log group stands in the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogGroup {
    /// Within the container definition; its events never expire.
    Implicit,
    /// A resource of the stack itself.
    Explicit {
        /// Construct id.
        id: String,
        /// LogGroupName; CloudFormation makes one if there is none.
        name: Option<String>,
        /// How long events are kept; none: for ever.
        retention_days: Option<u32>,
        /// What becomes of it when it leaves the stack.
        removal: Removal,
    },
}

/// What becomes of a resource that is removed from its stack, or whose stack is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is kept, without the stack.
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
    /// Whether ECS rolls back by itself when tasks do not start.
    pub circuit_breaker: bool,
}

/// An `Allow` statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Such as `s3:GetObject`.
    pub actions: Vec<String>,
    /// ARNs, or `*`.
    pub resources: Vec<String>,
}

/// Target tracking of a service's count.
#[derive(Debug, Clone, PartialEq)]
pub struct Autoscaling {
    /// Fewest tasks.
    pub min: u32,
    /// Most tasks.
    pub max: u32,
    /// On average CPU utilisation.
    pub cpu: Option<TargetTracking>,
    /// On average memory utilisation.
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

/// What `--sandbox` runs for images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// What tasks are.
    pub runtime: Runtime,
    /// What stands in for an image, by image.
    pub images: IndexMap<String, StandIn>,
}

/// What a task of the sandbox is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// A process of this machine.
    #[default]
    Process,
    /// A container of podman.
    Podman,
    /// A container of docker.
    Docker,
}

/// A command that stands in for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// The command; `{port}` is the task's port.
    pub command: Vec<String>,
    /// Folder to run it in, relative to the project's.
    pub cwd: Option<String>,
}

impl Spec {
    /// Reads and checks an `ecsws.toml`. The second value is the warnings.
    ///
    /// # Errors
    /// Every mistake of the file together.
    pub fn parse(text: &str) -> Result<(Self, Vec<Diagnostic>), Diagnostics> {
        let source = Source::new(text);
        let document = Document::parse(&source)?;
        let spec = root::read(&document.root());
        document.finish(spec)
    }

    /// Only the target of a file that may be unfinished otherwise.
    ///
    /// # Errors
    /// The mistakes of its table, or a text that is no TOML.
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
