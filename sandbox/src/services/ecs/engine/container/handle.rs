//! A running container of an engine: stopped and ended by its shim, checked from inside.
//!
//! Its processes are known where they are below its shim, as podman's are. Those of docker's daemon are not, and the number of
//! one says nothing when the daemon is on another machine: there the engine alone holds the container to its limits, and its
//! CPU time is not known.

use std::time::Duration;

use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

use crate::process::engine::Exec;
use crate::process::{CpuTimes, ProcessHandle, ProcessSpec, environment};

/// A container.
#[derive(Debug)]
pub(in super::super::super) struct Handle {
    pub(super) process: ProcessHandle,
    /// Its main process, as its engine numbers it.
    pub(super) main: Option<Pid>,
    /// What a command inside it begins with.
    pub(super) exec: Exec,
    /// The same for one in a terminal.
    pub(super) terminal: Exec,
}

impl Handle {
    pub(in super::super) fn stop(&self) {
        self.process.stop();
    }

    pub(in super::super) fn kill(&self) {
        self.process.kill();
    }

    /// Not the engine's own processes: they take memory too, and none of it is the container's.
    pub(in super::super) fn below(&self, times: &CpuTimes) -> (Vec<i32>, u64) {
        self.main(times).map(|main| times.tree(main)).unwrap_or_default()
    }

    pub(in super::super) fn cpu_time(&self, times: &CpuTimes) -> Duration {
        self.main(times).map(|main| times.of_tree(main)).unwrap_or_default()
    }

    fn main(&self, times: &CpuTimes) -> Option<Pid> {
        self.main.filter(|main| self.process.below(times).0.contains(&main.as_raw()))
    }

    /// When its client ends so does, with podman, what it runs inside; docker's daemon keeps that until the container ends.
    pub(in super::super) fn beside(&self, command: &[String]) -> ProcessSpec {
        ProcessSpec {
            command: [&self.terminal.command, command].concat(),
            environment: environment::in_terminal(self.terminal.environment.clone()),
            terminal: true,
            unlimited: true,
            ..ProcessSpec::default()
        }
    }

    pub(in super::super) fn gone(&self) -> CancellationToken {
        self.process.gone()
    }

    pub(in super::super) async fn check(&self, command: &[String], timeout: Duration) -> bool {
        let command = match command {
            [kind, script @ ..] if kind == "CMD-SHELL" => vec!["/bin/sh".to_owned(), "-c".to_owned(), script.join(" ")],
            [_, program @ ..] => program.to_vec(),
            [] => return false,
        };
        // The shim runs it beside the engine's client, and so with the engine's environment.
        self.process.check([self.exec.command.clone(), command].concat(), timeout).await == Some(0)
    }
}
