//! What a task may take of this machine: the memory of its definition, and no more processes than a container needs.
//!
//! Nothing in the kernel holds these limits without rights that a user may not have, so a loop looks at the processes. A
//! container that is beyond its limit is killed, and its task stops as it would on AWS.

use std::sync::Arc;
use std::time::Duration;

use super::names::task_definition;
use crate::Sandbox;
use crate::base::supervisor;
use crate::process::{CpuTimes, kill_all, process_count, unshared_bytes};
use crate::services::ecs::Runtime;
use crate::services::ecs::State;

/// How often the machine's processes are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often they are counted, which costs next to nothing.
const COUNT: Duration = Duration::from_millis(50);
/// How many more of them are a reason to look at once.
const BURST: u64 = 256;
/// Processes of one container.
const MAX_PROCESSES: usize = 512;
const MIB: u64 = 1024 * 1024;

/// Looks as long as the sandbox runs.
pub fn watch(sandbox: &Arc<Sandbox>) {
    sandbox.spawn_loop("the watch over tasks' limits", |watched| async move {
        let mut counted = process_count();
        loop {
            for _ in 0..LOOK.as_millis() / COUNT.as_millis() {
                tokio::time::sleep(COUNT).await;
                if process_count() > counted + BURST {
                    break;
                }
            }
            counted = process_count();
            let looking = Arc::clone(&watched);
            // It reads many small files.
            supervisor::blocking(move || look(&looking)).await;
        }
    });
}

fn look(sandbox: &Sandbox) {
    let running: Vec<_> = {
        let running = sandbox.runtime::<Runtime>().running();
        running.iter().map(|(key, task)| (key.clone(), task.containers.clone())).collect()
    };
    if running.is_empty() && !sandbox.runner.has_attached() {
        return;
    }
    let times = CpuTimes::read();
    // What people run in sessions and by Run Command.
    for below in sandbox.runner.attached(&times).into_iter().filter(|below| below.len() > MAX_PROCESSES) {
        sandbox.log.write(&format!("a session or a command is ended: {} processes", below.len()));
        kill_all(&below);
    }
    for (key, containers) in running {
        for (index, container) in containers.iter().enumerate() {
            let Some(container) = container else { continue };
            let (processes, resident) = container.processes(&times);
            if processes.len() > MAX_PROCESSES {
                // At once: such a task may have twice as many of them before its row is written.
                container.kill();
                end(sandbox, &key, index, &too_many(processes.len()));
            } else if is_out_of_memory(sandbox, &key, index, &processes, resident) {
                end(sandbox, &key, index, "OutOfMemoryError: Container killed due to memory usage");
                kill_all(&processes);
            }
        }
    }
}

fn too_many(processes: usize) -> String {
    format!("ResourceLimitExceeded: Container killed due to {processes} processes; it may have {MAX_PROCESSES}")
}

fn is_out_of_memory(sandbox: &Sandbox, key: &str, index: usize, processes: &[i32], resident: u64) -> bool {
    let limit = sandbox.world.read(|world| {
        let task = world.of::<State>().tasks.get(key)?;
        let of_task = || task_definition(world, &task.task_definition)?.text("memory")?.parse::<u64>().ok();
        task.containers.get(index)?.memory.map(u64::from).or_else(of_task)
    });
    // What files are behind of, and what processes share, does not count; that costs more to find out.
    let limit = limit.map(|mebibytes| mebibytes.saturating_mul(MIB));
    limit.is_some_and(|limit| resident > limit && unshared_bytes(processes) > limit)
}

fn end(sandbox: &Sandbox, key: &str, index: usize, reason: &str) {
    sandbox.log.write(&format!("task {key}: {reason}"));
    // A disk that refuses the reason must not keep the container alive.
    let _ = sandbox.world.write(|world| {
        if let Some(task) = world.of_mut::<State>().tasks.get_mut(key) {
            if let Some(container) = task.containers.get_mut(index) {
                container.reason = Some(reason.to_owned());
            }
            task.version += 1;
        }
        Ok(())
    });
}
