//! A running container of an engine: stopped and ended by its shim, checked from inside.
//!
//! Its processes are visible if they are descendants of its shim, as with podman. With docker they are children of the daemon, which may
//! run on another machine: then only the engine enforces the container's limits, and its CPU time is not available.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use nix::unistd::Pid;

use super::container_commands::ENGINE_TIMEOUT;
use super::variables;
use crate::process::container_runtime::{ContainerHandle, check_program};
use crate::process::environment;
use crate::process::process_tree::{CpuTimes, ProcessUsage};
use crate::process::runner::ProcessHandle;
use crate::process::shim_messages::ProcessSpec;

#[derive(Debug)]
pub(super) struct EngineContainer {
    pub(super) process: ProcessHandle,
    /// Its main process, as its engine numbers it.
    pub(super) main: Option<Pid>,
    /// The first arguments of a command that runs inside it without a terminal.
    pub(super) check: Vec<String>,
    /// The first arguments of a command that runs inside it in a terminal.
    pub(super) terminal: Vec<String>,
}

impl EngineContainer {
    fn visible_main(&self, times: &CpuTimes) -> Option<Pid> {
        self.main.filter(|main| self.process.descendants(times).pids.contains(&main.as_raw()))
    }
}

impl ContainerHandle for EngineContainer {
    fn process(&self) -> &ProcessHandle {
        &self.process
    }

    fn check<'a>(&'a self, command: &'a [String], timeout: Duration) -> BoxFuture<'a, bool> {
        async move {
            let Some(command) = check_program(command) else { return false };
            // The shim runs it with the environment of the engine's client.
            self.process.check([self.check.clone(), command].concat(), timeout).await == Some(0)
        }
        .boxed()
    }

    /// When its client ends, podman ends what it runs inside; docker's daemon keeps that until the container ends.
    fn exec_in(&self, command: &[String]) -> Option<ProcessSpec> {
        Some(ProcessSpec {
            command: [&self.terminal, command].concat(),
            environment: environment::in_terminal(variables::engine_environment()),
            terminal: true,
            unlimited: true,
            ..ProcessSpec::default()
        })
    }

    /// Without the engine's own processes: their memory is not the container's.
    fn usage(&self, times: &CpuTimes) -> ProcessUsage {
        self.visible_main(times).map(|main| times.with_descendants(main)).unwrap_or_default()
    }

    fn cpu_time(&self, times: &CpuTimes) -> Duration {
        self.visible_main(times).map(|main| times.tree_cpu_time(main)).unwrap_or_default()
    }

    /// The shim inspects and removes the container, for which it may have to run the engine several times.
    fn cleanup_timeout(&self) -> Duration {
        4 * ENGINE_TIMEOUT
    }
}
