//! Tasks without a driver: those of an earlier sandbox, and those whose driver failed. Each is recorded as stopped, so that
//! its service replaces it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::failures;
use crate::services::cloudmap;
use crate::services::ecs::model::{StopCode, Task, TaskStatus};
use crate::services::ecs::{State, TaskProcesses, driver};
use crate::store::States;
use crate::{Fault, Sandbox};

/// Records the end of the tasks that ran when the last sandbox ended, and returns their ids. A failed write is retried by [`stop`].
pub(super) fn recover(sandbox: &Sandbox) -> BTreeSet<String> {
    let now = sandbox.clock.now();
    let (keys, ids): (Vec<String>, BTreeSet<String>) =
        sandbox.store.read(|states| open(states).map(|(key, task)| (key.to_owned(), task.id.clone())).unzip());
    let _ = sandbox.store.write(|states| {
        for key in &keys {
            end(states, key, now, |_| (StopCode::InfrastructureHealth, driver::SANDBOX_STOPPED.to_owned()));
        }
        Ok(())
    });
    ids
}

/// Records the end of the tasks that no longer have a driver.
///
/// # Errors
/// It cannot be written.
pub(super) fn stop(sandbox: &Sandbox) -> Result<(), Fault> {
    let rows: BTreeMap<String, TaskStatus> =
        sandbox.store.read(|states| open(states).map(|(key, task)| (key.to_owned(), task.last_status)).collect());
    let abandoned: Vec<(String, String)> = {
        let mut running = sandbox.in_memory::<TaskProcesses>().running();
        running.retain(|key, entry| entry.driver_failure.is_none() || rows.contains_key(key));
        let reason = |(key, last_status): (String, TaskStatus)| match running.get(&key) {
            Some(entry) => Some((key, entry.driver_failure.clone()?)),
            // A new task gets its driver next.
            None if last_status == TaskStatus::Provisioning => None,
            None => Some((key, driver::SANDBOX_STOPPED.to_owned())),
        };
        rows.into_iter().filter_map(reason).collect()
    };
    if abandoned.is_empty() {
        return Ok(());
    }
    let clock = sandbox.clock;
    sandbox.store.write(|states| {
        for (key, reason) in &abandoned {
            let ended = end(states, key, clock.now(), |task| match task.started_at {
                Some(_) => {
                    (StopCode::EssentialContainerExited, format!("Essential container in task exited: {reason}"))
                }
                None => (StopCode::TaskFailedToStart, format!("ResourceInitializationError: {reason}")),
            });
            if let Some(task) = ended {
                failures::on_task_stopped(states, &task, clock);
            }
        }
        Ok(())
    })?;
    let mut running = sandbox.in_memory::<TaskProcesses>().running();
    for (key, _) in &abandoned {
        running.remove(key);
    }
    Ok(())
}

fn open(states: &States) -> impl Iterator<Item = (&str, &Task)> {
    states.of::<State>().tasks.iter().filter(|(_, task)| task.last_status != TaskStatus::Stopped)
}

/// Records a task's end and removes its instances in Cloud Map. Returns the task, unless it has ended already or no longer exists.
fn end(
    states: &mut States,
    key: &str,
    now: Timestamp,
    reason: impl FnOnce(&Task) -> (StopCode, String),
) -> Option<Task> {
    let task = states.of_mut::<State>().tasks.get_mut(key).filter(|task| task.last_status != TaskStatus::Stopped)?;
    let (code, reason) = reason(task);
    task.request_stop(code, reason, now);
    task.mark_stopped(now);
    let task = task.clone();
    let instances = states.of::<cloudmap::State>().instances.iter().filter(|(_, instance)| instance.id == task.id);
    let instances: Vec<String> = instances.map(|(key, _)| key.to_owned()).collect();
    for instance in instances {
        states.of_mut::<cloudmap::State>().instances.remove(&instance);
    }
    Some(task)
}
