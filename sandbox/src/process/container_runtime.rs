//! The interface between ECS and what runs its containers: [processes of this machine](super::host_processes) or a container
//! [engine](super::container_engine).

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::container_engine::{ContainerOptions, Engine, EngineKind};
use super::environment::Folders;
use super::host_processes::HostProcesses;
use super::output::ProcessOutput;
use super::port_leases::{PortLease, PortPool};
use super::process_tree::{CpuTimes, ProcessUsage};
use super::runner::{ProcessHandle, Runner};
use super::shim_messages::{Exit, ProcessSpec};

pub(crate) trait ContainerRuntime: Debug + Send + Sync {
    /// The limits that it cannot enforce on this machine, as sentences without a full stop.
    ///
    /// # Errors
    /// It cannot run containers here.
    fn unenforced_limits(&self) -> BoxFuture<'_, Result<Vec<&'static str>, RuntimeError>>;

    /// Whether an image can be run without pulling it.
    fn has_image<'a>(&'a self, image: &'a str) -> BoxFuture<'a, bool>;

    /// Finds an image on this machine, or pulls it.
    ///
    /// # Errors
    /// The registry's or the engine's message.
    fn pull<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<LocalImage, RuntimeError>>;

    /// Starts a container of an image that was [pulled](Self::pull), and returns once it runs. Nothing remains of a failed start.
    ///
    /// # Errors
    /// The step that failed, and why.
    fn start<'a>(
        &'a self,
        runner: &'a Runner,
        image: &'a LocalImage,
        spec: &'a ContainerSpec,
    ) -> BoxFuture<'a, Result<StartedContainer, StartFailure>>;
}

/// A running container. It is stopped when the last reference to it is dropped.
pub(crate) trait ContainerHandle: Debug + Send + Sync {
    /// The process that stays with the container to its end.
    fn process(&self) -> &ProcessHandle;

    /// Runs a health check (`CMD` or `CMD-SHELL` and what follows) and returns whether it passed.
    fn check<'a>(&'a self, command: &'a [String], timeout: Duration) -> BoxFuture<'a, bool>;

    /// The process that runs a command in the container, in a terminal; none if commands from requests may not run.
    fn exec_in(&self, command: &[String]) -> Option<ProcessSpec>;

    /// The processes that it consists of.
    fn usage(&self, times: &CpuTimes) -> ProcessUsage;

    /// The CPU time that it has used.
    fn cpu_time(&self, times: &CpuTimes) -> Duration;

    /// How long cleaning up after its end may take.
    fn cleanup_timeout(&self) -> Duration;

    /// Asks it to end, and kills it after its stop timeout.
    fn stop(&self) {
        self.process().stop();
    }

    fn kill(&self) {
        self.process().kill();
    }

    /// Cancelled when it has ended.
    fn ended(&self) -> CancellationToken {
        self.process().ended()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ContainerSpec {
    /// The task's id, which marks everything that is started for it.
    pub task_id: String,
    /// The container's position in its task definition.
    pub index: usize,
    pub image: String,
    /// The task's host name.
    pub host_name: String,
    /// Variables that the sandbox sets, in addition to those that the runtime adds.
    pub sandbox_environment: Vec<(String, String)>,
    /// Variables that requests set: the definition's variables and secrets, and overrides. They take precedence.
    pub environment: Vec<(String, String)>,
    /// How long after the stop signal it is killed.
    pub stop_timeout: Duration,
    /// What only [`HostProcesses`] uses.
    pub host: HostOptions,
    /// What only an [`Engine`] uses.
    pub engine: ContainerOptions,
}

/// The process that stands in for a container.
#[derive(Debug, Clone)]
pub(crate) struct HostOptions {
    /// The command that replaces the image; the mock backend if left out.
    pub command: Option<Vec<String>>,
    /// Where the command starts; the task's home if left out.
    pub cwd: Option<PathBuf>,
    /// The task's folders.
    pub folders: Folders,
    /// The container's port on this machine.
    pub port: u16,
    /// The ports of all containers of the task, in their definitions and on this machine: they share one loopback address.
    pub task_ports: Vec<(u16, u16)>,
    /// Whether the container's definition names a port.
    pub has_port: bool,
    /// CPU units, which the mock backend keeps to.
    pub cpu: u32,
    /// The task's private address, which the mock backend shows.
    pub address: String,
    /// The task's availability zone, which the mock backend shows.
    pub zone: String,
}

/// An image that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalImage {
    /// Its name in the runtime.
    pub name: String,
    /// The signal that stops its containers.
    pub stop_signal: String,
}

#[derive(Debug)]
pub(crate) struct StartedContainer {
    pub container: Arc<dyn ContainerHandle>,
    /// What it prints, until its end.
    pub output: ProcessOutput,
    /// How it ended; sent when none of its processes remain.
    pub exit: oneshot::Receiver<Exit>,
    /// Where the main port of its definition is reached on this machine.
    pub port: Option<u16>,
    /// The ports that were leased for it.
    pub leases: Vec<PortLease>,
}

/// Why a runtime could not do something, with its own message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuntimeError {
    /// The engine's program is missing.
    #[error("{0} is not installed")]
    NotInstalled(&'static str),
    /// This user may not use the engine.
    #[error("{0}")]
    PermissionDenied(String),
    /// The engine's daemon does not run.
    #[error("{0}")]
    NotRunning(String),
    /// The engine cannot set up a container's own network on this machine.
    #[error("{0}")]
    NetworkUnavailable(String),
    #[error("{0}")]
    Other(String),
}

/// Why a container was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StartFailure {
    /// It could not be created.
    #[error("{0}")]
    Create(RuntimeError),
    /// It was created, but could not be started.
    #[error("{0}")]
    Start(RuntimeError),
}

/// The runtimes of one sandbox. No engine is run before a task needs it.
#[derive(Debug)]
pub(crate) struct ContainerRuntimes {
    host: HostProcesses,
    podman: Engine,
    docker: Engine,
}

impl ContainerRuntimes {
    /// The runtimes for the containers of the sandbox whose state is in `state_dir`, and whose program is `program`.
    /// `host_exec` determines whether commands from requests may run as processes of this machine.
    pub(crate) fn new(state_dir: &Path, program: &Path, host_exec: bool, ports: &PortPool) -> Self {
        let engine = |kind| Engine::new(kind, state_dir.to_owned(), ports.clone());
        Self {
            host: HostProcesses::new(program.to_owned(), host_exec),
            podman: engine(EngineKind::Podman),
            docker: engine(EngineKind::Docker),
        }
    }

    /// The runtime of an engine, or that of processes.
    pub(crate) fn get(&self, engine: Option<EngineKind>) -> &dyn ContainerRuntime {
        match engine {
            None => &self.host,
            Some(EngineKind::Podman) => &self.podman,
            Some(EngineKind::Docker) => &self.docker,
        }
    }
}

/// The program of a health check and its arguments; none for a check without a command.
pub(super) fn check_program(command: &[String]) -> Option<Vec<String>> {
    match command {
        [kind, script @ ..] if kind == "CMD-SHELL" => Some(vec!["/bin/sh".into(), "-c".into(), script.join(" ")]),
        [_, program @ ..] => Some(program.to_vec()),
        [] => None,
    }
}
