//! The inputs and responses of control calls. The sandbox and its client both use these types.

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
    pub version: String,
    pub pid: u32,
    pub started_at: Timestamp,
    pub account: String,
    pub region: String,
    pub state_dir: PathBuf,
    /// The factor by which waits are shortened.
    pub speed: f64,
    /// Whether commands from API requests may run on this machine.
    pub host_exec: bool,
    /// What runs in it, if `detail` is set in the request.
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
    pub services: Vec<ServiceSummary>,
    /// Tasks, without stopped ones.
    pub tasks: Vec<TaskSummary>,
    /// Open Session Manager sessions.
    pub sessions: Vec<SessionSummary>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackSummary {
    pub name: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
}

/// A service and its number of tasks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceSummary {
    pub cluster: String,
    pub name: String,
    pub desired: u32,
    pub running: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary {
    pub cluster: String,
    pub id: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// Such as `RUNNING`.
    pub last_status: String,
    pub started_at: Option<Timestamp>,
    pub processes: Vec<i32>,
    /// Resident memory of these processes.
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionSummary {
    pub id: String,
    /// The instance, or `ecs:CLUSTER_TASK_RUNTIMEID`.
    pub target: String,
    pub since: Timestamp,
}

/// The rules of fault injection, each with the number of times that it has been applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InjectedFaults {
    pub operations: Vec<Value>,
    pub resources: Vec<Value>,
    pub logs: Vec<Value>,
}

/// The input of `PutImages`: what runs the images of a stack.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackImages {
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
    pub runtime: ImageRuntime,
    #[serde(default)]
    pub images: Vec<String>,
}

/// The response of `CheckRuntime`.
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
    pub cluster: String,
    pub service: String,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

/// The response of `DescribeAddresses`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ServiceUrls {
    /// The services that have a local address.
    pub addresses: Vec<ServiceUrl>,
}
