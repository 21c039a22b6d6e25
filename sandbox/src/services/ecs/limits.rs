//! Limits of tasks: the memory of their definition, and a maximum number of processes.
//!
//! The kernel could only enforce them with privileges that a user may not have, so a loop inspects the processes. A
//! container that exceeds a limit is killed, and its task stops as it would on AWS.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tokio::time::Instant;

use super::lookups::task_definition;
use crate::Sandbox;
use crate::base::supervisor;
use crate::process::{CpuTimes, ProcessUsage, kill_all, process_count, unshared_bytes};
use crate::services::ecs::{State, TaskProcesses};

/// How often the processes are inspected.
const INSPECTION_INTERVAL: Duration = Duration::from_secs(1);
/// How often the machine's processes are counted, which is cheap, for [`ALERT_TIME`] after many have been started.
const COUNT_INTERVAL: Duration = Duration::from_millis(50);
const ALERT_TIME: Duration = Duration::from_secs(5);
/// How many new processes between two counts start the more frequent counts.
const ALERT_THRESHOLD: u64 = 16;
/// How many new processes trigger an early inspection, while they are counted.
const BURST: u64 = 256;
/// The maximum number of processes of one container.
const MAX_PROCESSES: usize = 512;
const MIB: u64 = 1024 * 1024;

/// Starts the loop that enforces the limits.
pub(crate) fn enforce_limits(sandbox: &Arc<Sandbox>) {
    sandbox.spawn_loop("task limit monitor", |shared| async move {
        let mut changes = shared.store.changes();
        loop {
            changes.borrow_and_update();
            if has_processes(&shared) {
                // On a thread of its own: a timer of the runtime wakes several of its threads. The thread ends with this future.
                let (_stop_sender, stop_receiver) = mpsc::channel();
                let sandbox = Arc::clone(&shared);
                supervisor::blocking(move || watch(&sandbox, &stop_receiver)).await;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = shared.runner.attachment() => {}
            }
        }
    });
}

fn has_processes(sandbox: &Sandbox) -> bool {
    !sandbox.in_memory::<TaskProcesses>().running().is_empty() || sandbox.runner.has_attached()
}

/// Inspects the processes until there are none.
fn watch(sandbox: &Sandbox, stop_receiver: &mpsc::Receiver<Infallible>) {
    let mut counted = process_count();
    let mut alert_end = Instant::now() + ALERT_TIME;
    while has_processes(sandbox) {
        enforce(sandbox);
        let next = Instant::now() + INSPECTION_INTERVAL;
        while Instant::now() < next {
            let pause = if Instant::now() < alert_end { COUNT_INTERVAL } else { INSPECTION_INTERVAL };
            if stop_receiver.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            if process_count() > counted + BURST {
                break;
            }
        }
        let count = process_count();
        if count > counted + ALERT_THRESHOLD {
            alert_end = Instant::now() + ALERT_TIME;
        }
        counted = count;
    }
}

fn enforce(sandbox: &Sandbox) {
    let running: Vec<_> = {
        let running = sandbox.in_memory::<TaskProcesses>().running();
        running.iter().map(|(key, task)| (key.clone(), task.containers.clone())).collect()
    };
    let times = CpuTimes::read();
    // The commands of sessions.
    for processes in sandbox.runner.attached(&times).into_iter().filter(|processes| processes.len() > MAX_PROCESSES) {
        sandbox.log.write(&format!("a session is ended: it has {} processes", processes.len()));
        kill_all(&processes);
    }
    for (key, containers) in running {
        for (index, container) in containers.iter().enumerate() {
            let Some(container) = container else { continue };
            let ProcessUsage { pids: processes, resident_bytes: resident } = container.usage(&times);
            if processes.len() > MAX_PROCESSES {
                // Before its row is written, as it may double its processes until then.
                container.kill();
                record_reason(sandbox, &key, index, &too_many(processes.len()));
            } else if is_out_of_memory(sandbox, &key, index, &processes, resident) {
                record_reason(sandbox, &key, index, "OutOfMemoryError: Container killed due to memory usage");
                kill_all(&processes);
            }
        }
    }
}

fn too_many(processes: usize) -> String {
    format!("ResourceLimitExceeded: Container killed due to {processes} processes; it may have {MAX_PROCESSES}")
}

fn is_out_of_memory(sandbox: &Sandbox, key: &str, index: usize, processes: &[i32], resident: u64) -> bool {
    let limit = sandbox.store.read(|states| {
        let task = states.of::<State>().tasks.get(key)?;
        let of_task = || task_definition(states, &task.task_definition)?.text("memory")?.parse::<u64>().ok();
        task.containers.get(index)?.memory.map(u64::from).or_else(of_task)
    });
    // Mapped files and shared memory do not count, but excluding them is expensive.
    let limit = limit.map(|mebibytes| mebibytes.saturating_mul(MIB));
    limit.is_some_and(|limit| resident > limit && unshared_bytes(processes) > limit)
}

fn record_reason(sandbox: &Sandbox, key: &str, index: usize, reason: &str) {
    sandbox.log.write(&format!("task {key}: {reason}"));
    // If the reason cannot be written, the container is killed all the same.
    let _ = sandbox.store.write(|states| {
        if let Some(task) = states.of_mut::<State>().tasks.get_mut(key) {
            if let Some(container) = task.containers.get_mut(index) {
                container.reason = Some(reason.to_owned());
            }
            task.version += 1;
        }
        Ok(())
    });
}
