//! What a container really is on this machine: the seam between a task's driver, which knows ECS and nothing of processes,
//! and whatever runs the container. Another engine is a variant of [`Handle`], its own file beside, and an arm in [`start`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::model::ImageCommand;
use crate::Sandbox;
use crate::process::{CpuTimes, ENGINE_TIMEOUT, Exit, Output, PortLease, ProcessSpec};

mod container;
mod loopback;
mod process;

pub use container::{Engines, TaskNetwork, check_runtime};
pub(super) use container::{Origin, of, remove_left};

/// A container, as far as every engine needs to know it.
#[derive(Debug, Clone)]
pub(super) struct ContainerSpec {
    /// The task's id, which marks everything that is started for it.
    pub(super) task_id: String,
    /// Its image.
    pub(super) image: String,
    /// What an engine makes a container of, when its stack asks for one; a process stands in for it otherwise.
    pub(super) origin: Option<Arc<Origin>>,
    /// What stands in for the image, when its stack says so.
    pub(super) stand_in: Option<ImageCommand>,
    /// What the sandbox sets, besides what the engine adds.
    pub(super) sandbox_environment: Vec<(String, String)>,
    /// What requests set, over that: the definition's variables and secrets, and overrides.
    pub(super) environment: Vec<(String, String)>,
    /// CPU units.
    pub(super) cpu: u32,
    /// Its real port on this machine, as a process.
    pub(super) port: u16,
    /// The ports of all containers of the task, in their definitions and on this machine: they share one loopback address.
    pub(super) task_ports: Vec<(u16, u16)>,
    /// Whether its definition names a port.
    pub(super) has_port: bool,
    /// The task's address and name in its subnet, and its zone: what it says it is.
    pub(super) address: String,
    pub(super) host_name: String,
    pub(super) zone: String,
    /// How long it may take to end.
    pub(super) stop_timeout: Duration,
}

/// A container that was started.
#[derive(Debug)]
pub(super) struct Launched {
    /// To stop it and to look at it.
    pub(super) handle: Handle,
    /// What it prints, until its end.
    pub(super) output: Output,
    /// How it ended; sent when nothing of it is left.
    pub(super) exit: oneshot::Receiver<Exit>,
    /// Where the first port of its definition is reached on this machine.
    pub(super) port: Option<u16>,
    /// What keeps its ports its own, besides the one that it was given.
    pub(super) leases: Vec<PortLease>,
}

/// A running container. When the last handle is dropped the container is stopped.
#[derive(Debug, Clone)]
pub(super) enum Handle {
    /// A process of this machine.
    Process(Arc<process::Handle>),
    /// A container of podman or docker.
    Container(Arc<container::Handle>),
}

/// Starts a container.
///
/// # Errors
/// In words for a stopped reason, which begin with ECS's word for the step that failed.
pub(super) async fn start(sandbox: &Sandbox, spec: ContainerSpec) -> Result<Launched, String> {
    match &spec.origin {
        Some(origin) => container::start(sandbox, origin, &spec).await,
        None => process::start(sandbox, spec).await.map_err(|error| format!("CannotStartContainerError: {error}")),
    }
}

impl Handle {
    /// Asks it to end, and makes it end after its stop timeout.
    pub(super) fn stop(&self) {
        match self {
            Self::Process(process) => process.stop(),
            Self::Container(container) => container.stop(),
        }
    }

    /// Runs a health check (`CMD` or `CMD-SHELL` and what follows); whether it passed.
    pub(super) async fn check(&self, command: &[String], timeout: Duration) -> bool {
        match self {
            Self::Process(process) => process.check(command, timeout).await,
            Self::Container(container) => container.check(command, timeout).await,
        }
    }

    /// What a command is that runs beside it, in a terminal, as in the container; none when commands from requests may not run.
    pub(super) fn beside(&self, command: &[String]) -> Option<ProcessSpec> {
        match self {
            Self::Process(process) => process.beside(command),
            Self::Container(container) => Some(container.beside(command)),
        }
    }

    /// Cancelled when it is gone.
    pub(super) fn gone(&self) -> CancellationToken {
        match self {
            Self::Process(process) => process.gone(),
            Self::Container(container) => container.gone(),
        }
    }

    /// The processes that it consists of, and the memory that they have in RAM, in bytes.
    pub(super) fn below(&self, times: &CpuTimes) -> (Vec<i32>, u64) {
        match self {
            Self::Process(process) => process.below(times),
            Self::Container(container) => container.below(times),
        }
    }

    /// Ends it without asking.
    pub(super) fn kill(&self) {
        match self {
            Self::Process(process) => process.kill(),
            Self::Container(container) => container.kill(),
        }
    }

    /// How long its end may take beyond its stop timeout, when that of a process may take `process`: what inspects and removes
    /// a container of an engine takes time of its own, which its shim bounds.
    pub(super) fn stop_margin(&self, process: Duration) -> Duration {
        match self {
            Self::Process(_) => process,
            Self::Container(_) => process + 4 * ENGINE_TIMEOUT,
        }
    }

    /// The CPU time that it used so far, by one look at the machine's processes.
    pub(super) fn cpu_time(&self, times: &CpuTimes) -> Duration {
        match self {
            Self::Process(process) => process.cpu_time(times),
            Self::Container(container) => container.cpu_time(times),
        }
    }
}
