//! The scheduler: reconciles processes with the rows after every change.
//!
//! It works from the rows alone and keeps no state of its own, so that it can begin anywhere, also after a crash.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::lookups::last_part;
use super::model::TaskStatus;
use super::{driver, service_addresses};
use crate::Sandbox;
use crate::base::supervisor;
use crate::process::{TASK_MARKER, container_engine, end_marked};
use crate::services::ecs::{State, TaskProcesses};
use crate::services::logs::log_writer;
use crate::store::States;

mod abandoned;
mod failures;
mod reconciliation;
mod task_counts;
#[cfg(test)]
mod tests;

pub(super) use failures::{on_task_stopped, threshold};
pub(super) use reconciliation::{AT_LIMIT, free_task_slots};

/// How long stopped tasks and inactive services can still be described.
const RETENTION: Duration = Duration::from_hours(1);
/// The delay before a failed write is retried.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Runs the scheduler and the writer of tasks' logs in the background; they end, after all tasks, with the sandbox.
pub(crate) fn run_scheduler(sandbox: &Arc<Sandbox>) {
    let orphaned_tasks = abandoned::recover(sandbox);
    if let Some(queue) = sandbox.in_memory::<TaskProcesses>().take_log_queue() {
        sandbox.background.spawn(log_writer::run(Arc::clone(sandbox), queue));
    }
    // Their shims ended with the last sandbox; processes that escaped are ended now.
    sandbox.spawn(async move { end_marked(TASK_MARKER, &orphaned_tasks).await });
    let this = Arc::clone(sandbox);
    sandbox.spawn(async move {
        let is_running =
            |task: &str| this.in_memory::<TaskProcesses>().running().keys().any(|key| last_part(key) == task);
        container_engine::remove_all(&this.config.state_dir, is_running).await;
    });
    let this = Arc::clone(sandbox);
    sandbox.background.spawn(async move {
        supervisor::restart(&this.log, "the scheduler", || run(Arc::clone(&this))).await;
        this.in_memory::<TaskProcesses>().close_log();
    });
}

async fn run(sandbox: Arc<Sandbox>) {
    let mut changes = sandbox.store.changes();
    while !sandbox.shutdown.is_cancelled() {
        changes.borrow_and_update();
        let wake_in = step(&sandbox).await;
        tokio::select! {
            _ = changes.changed() => {}
            () = sandbox.in_memory::<TaskProcesses>().driver_failed.notified() => {}
            () = sandbox.shutdown.cancelled() => {}
            () = tokio::time::sleep(wake_in.unwrap_or(RETENTION)) => {}
        }
    }
}

/// Reconciles once. Returns after how long there is more to do, if nothing changes before.
async fn step(sandbox: &Arc<Sandbox>) -> Option<Duration> {
    let now = sandbox.clock.now();
    let mut write_failed = abandoned::stop(sandbox).is_err();
    let (due, wake_in) = sandbox.store.read(|states| reconciliation::next_reconciliation(states, now));
    let is_outdated = sandbox.store.read(|states| has_outdated(states, now));
    if due || is_outdated {
        let written = sandbox.store.write(|states| {
            reconciliation::reconcile(states, now);
            remove_outdated(states, now);
            Ok(())
        });
        write_failed |= written.is_err();
    }
    // Tasks are removed from their addresses before they are stopped.
    service_addresses::reconcile(sandbox).await;
    update_drivers(sandbox);
    if write_failed { Some(wake_in.map_or(RETRY_DELAY, |wake_in| wake_in.min(RETRY_DELAY))) } else { wake_in }
}

/// Starts a driver for every new task, and stops the drivers of tasks whose desired status is `STOPPED`.
fn update_drivers(sandbox: &Arc<Sandbox>) {
    let rows = sandbox.store.read(|states| {
        let open = states.of::<State>().tasks.iter().filter(|(_, task)| task.last_status != TaskStatus::Stopped);
        open.map(|(key, task)| (key.to_owned(), task.last_status, task.desired_status)).collect::<Vec<_>>()
    });
    let mut running = sandbox.in_memory::<TaskProcesses>().running();
    for (key, last_status, desired_status) in rows {
        if last_status == TaskStatus::Provisioning && !running.contains_key(&key) {
            let stop = running.entry(key.clone()).or_default().stop.clone();
            sandbox.background.spawn(driver::drive(Arc::clone(sandbox), key.clone(), stop));
        }
        if desired_status == TaskStatus::Stopped
            && let Some(task) = running.get(&key)
        {
            task.stop.cancel();
        }
    }
}

fn is_past(time: Option<Timestamp>, now: Timestamp) -> bool {
    time.is_some_and(|time| now.duration_since(time).unsigned_abs() > RETENTION && now > time)
}

fn has_outdated(states: &States, now: Timestamp) -> bool {
    states.of::<State>().tasks.values().any(|task| is_past(task.stopped_at, now))
        || states.of::<State>().services.values().any(|service| is_past(service.inactive_at, now))
        || states.of::<State>().clusters.values().any(|cluster| is_past(cluster.deleted_at, now))
}

/// Removes the rows of tasks, services and clusters that ended more than an hour ago.
fn remove_outdated(states: &mut States, now: Timestamp) {
    states.of_mut::<State>().tasks.retain(|_, task| !is_past(task.stopped_at, now));
    let services: Vec<String> = states
        .of::<State>()
        .services
        .iter()
        .filter(|(_, service)| is_past(service.inactive_at, now))
        .map(|(key, _)| format!("{key}/"))
        .collect();
    for prefix in services {
        states.of_mut::<State>().service_deployments.retain(|key, _| !key.starts_with(&prefix));
        states.of_mut::<State>().service_revisions.retain(|key, _| !key.starts_with(&prefix));
    }
    states.of_mut::<State>().services.retain(|_, service| !is_past(service.inactive_at, now));
    states.of_mut::<State>().clusters.retain(|_, cluster| !is_past(cluster.deleted_at, now));
}
