//! Which processes belong to a task, their CPU time and memory, and how to end them all.
//!
//! On Linux a shim adopts every orphan below it, so that walking `/proc` down from the shim also finds processes that called
//! `setsid`. On other systems only the process group is known.

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// Some processes, and the memory that they use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Their process ids.
    pub pids: Vec<i32>,
    /// Their resident memory.
    pub resident_bytes: u64,
}

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use other as platform;

pub use platform::CpuTimes;
pub(super) use platform::{SEES_DESCENDANTS, adopts_orphans, end_descendants, freeze, is_marked};
pub(crate) use platform::{adopt_orphans, end_marked, process_count, resident_bytes, unshared_bytes};

/// Kills one process; a process that has ended already is ignored.
pub(super) fn kill(pid: Pid) {
    let _ = signal::kill(pid, Signal::SIGKILL);
}

/// Kills processes; their shim collects them and ends their descendants.
pub(crate) fn kill_all(pids: &[i32]) {
    for pid in pids {
        kill(Pid::from_raw(*pid));
    }
}

/// Kills a whole process group; one that has ended already is ignored.
pub(super) fn kill_group(leader: Pid) {
    let _ = signal::killpg(leader, Signal::SIGKILL);
}
