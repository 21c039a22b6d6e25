//! What is known of processes where there is no `/proc`: nothing. The functions have the signatures of those for Linux.

use std::collections::BTreeSet;
use std::time::Duration;

use nix::unistd::Pid;

use super::ProcessUsage;

pub(in crate::process) const SEES_DESCENDANTS: bool = false;

/// Nothing is adopted here.
pub fn adopt_orphans() {}

pub(in crate::process) fn adopts_orphans() -> bool {
    false
}

pub(in crate::process) fn freeze(_find: &dyn Fn() -> Vec<Pid>) {}

pub(in crate::process) fn is_marked(_pid: i32, _name: &str, _values: &BTreeSet<String>) -> bool {
    false
}

pub(in crate::process) async fn end_descendants() {}

/// Environments of other processes cannot be read here.
#[expect(clippy::unused_async, reason = "as where it has something to do")]
pub async fn end_marked(_name: &str, _values: &BTreeSet<String>) {}

/// Always the same.
pub fn process_count() -> u64 {
    0
}

/// Not known here.
pub fn resident_bytes(_pid: u32) -> u64 {
    0
}

/// Not known here.
pub fn unshared_bytes(_pids: &[i32]) -> u64 {
    0
}

/// CPU times are not read here: every tree answers zero.
#[derive(Debug, Default)]
pub struct CpuTimes;

impl CpuTimes {
    /// Reads nothing.
    pub fn read() -> Self {
        Self
    }

    /// Always nothing.
    pub fn children(&self, _parent: Pid) -> Vec<i32> {
        Vec::new()
    }

    /// Always nothing.
    pub fn descendants(&self, _root: Pid) -> ProcessUsage {
        ProcessUsage::default()
    }

    /// Always nothing.
    pub fn with_descendants(&self, _root: Pid) -> ProcessUsage {
        ProcessUsage::default()
    }

    /// Always zero.
    pub fn tree_cpu_time(&self, _root: Pid) -> Duration {
        Duration::ZERO
    }
}
