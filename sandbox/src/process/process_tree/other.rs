//! Stubs for platforms without `/proc`, with the signatures of the functions for Linux. They find no processes and measure zero.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::unistd::Pid;

use super::ProcessUsage;

pub(in crate::process) const SEES_DESCENDANTS: bool = false;

/// Does nothing.
pub fn adopt_orphans() {}

pub(in crate::process) fn adopts_orphans() -> bool {
    false
}

pub(in crate::process) fn freeze(_find: &dyn Fn() -> Vec<Pid>) {}

pub(in crate::process) fn is_marked(_pid: i32, _name: &str, _values: &BTreeSet<String>) -> bool {
    false
}

pub(in crate::process) async fn end_descendants() {}

/// Does nothing: environments of other processes cannot be read.
#[expect(clippy::unused_async, reason = "as where it has something to do")]
pub async fn end_marked(_name: &str, _values: &BTreeSet<String>) {}

/// Always zero.
pub fn process_count() -> u64 {
    0
}

/// Always zero.
pub fn resident_bytes(_pid: u32) -> u64 {
    0
}

/// Always zero.
pub fn unshared_bytes(_pids: &[i32]) -> u64 {
    0
}

/// CPU times, which are always zero.
#[derive(Debug, Default)]
pub struct CpuTimes;

impl CpuTimes {
    /// Reads nothing.
    pub fn read() -> Self {
        Self
    }

    /// Always empty.
    pub fn children(&self, _parent: Pid) -> Vec<i32> {
        Vec::new()
    }

    /// Always empty.
    pub fn descendants(&self, _root: Pid) -> ProcessUsage {
        ProcessUsage::default()
    }

    /// Always empty.
    pub fn with_descendants(&self, _root: Pid) -> ProcessUsage {
        ProcessUsage::default()
    }

    /// Always zero.
    pub fn tree_cpu_time(&self, _root: Pid) -> Duration {
        Duration::ZERO
    }
}
