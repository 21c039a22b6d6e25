//! Commands that check a container while it runs, such as its health check: the shim starts them, kills them when their timeout
//! expires, and ends them with the container.

use std::collections::BTreeMap;

use nix::unistd::Pid;
use tokio::time::Instant;

use super::process_tree;
use super::shim::{ProcessRole, launch};
use super::shim_messages::{Check, Exit, ProcessSpec, Report};

/// The running checks of one container.
#[derive(Debug)]
pub(super) struct Checks {
    container: ProcessSpec,
    running: BTreeMap<Pid, RunningCheck>,
}

#[derive(Debug)]
struct RunningCheck {
    id: u64,
    deadline: Instant,
    timed_out: bool,
}

impl Checks {
    /// The checks of a container that was started with `container`.
    pub(super) fn new(container: ProcessSpec) -> Self {
        Self { container, running: BTreeMap::new() }
    }

    /// What the container was started with.
    pub(super) fn container(&self) -> &ProcessSpec {
        &self.container
    }

    /// Starts a check; returns its report if it cannot be started.
    pub(super) fn begin(&mut self, Check { id, command, timeout }: Check) -> Option<Report> {
        match launch(&ProcessSpec { command, ..self.container.clone() }, ProcessRole::Check) {
            Ok(pid) => {
                self.running.insert(pid, RunningCheck { id, deadline: Instant::now() + timeout, timed_out: false });
                None
            }
            Err(_) => Some(Report::Checked(id, None)),
        }
    }

    /// The report of a check, if the process that ended was one.
    pub(super) fn ended(&mut self, pid: Pid, exit: &Exit) -> Option<Report> {
        let RunningCheck { id, timed_out, .. } = self.running.remove(&pid)?;
        // Its background processes end with it.
        process_tree::kill_group(pid);
        Some(Report::Checked(id, (!timed_out).then(|| exit.code())))
    }

    /// When the next timeout expires.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.running.values().filter(|check| !check.timed_out).map(|check| check.deadline).min()
    }

    /// Kills checks whose timeout has expired.
    pub(super) fn kill_expired(&mut self) {
        let now = Instant::now();
        for (pid, check) in &mut self.running {
            if check.deadline <= now {
                check.timed_out = true;
                process_tree::kill_group(*pid);
            }
        }
    }

    pub(super) fn kill_all(&mut self) {
        for pid in std::mem::take(&mut self.running).into_keys() {
            process_tree::kill_group(pid);
        }
    }
}
