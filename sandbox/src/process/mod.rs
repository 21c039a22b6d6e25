//! The operating-system processes and the engines' containers that run ECS's containers.
//!
//! A container's command runs under a shim: this binary again, leader of a process group of its own, holding a socket whose
//! other end only the sandbox has. When that socket closes, however the sandbox ended, the shim ends everything below it.
//! This module knows processes, ports and sockets; it knows nothing of ECS. A task's command comes only from
//! `[sandbox.images]` or is the built-in mock backend. Commands from API requests run as health checks and in sessions, and inside
//! the containers of an [`engine`].

pub mod address;
mod checks;
pub mod container;
pub mod descriptors;
pub mod engine;
pub mod environment;
mod host;
pub mod inner;
pub mod launch;
pub mod mock_backend;
mod orphans;
mod output;
mod ports;
mod process_tree;
mod protocol;
mod runner;
pub mod shim;
mod shim_connection;
pub mod signals;
mod terminal;
mod throttle;

pub use container::{
    Container, ContainerRuntime, ContainerRuntimes, ContainerSpec, HostOptions, StartFailure, StartedContainer,
};
pub use output::{MAX_MESSAGE_BYTES, Output, OutputLine, Splitter};
pub use ports::{PortLease, Ports};
pub use process_tree::{CpuTimes, adopt_orphans, end_marked, kill_all, process_count, resident_bytes, unshared_bytes};
pub use protocol::{Exit, ProcessSpec};
pub use runner::{Attached, Process, ProcessHandle, Runner, StartError, own_executable};
pub use terminal::Terminal;

/// The environment variable that marks every process of a task, so that one that left its shim's tree is still found.
pub const TASK_MARKER: &str = "ECSWS_SANDBOX_TASK";
