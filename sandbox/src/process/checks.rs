//! Commands that look at a container while it runs, such as its health check: the shim starts them beside the container's
//! own command, ends them when they take too long, and ends them with the container.

use std::collections::BTreeMap;

use nix::unistd::Pid;
use tokio::time::Instant;

use super::process_tree;
use super::protocol::{Check, Exit, ProcessSpec, Report};
use super::shim::{Beside, launch};

/// The checks of one container that are under way.
#[derive(Debug)]
pub(super) struct Checks {
    container: ProcessSpec,
    running: BTreeMap<Pid, Running>,
}

#[derive(Debug)]
struct Running {
    id: u64,
    until: Instant,
    late: bool,
}

impl Checks {
    /// Checks of a container that was started with `container`.
    pub(super) fn new(container: ProcessSpec) -> Self {
        Self { container, running: BTreeMap::new() }
    }

    /// What the container was started with.
    pub(super) fn container(&self) -> &ProcessSpec {
        &self.container
    }

    /// Starts a check; the answer at once when that is not possible.
    pub(super) fn begin(&mut self, Check { id, command, timeout }: Check) -> Option<Report> {
        match launch(&ProcessSpec { command, ..self.container.clone() }, Beside::TheContainer) {
            Ok(pid) => {
                self.running.insert(pid, Running { id, until: Instant::now() + timeout, late: false });
                None
            }
            Err(_) => Some(Report::Checked(id, None)),
        }
    }

    /// A process ended; the answer when it was a check.
    pub(super) fn ended(&mut self, pid: Pid, exit: &Exit) -> Option<Report> {
        let Running { id, late, .. } = self.running.remove(&pid)?;
        // What it started in the background ends with it.
        process_tree::kill_group(pid);
        Some(Report::Checked(id, (!late).then(|| exit.code())))
    }

    /// When the next check has taken too long.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.running.values().filter(|one| !one.late).map(|one| one.until).min()
    }

    /// Kills what has taken too long.
    pub(super) fn end_late(&mut self) {
        let now = Instant::now();
        for (pid, check) in &mut self.running {
            if check.until <= now {
                check.late = true;
                process_tree::kill_group(*pid);
            }
        }
    }

    /// Kills all.
    pub(super) fn end(&mut self) {
        for pid in std::mem::take(&mut self.running).into_keys() {
            process_tree::kill_group(pid);
        }
    }
}
