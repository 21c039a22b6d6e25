//! The inputs and answers of control calls. The sandbox and its client both use these types.

use std::path::PathBuf;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The input of `Status`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StatusRequest {
    /// Whether to include [`Usage`], which needs a scan of all processes.
    #[serde(default)]
    pub detail: bool,
}

/// The configuration of a running sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of its program.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it was started.
    pub started_at: Timestamp,
    /// Its account: twelve digits.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The folder of its state.
    pub state_dir: PathBuf,
    /// The factor by which waits are shortened.
    pub speed: f64,
    /// Whether commands from API requests may run on this machine.
    pub host_exec: bool,
    /// What runs in it, if the request asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What runs in a sandbox, and the memory and disk space that it uses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Resident memory of its process, without the tasks.
    pub memory_bytes: u64,
    /// Size of its database.
    pub disk_bytes: u64,
    /// Size of all log events, which are part of `disk_bytes`.
    pub log_bytes: u64,
    /// Maximum size of all log events; beyond it, the oldest are dropped.
    pub max_log_bytes: u64,
    /// Stacks, without deleted ones.
    pub stacks: Vec<StackSummary>,
    /// Active services.
    pub services: Vec<ServiceSummary>,
    /// Tasks, without stopped ones.
    pub tasks: Vec<TaskSummary>,
    /// Open Session Manager sessions.
    pub sessions: Vec<SessionSummary>,
}

/// A stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackSummary {
    /// Its name.
    pub name: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
}

/// A service and its number of tasks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceSummary {
    /// The name of its cluster.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// The desired count.
    pub desired: u32,
    /// How many tasks run.
    pub running: u32,
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary {
    /// The name of its cluster.
    pub cluster: String,
    /// Its id.
    pub id: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// Such as `RUNNING`.
    pub last_status: String,
    /// When it started to run.
    pub started_at: Option<Timestamp>,
    /// The ids of its processes.
    pub processes: Vec<i32>,
    /// Resident memory of these processes.
    pub memory_bytes: u64,
}

/// An open session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Its id.
    pub id: String,
    /// The instance, or `ecs:CLUSTER_TASK_RUNTIMEID`.
    pub target: String,
    /// When it was started.
    pub since: Timestamp,
}

/// The rules of fault injection, each with the number of times that it has been applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InjectedFaults {
    /// For requests.
    pub operations: Vec<Value>,
    /// For resources of stacks.
    pub resources: Vec<Value>,
}

/// The input of `PutImages`: what runs the images of a stack.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackImages {
    /// The stack's name.
    pub stack_name: String,
    /// What runs images without a command.
    #[serde(default)]
    pub runtime: ImageRuntime,
    /// Commands that replace images, by the image's name.
    #[serde(default)]
    pub images: IndexMap<String, ImageCommand>,
}

/// What runs images that no command replaces.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageRuntime {
    /// The mock backend, as a process.
    #[default]
    Process,
    /// A container of podman.
    Podman,
    /// A container of docker.
    Docker,
}

/// A command that replaces an image.
#[derive(Debug, Serialize, Deserialize)]
pub struct ImageCommand {
    /// The program and its arguments; `{port}` is the container's port.
    pub command: Vec<String>,
    /// Where it starts; absolute.
    pub cwd: Option<PathBuf>,
}

/// The input of `CheckRuntime`.
#[derive(Debug, Serialize, Deserialize)]
pub struct RuntimeCheck {
    /// The runtime to check.
    pub runtime: ImageRuntime,
    /// The images that it has to run.
    #[serde(default)]
    pub images: Vec<String>,
}

/// The answer of `CheckRuntime`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuntimeReport {
    /// Why the runtime cannot be used.
    pub unusable: Option<String>,
    /// What it cannot do, in words.
    pub unenforced_limits: Vec<String>,
    /// The images that it would have to pull.
    pub missing: Vec<String>,
}

/// The local address of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceUrl {
    /// The name of its cluster.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

/// The answer of `DescribeAddresses`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ServiceUrls {
    /// The services that have a local address.
    pub addresses: Vec<ServiceUrl>,
}
