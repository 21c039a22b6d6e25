//! Which processes belong to a task, their CPU time and memory, and how to end them all.
//!
//! On Linux a shim adopts every orphan below it, so that walking `/proc` down from the shim finds also what called `setsid`.
//! Elsewhere only the process group is known.

use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

/// Kills one process; that it is gone already is as good.
pub(super) fn kill(pid: Pid) {
    let _ = signal::kill(pid, Signal::SIGKILL);
}

/// Kills processes; their shim collects them and ends what they started meanwhile.
pub fn kill_all(pids: &[i32]) {
    for pid in pids {
        kill(Pid::from_raw(*pid));
    }
}

/// Kills a whole process group; that it is gone already is as good.
pub(super) fn kill_group(leader: Pid) {
    let _ = signal::killpg(leader, Signal::SIGKILL);
}

pub use system::{CpuTimes, adopt_orphans, end_marked, process_count, resident_bytes, unshared_bytes};
pub(super) use system::{SEES_DESCENDANTS, adopts_orphans, end_descendants, freeze, is_marked};

#[cfg(target_os = "linux")]
mod system {
    #![expect(clippy::disallowed_methods, reason = "/proc is where Linux keeps its processes")]

    use std::collections::{BTreeMap, BTreeSet};

    use nix::errno::Errno;
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::getpid;

    use super::{Duration, Pid, Signal, kill, signal};

    pub(in super::super) const SEES_DESCENDANTS: bool = true;

    /// How often the tree is walked before what is left is given up (a process stuck in the kernel).
    const ROUNDS: u32 = 2000;

    /// Makes this process the parent of every orphan below it.
    pub fn adopt_orphans() {
        let _ = nix::sys::prctl::set_child_subreaper(true);
    }

    /// Whether this process is a subreaper (`PR_SET_CHILD_SUBREAPER`).
    pub(in super::super) fn adopts_orphans() -> bool {
        nix::sys::prctl::get_child_subreaper().unwrap_or(false)
    }

    /// Ends everything below this process and collects it.
    pub(in super::super) async fn end_descendants() {
        for _ in 0..ROUNDS {
            freeze(&|| descendants(getpid()));
            descendants(getpid()).into_iter().for_each(kill);
            if nothing_left() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops the processes that are found until no new one appears: what is stopped cannot fork while the rest is killed.
    pub(in super::super) fn freeze(find: &dyn Fn() -> Vec<Pid>) {
        let mut stopped = BTreeSet::new();
        loop {
            let fresh: Vec<Pid> = find().into_iter().filter(|pid| !stopped.contains(pid)).collect();
            if fresh.is_empty() {
                return;
            }
            for pid in fresh {
                let _ = signal::kill(pid, Signal::SIGSTOP);
                stopped.insert(pid);
            }
        }
    }

    fn nothing_left() -> bool {
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
        let mut found = Vec::new();
        table.walk(root.as_raw(), &mut |pid, _| found.push(Pid::from_raw(pid)));
        found.retain(|pid| *pid != root);
        found
    }

    /// When to look for marked processes: one that is just becoming another program has no environment for a moment.
    const LOOKS: [Duration; 4] =
        [Duration::ZERO, Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(250)];

    /// Kills every process whose environment carries `NAME=value`: what a lost shim may have left in other groups.
    pub async fn end_marked(name: &str, values: &BTreeSet<String>) {
        for pause in LOOKS.into_iter().filter(|_| !values.is_empty()) {
            tokio::time::sleep(pause).await;
            kill_marked(name, values);
        }
    }

    fn kill_marked(name: &str, values: &BTreeSet<String>) {
        process_ids().filter(|pid| is_marked(*pid, name, values)).for_each(|pid| kill(Pid::from_raw(pid)));
    }

    /// Whether a process's environment has the variable `name` with one of the values.
    pub(in super::super) fn is_marked(pid: i32, name: &str, values: &BTreeSet<String>) -> bool {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0).filter_map(|one| std::str::from_utf8(one).ok());
        variables.any(|one| one.split_once('=').is_some_and(|(its, value)| its == name && values.contains(value)))
    }

    fn process_ids() -> impl Iterator<Item = i32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
    }

    /// How many processes and threads the machine has; cheap enough to be asked ten times a second.
    pub fn process_count() -> u64 {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        load.split(['/', ' ']).nth(4).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// The memory that a process has in RAM.
    pub fn resident_bytes(pid: u32) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        Process::read(&stat).map_or(0, |(_, process)| process.resident_pages * page_bytes())
    }

    /// The memory that processes have in RAM and no file behind it, what they share counted once: what a container's limit is
    /// for. Reading it costs the kernel a walk through their page tables.
    pub fn unshared_bytes(pids: &[i32]) -> u64 {
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

    fn page_bytes() -> u64 {
        let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
        size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
    }

    /// One look at every process of the machine: its children, its memory, and the CPU time that it and its collected children used.
    #[derive(Debug, Default)]
    pub struct CpuTimes {
        children: BTreeMap<i32, Vec<i32>>,
        processes: BTreeMap<i32, Process>,
    }

    /// What is known of one process.
    #[derive(Debug, PartialEq, Eq)]
    struct Process {
        ticks: u64,
        resident_pages: u64,
    }

    impl CpuTimes {
        /// Reads `/proc`; processes that end meanwhile are left out.
        pub fn read() -> Self {
            let mut table = Self::default();
            for pid in process_ids() {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                if let Some((parent, process)) = Process::read(&stat) {
                    table.children.entry(parent).or_default().push(pid);
                    table.processes.insert(pid, process);
                }
            }
            table
        }

        /// The CPU time of a process and everything below it, dead children included.
        pub fn of_tree(&self, root: Pid) -> Duration {
            let mut ticks = 0;
            self.walk(root.as_raw(), &mut |_, process| ticks += process.ticks);
            // USER_HZ, the unit of /proc, is 100 on every architecture that Rust has Linux for.
            Duration::from_millis(ticks * 10)
        }

        /// The children of a process.
        pub fn children(&self, parent: Pid) -> Vec<i32> {
            self.children.get(&parent.as_raw()).cloned().unwrap_or_default()
        }

        /// The processes below a process, and the memory that they have in RAM.
        pub fn below(&self, root: Pid) -> (Vec<i32>, u64) {
            let (mut pids, mut pages) = (Vec::new(), 0);
            self.walk(root.as_raw(), &mut |pid, process| {
                if pid != root.as_raw() {
                    pids.push(pid);
                    pages += process.resident_pages;
                }
            });
            (pids, pages * page_bytes())
        }

        /// A process and those below it, and the memory that they have in RAM, in bytes.
        pub fn tree(&self, root: Pid) -> (Vec<i32>, u64) {
            let (mut pids, mut pages) = (Vec::new(), 0);
            self.walk(root.as_raw(), &mut |pid, process| {
                pids.push(pid);
                pages += process.resident_pages;
            });
            (pids, pages * page_bytes())
        }

        fn walk(&self, root: i32, visit: &mut dyn FnMut(i32, &Process)) {
            let mut pending = vec![root];
            while let Some(pid) = pending.pop() {
                if let Some(process) = self.processes.get(&pid) {
                    visit(pid, process);
                }
                pending.extend(self.children.get(&pid).into_iter().flatten());
            }
        }
    }

    impl Process {
        /// Fields 4, 14 to 17 and 24 of `/proc/PID/stat` (proc(5)): the parent, then what is kept of the process. The name
        /// before them may hold spaces and brackets.
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
            assert_eq!(super::Process::read(stat), Some((7, super::Process { ticks: 100, resident_pages: 5 })));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::BTreeSet;

    use super::{Duration, Pid};

    pub(in super::super) const SEES_DESCENDANTS: bool = false;

    /// Nothing is adopted here.
    pub fn adopt_orphans() {}

    pub(in super::super) fn adopts_orphans() -> bool {
        false
    }

    pub(in super::super) fn freeze(_find: &dyn Fn() -> Vec<Pid>) {}

    pub(in super::super) fn is_marked(_pid: i32, _name: &str, _values: &BTreeSet<String>) -> bool {
        false
    }

    pub(in super::super) async fn end_descendants() {}

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
        pub fn below(&self, _root: Pid) -> (Vec<i32>, u64) {
            (Vec::new(), 0)
        }

        /// Always nothing.
        pub fn tree(&self, _root: Pid) -> (Vec<i32>, u64) {
            (Vec::new(), 0)
        }

        /// Always zero.
        pub fn of_tree(&self, _root: Pid) -> Duration {
            Duration::ZERO
        }
    }
}
