//! Processes by `/proc`.

#![expect(clippy::disallowed_methods, reason = "/proc is where Linux keeps its processes")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{self, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};

use super::{ProcessUsage, kill};

pub(in crate::process) const SEES_DESCENDANTS: bool = true;

/// How often the tree is walked before the remaining processes are abandoned (they are stuck in the kernel).
const MAX_ROUNDS: u32 = 2000;

/// Makes this process the parent of every orphan below it.
pub(crate) fn adopt_orphans() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// Whether this process is a subreaper (`PR_SET_CHILD_SUBREAPER`).
pub(in crate::process) fn adopts_orphans() -> bool {
    nix::sys::prctl::get_child_subreaper().unwrap_or(false)
}

/// Kills and collects all descendants of this process.
pub(in crate::process) async fn end_descendants() {
    for _ in 0..MAX_ROUNDS {
        freeze(&|| descendants(getpid()));
        descendants(getpid()).into_iter().for_each(kill);
        if collect_children() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Stops the processes that `find` returns until no new one appears: a stopped process cannot fork while the others are killed.
pub(in crate::process) fn freeze(find: &dyn Fn() -> Vec<Pid>) {
    let mut stopped = BTreeSet::new();
    loop {
        let new: Vec<Pid> = find().into_iter().filter(|pid| !stopped.contains(pid)).collect();
        if new.is_empty() {
            return;
        }
        for pid in new {
            let _ = signal::kill(pid, Signal::SIGSTOP);
            stopped.insert(pid);
        }
    }
}

/// Collects ended children; whether no child remains.
fn collect_children() -> bool {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return false,
            Err(Errno::ECHILD) => return true,
            Ok(_) | Err(_) => {}
        }
    }
}

fn descendants(root: Pid) -> Vec<Pid> {
    let table = CpuTimes::read();
    let mut processes = Vec::new();
    table.walk(root.as_raw(), &mut |pid, _| processes.push(Pid::from_raw(pid)));
    processes.retain(|pid| *pid != root);
    processes
}

/// Pauses between searches for marked processes: a process has no environment while it becomes another program.
const SEARCH_PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(250)];

/// Kills every process whose environment has `NAME=value`: those of a lost shim that are in other process groups.
pub(crate) async fn end_marked(name: &str, values: &BTreeSet<String>) {
    for pause in SEARCH_PAUSES.into_iter().filter(|_| !values.is_empty()) {
        tokio::time::sleep(pause).await;
        kill_marked(name, values);
    }
}

fn kill_marked(name: &str, values: &BTreeSet<String>) {
    process_ids().filter(|pid| is_marked(*pid, name, values)).for_each(|pid| kill(Pid::from_raw(pid)));
}

/// Whether a process's environment has the variable `name` with one of the values.
pub(in crate::process) fn is_marked(pid: i32, name: &str, values: &BTreeSet<String>) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let mut variables = environment.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
    variables.any(|variable| variable.split_once('=').is_some_and(|(key, value)| key == name && values.contains(value)))
}

fn process_ids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// How many processes and threads the machine has. Cheap enough for ten calls a second.
pub(crate) fn process_count() -> u64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(['/', ' ']).nth(4).and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// The resident memory of a process.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    ProcessStat::read(&stat).map_or(0, |(_, process)| process.resident_pages * page_size())
}

/// The resident memory of processes without mapped files, shared memory counted once: what a container's memory limit counts.
/// The kernel walks their page tables for it.
pub(crate) fn unshared_bytes(pids: &[i32]) -> u64 {
    let kilobytes = |pid: &i32| {
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let counted = rollup.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            ["Pss_Anon", "Pss_Shmem"].contains(&name).then_some(value)
        });
        counted.filter_map(|value| value.trim().strip_suffix(" kB")?.parse::<u64>().ok()).sum::<u64>()
    };
    pids.iter().map(kilobytes).sum::<u64>() * 1024
}

fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

/// A snapshot of every process of the machine: its children, its memory, and the CPU time that it and its collected children used.
#[derive(Debug, Default)]
pub struct CpuTimes {
    children: BTreeMap<i32, Vec<i32>>,
    processes: BTreeMap<i32, ProcessStat>,
}

#[derive(Debug, PartialEq, Eq)]
struct ProcessStat {
    ticks: u64,
    resident_pages: u64,
}

impl CpuTimes {
    /// Reads `/proc`; processes that end during the read are left out.
    pub fn read() -> Self {
        let mut table = Self::default();
        for pid in process_ids() {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if let Some((parent, process)) = ProcessStat::read(&stat) {
                table.children.entry(parent).or_default().push(pid);
                table.processes.insert(pid, process);
            }
        }
        table
    }

    /// The CPU time of a process and everything below it, dead children included.
    pub fn tree_cpu_time(&self, root: Pid) -> Duration {
        let mut ticks = 0;
        self.walk(root.as_raw(), &mut |_, process| ticks += process.ticks);
        // USER_HZ, the unit of /proc, is 100 on every architecture that Rust has Linux for.
        Duration::from_millis(ticks * 10)
    }

    /// The children of a process.
    pub fn children(&self, parent: Pid) -> Vec<i32> {
        self.children.get(&parent.as_raw()).cloned().unwrap_or_default()
    }

    /// The descendants of a process.
    pub fn descendants(&self, root: Pid) -> ProcessUsage {
        self.select(root, |pid| pid != root.as_raw())
    }

    /// A process and its descendants.
    pub fn with_descendants(&self, root: Pid) -> ProcessUsage {
        self.select(root, |_| true)
    }

    fn select(&self, root: Pid, is_included: impl Fn(i32) -> bool) -> ProcessUsage {
        let (mut pids, mut pages) = (Vec::new(), 0);
        self.walk(root.as_raw(), &mut |pid, process| {
            if is_included(pid) {
                pids.push(pid);
                pages += process.resident_pages;
            }
        });
        ProcessUsage { pids, resident_bytes: pages * page_size() }
    }

    fn walk(&self, root: i32, visit: &mut dyn FnMut(i32, &ProcessStat)) {
        let mut pending = vec![root];
        while let Some(pid) = pending.pop() {
            if let Some(process) = self.processes.get(&pid) {
                visit(pid, process);
            }
            pending.extend(self.children.get(&pid).into_iter().flatten());
        }
    }
}

impl ProcessStat {
    /// Parses fields 4, 14 to 17 and 24 of `/proc/PID/stat` (proc(5)). The name before them may contain spaces and brackets.
    fn read(stat: &str) -> Option<(i32, Self)> {
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
        let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        let resident_pages = fields.get(21)?.parse().ok()?;
        Some((fields.get(1)?.parse().ok()?, Self { ticks, resident_pages }))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_with_brackets_does_not_confuse_the_fields() {
        let stat = "42 (a) b) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 99 4096 5 6";
        assert_eq!(super::ProcessStat::read(stat), Some((7, super::ProcessStat { ticks: 100, resident_pages: 5 })));
    }
}
