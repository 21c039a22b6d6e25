//! The operating-system processes and the engines' containers that run ECS's containers.
//!
//! A container's command runs under a shim: this binary again, leader of a process group of its own, holding a socket whose
//! other end only the sandbox has. When that socket closes, however the sandbox ended, the shim ends everything below it.
//! This module handles processes, ports and sockets; it does not depend on ECS. A task's command comes only from
//! `[sandbox.images]` or is the built-in mock backend. Commands from API requests run as health checks and in sessions, and inside
//! the containers of an [`container_engine`].

mod checks;
pub(crate) mod container_engine;
pub(crate) mod container_runtime;
pub(crate) mod descriptors;
pub mod environment;
pub(crate) mod exec_task;
mod host_processes;
pub(crate) mod inner_args;
pub(crate) mod load_balancer;
pub(crate) mod mock_backend;
mod orphans;
mod output;
mod port_leases;
mod process_tree;
mod pty;
mod runner;
pub(crate) mod shim;
mod shim_connection;
mod shim_messages;
pub(crate) mod signals;
mod throttle;

pub(crate) use container_runtime::{
    ContainerHandle, ContainerRuntimes, ContainerSpec, HostOptions, StartFailure, StartedContainer,
};
pub(crate) use output::{LineSplitter, OutputLine, ProcessOutput};
pub(crate) use port_leases::PortLease;
pub use port_leases::PortPool;
pub use process_tree::CpuTimes;
pub(crate) use process_tree::{
    ProcessUsage, adopt_orphans, end_marked, kill_all, process_count, resident_bytes, unshared_bytes,
};
pub(crate) use pty::Pty;
pub(crate) use runner::{AttachedProcess, ProcessHandle, own_executable};
pub use runner::{Process, Runner, StartError};
pub use shim_messages::{Exit, ProcessSpec};

/// The environment variable that marks every process of a task, so that one that left its shim's tree is still found.
pub const TASK_MARKER: &str = "ECSWS_SANDBOX_TASK";
