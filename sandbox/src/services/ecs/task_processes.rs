//! What runs on this machine for ECS: containers, ports and addresses. None of it is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::task_folder;
use crate::Config;
use crate::process::load_balancer::LoadBalancer;
use crate::process::{ContainerHandle, ContainerRuntimes, CpuTimes, PortPool, ProcessUsage};
use crate::services::logs::log_writer::{self, Entries, Queue};

/// How many tasks start at the same time, and how many end at the same time.
const PERMITS: usize = 8;

/// The running containers, addresses and ports of ECS.
#[derive(Debug)]
pub(crate) struct TaskProcesses {
    pub(super) ports: PortPool,
    /// Permits to start a task, held until its first containers run; few, so that requests still get their time.
    pub(super) start_permits: Semaphore,
    /// Permits to stop a task. They are separate from those to start one, because a start may wait for a slow pull.
    pub(super) stop_permits: Semaphore,
    /// Notified when a driver fails, so that the scheduler stops its task.
    pub(super) driver_failed: Notify,
    /// What runs containers.
    pub(super) containers: ContainerRuntimes,
    running: Mutex<BTreeMap<String, RunningTask>>,
    addresses: Mutex<BTreeMap<String, LoadBalancer>>,
    log_entries: Mutex<Option<Entries>>,
    log_queue: Mutex<Option<Queue>>,
}

/// What a task used.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskUsage {
    pub(super) cpu: Duration,
    /// Resident memory.
    pub(super) bytes: u64,
}

/// A task that has a driver, or whose driver failed and whose row has not been updated yet.
#[derive(Debug, Default)]
pub(super) struct RunningTask {
    /// Cancelled when the task has to stop.
    pub(super) stop: CancellationToken,
    /// Its containers by their index in its definition, each once it runs.
    pub(super) containers: Vec<Option<Arc<dyn ContainerHandle>>>,
    /// Why its driver ended before the task did.
    pub(super) driver_failure: Option<String>,
}

impl RunningTask {
    /// Drops the references to its containers, so that only the driver keeps them running.
    pub(super) fn release(&mut self) {
        self.containers.clear();
    }
}

impl TaskProcesses {
    /// Nothing runs yet.
    pub(crate) fn new(config: &Config) -> Self {
        raise_open_files_limit();
        task_folder::remove_all(&config.state_dir);
        let (log_entries, log_queue) = log_writer::channel();
        let ports = PortPool::default();
        let containers = ContainerRuntimes::new(&config.state_dir, &config.program, config.host_exec, &ports);
        Self {
            ports,
            start_permits: Semaphore::new(PERMITS),
            stop_permits: Semaphore::new(PERMITS),
            driver_failed: Notify::new(),
            containers,
            running: Mutex::default(),
            addresses: Mutex::default(),
            log_entries: Mutex::new(Some(log_entries)),
            log_queue: Mutex::new(Some(log_queue)),
        }
    }

    /// What every running task has used, by its key (`cluster/id`). Tasks whose processes are not visible are left out.
    pub(super) fn usage(&self) -> BTreeMap<String, TaskUsage> {
        let times = CpuTimes::read();
        let task_usage = |task: &RunningTask| {
            let visible = task.containers.iter().flatten().map(|container| (container, container.usage(&times)));
            // A container that has ended is not visible either, while its task may go on.
            let visible = visible.filter(|(_, usage)| !usage.pids.is_empty());
            let used = visible
                .map(|(container, usage)| TaskUsage { cpu: container.cpu_time(&times), bytes: usage.resident_bytes });
            used.reduce(|sum, more| TaskUsage { cpu: sum.cpu + more.cpu, bytes: sum.bytes + more.bytes })
        };
        self.running().iter().filter_map(|(key, task)| Some((key.clone(), task_usage(task)?))).collect()
    }

    /// The processes of every running task, by its key (`cluster/id`).
    pub(crate) fn process_usage(&self) -> BTreeMap<String, ProcessUsage> {
        let times = CpuTimes::read();
        let task_processes = |task: &RunningTask| {
            let mut total = ProcessUsage::default();
            for usage in task.containers.iter().flatten().map(|container| container.usage(&times)) {
                total.pids.extend(usage.pids);
                total.resident_bytes += usage.resident_bytes;
            }
            total
        };
        self.running().iter().map(|(key, task)| (key.clone(), task_processes(task))).collect()
    }

    pub(super) fn running(&self) -> MutexGuard<'_, BTreeMap<String, RunningTask>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn addresses(&self) -> MutexGuard<'_, BTreeMap<String, LoadBalancer>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue for the log lines of tasks; none once the sandbox ends.
    pub(crate) fn log_entries(&self) -> Option<Entries> {
        self.log_entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the queue for new tasks. The writer ends with the last running task.
    pub(super) fn close_log(&self) {
        self.log_entries.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The receiving end of [`Self::log_entries`], for the writer.
    pub(super) fn take_log_queue(&self) -> Option<Queue> {
        self.log_queue.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The limit of open files of this process and its tasks: Fargate's default.
const OPEN_FILES_LIMIT: u64 = 65_535;

/// Raises the limit of open files: every connection through a service's address needs two.
fn raise_open_files_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < OPEN_FILES_LIMIT
    {
        // If this is not allowed, the limit is unchanged.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(OPEN_FILES_LIMIT), hard);
    }
}
