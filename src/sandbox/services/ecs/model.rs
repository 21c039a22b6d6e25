//! The rows of ECS: clusters, task definitions, services with their deployments, tasks with their containers.

use std::path::PathBuf;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A tag of any resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// A cluster. A deleted one has no row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// `settings`, `configuration`, `capacityProviders` and the like, as they were given.
    pub content: Map<String, Value>,
}

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

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceStatus {
    /// Its tasks are kept running.
    Active,
    /// It was deleted, and its tasks are ending.
    Draining,
    /// It was deleted, and nothing of it runs.
    Inactive,
}

/// A service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// Where it is in its life.
    pub status: ServiceStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became inactive.
    pub inactive_at: Option<Timestamp>,
    /// How many tasks it should run.
    pub desired_count: u32,
    /// How its deployments go.
    pub deployment_configuration: DeploymentConfiguration,
    /// Everything else, by the API's member names.
    pub content: Map<String, Value>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The newest first: that is the `PRIMARY` one.
    pub deployments: Vec<Deployment>,
    /// The newest first, at most a hundred.
    pub events: Vec<ServiceEvent>,
    /// The port of its address on this machine.
    pub local_port: Option<u16>,
    /// Whether the last thing that was said is that it is steady.
    pub steady: bool,
}

/// How deployments go.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentConfiguration {
    /// Whether a deployment that does not work is given up.
    #[serde(default)]
    pub deployment_circuit_breaker: CircuitBreaker,
    /// The most tasks that may run meanwhile, in percent of the desired count.
    #[serde(default = "maximum_percent")]
    pub maximum_percent: u32,
    /// The fewest that must, in percent.
    #[serde(default = "minimum_healthy_percent")]
    pub minimum_healthy_percent: u32,
}

fn maximum_percent() -> u32 {
    200
}

fn minimum_healthy_percent() -> u32 {
    100
}

impl Default for DeploymentConfiguration {
    fn default() -> Self {
        Self {
            deployment_circuit_breaker: CircuitBreaker::default(),
            maximum_percent: maximum_percent(),
            minimum_healthy_percent: minimum_healthy_percent(),
        }
    }
}

/// The deployment circuit breaker.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct CircuitBreaker {
    /// Whether it is on.
    pub enable: bool,
    /// Whether it goes back to the last deployment that worked.
    pub rollback: bool,
}

/// How far a deployment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RolloutState {
    /// All its tasks run.
    Completed,
    /// The circuit breaker gave it up.
    Failed,
    /// It is under way.
    InProgress,
}

/// One deployment of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// `ecs-svc/` and a number.
    pub id: String,
    /// `family:revision`.
    pub task_definition: String,
    /// How many tasks it should run.
    pub desired_count: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How far it got.
    pub rollout_state: RolloutState,
    /// In AWS's words.
    pub rollout_state_reason: String,
    /// Tasks that failed one after the other.
    pub failed_tasks: u32,
    /// No task is started before that time, because the last ones failed.
    pub retry_at: Option<Timestamp>,
    /// Where its tasks are put.
    pub network_configuration: Option<Value>,
}

/// Something that happened to a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// A UUID.
    pub id: String,
    /// When.
    pub created_at: Timestamp,
    /// What, in AWS's words.
    pub message: String,
}

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
    /// When its containers ran.
    pub started_at: Option<Timestamp>,
    /// When its end began.
    pub stopping_at: Option<Timestamp>,
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
    /// `FARGATE`, `EC2`.
    pub launch_type: String,
    /// What RunTask overrode, as it was given.
    pub overrides: Option<Value>,
    /// Whether ECS Exec is on.
    pub enable_execute_command: bool,
    /// Its tags.
    pub tags: Vec<Tag>,
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
    /// CPU units of its definition.
    pub cpu: u32,
    /// MiB of its definition.
    pub memory: Option<u32>,
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

/// What stands in for the images of a stack's services on this machine: only `PutImages` writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Images {
    /// By image.
    pub images: IndexMap<String, ImageCommand>,
}

/// The command that stands in for an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageCommand {
    /// The program and its arguments; `{port}` is the container's port.
    pub command: Vec<String>,
    /// Where it starts; absolute.
    pub cwd: Option<PathBuf>,
}

impl NetworkInterface {
    /// As EC2 names addresses: `ip-10-0-0-7.ec2.internal`.
    pub fn private_dns_name(&self) -> String {
        format!("ip-{}.ec2.internal", self.private_ip.replace('.', "-"))
    }
}
