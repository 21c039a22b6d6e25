//! The messages between the sandbox and a task's shim: one JSON value per line over a socket.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::container_engine::ContainerCommands;

/// One container's process: the first line that a shim reads.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProcessSpec {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// The working directory; the sandbox's own if left out.
    pub cwd: Option<PathBuf>,
    /// The whole environment: nothing is inherited.
    pub environment: Vec<(String, String)>,
    /// How long after SIGTERM the rest is killed.
    pub stop_timeout: Duration,
    /// For a process that stays with an engine's container: how the shim stops and removes that container.
    #[serde(default)]
    pub container_commands: Option<ContainerCommands>,
    /// Whether it gets the terminal that its shim's output is, in a session of its own.
    #[serde(default)]
    pub terminal: bool,
    /// Whether it is exempt from the limit of a task's processes.
    #[serde(default)]
    pub unlimited: bool,
}

/// How a container's process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// The shim was killed; the processes below it were killed then.
    ShimLost,
    /// The container did not run at all: its engine could not start it.
    NeverStarted,
    /// The kernel killed the container because it exceeded its memory limit.
    OutOfMemory,
}

impl Exit {
    /// The exit code as container engines report it: 128 + the signal's number, 137 (killed) when the shim was lost or memory ran out.
    pub fn code(&self) -> i32 {
        match self {
            Self::Code(code) => *code,
            Self::Signal(signal) => 128 + signal,
            Self::ShimLost | Self::OutOfMemory => 137,
            Self::NeverStarted => 127,
        }
    }

    /// ECS's reason, if the code alone does not explain the exit.
    pub fn reason(&self) -> Option<&'static str> {
        (*self == Self::OutOfMemory).then_some("OutOfMemoryError: Container killed due to memory usage")
    }
}

/// A request of the sandbox to a shim, after the first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ShimRequest {
    /// SIGTERM, the stop timeout, SIGKILL.
    Stop,
    /// Run a command in the container's folder and with its environment.
    Check(Check),
}

/// A command that checks a container, such as its health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Check {
    /// Identifies it in the report.
    pub(super) id: u64,
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// How long it may take before it is killed.
    pub(super) timeout: Duration,
}

/// A report of a shim to the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    Started,
    /// The command could not be started: why.
    NotStarted(String),
    /// A check ended with this code; without a code it timed out or could not be started.
    Checked(u64, Option<i32>),
    /// The command ended, and none of its processes remain.
    Ended(Exit),
}

pub(super) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("plain data always has a JSON form");
    bytes.push(b'\n');
    bytes
}
