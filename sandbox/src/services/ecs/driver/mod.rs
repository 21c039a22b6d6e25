//! The lifecycle of a task: one driver per task starts its containers, monitors them, and records in the task's row how it ended.

use std::sync::Arc;

use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::containers::{self, ContainerEvent, ContainerGroup, LaunchFailure};
use super::model::{HealthStatus, StopCode, Task, TaskStatus};
use super::{discovery, task_placement};
use crate::base::supervisor;
use crate::process::Exit;
use crate::services::ecs::{State, TaskProcesses};
use crate::{Fault, Sandbox};

mod task_end;

/// The reason of tasks that end with the sandbox.
pub(super) const SANDBOX_STOPPED: &str = "The sandbox was stopped while this task was running";

/// Drives a task from `PROVISIONING` to `STOPPED`; `stop` is cancelled when its row's desired status becomes `STOPPED`.
///
/// A driver fails if a row cannot be written, or if it panics. Its containers have ended then, and the scheduler
/// records the task's end as soon as it can be written.
pub(super) async fn drive(sandbox: Arc<Sandbox>, key: String, stop: CancellationToken) {
    let driver = Driver { sandbox: Arc::clone(&sandbox), key: key.clone(), stop };
    record_failure(&sandbox, &key, driver.run()).await;
}

/// Runs a driver. Its entry is removed when it has ended, or left to the scheduler with the reason of the failure.
pub(super) async fn record_failure(sandbox: &Sandbox, key: &str, run: impl Future<Output = Result<(), Fault>>) {
    let failure = match supervisor::catch(run).await {
        Ok(Ok(())) => {
            sandbox.in_memory::<TaskProcesses>().running().remove(key);
            return;
        }
        Ok(Err(fault)) => fault.message,
        Err(panic) => panic.to_string(),
    };
    sandbox.log.write(&format!("task {key}: its driver failed: {failure}"));
    let mut running = sandbox.in_memory::<TaskProcesses>().running();
    let entry = running.entry(key.to_owned()).or_default();
    entry.release();
    entry.driver_failure = Some(failure);
    drop(running);
    sandbox.in_memory::<TaskProcesses>().driver_failed.notify_one();
}

struct Driver {
    sandbox: Arc<Sandbox>,
    key: String,
    stop: CancellationToken,
}

/// What ended a task.
enum EndCause {
    /// A request in its row, or the sandbox's end.
    StopRequested,
    /// An essential container, or all of them.
    ContainerExited,
    /// One of its containers could not be started.
    NotStarted(LaunchFailure),
}

impl Driver {
    async fn run(&self) -> Result<(), Fault> {
        let Some(permit) = self.unless_stopped(self.sandbox.in_memory::<TaskProcesses>().start_permits.acquire()).await
        else {
            return self.record_stopped(|_| {});
        };
        let subnet = self
            .sandbox
            .store
            .read(|states| states.of::<State>().tasks.get(&self.key).and_then(|task| task.subnet_id.clone()));
        let placement = task_placement::place_task(&self.sandbox, subnet).await;
        let now = self.sandbox.clock.now();
        let task = self.update(|task| {
            task.last_status = TaskStatus::Pending;
            task.network = placement.interface;
            task.zone = placement.zone;
            task.pull_started_at = Some(now);
        })?;
        match self.unless_stopped(containers::prepare(&self.sandbox, &task)).await {
            Some(Ok(group)) => self.run_containers(group, permit.ok()).await,
            Some(Err(failure)) => self.failed_to_start(failure),
            None => self.record_stopped(|_| {}),
        }
    }

    /// The result of work that can be dropped; none if the task has to stop first.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.sandbox.shutdown.cancelled() => None,
            result = work => Some(result),
        }
    }

    /// Changes the task's row.
    fn update(&self, change: impl FnOnce(&mut Task)) -> Result<Task, Fault> {
        self.sandbox.store.write(|states| {
            let task = states
                .of_mut::<State>()
                .tasks
                .get_mut(&self.key)
                .ok_or_else(|| Fault::internal("the task no longer exists"))?;
            change(task);
            task.version += 1;
            Ok(task.clone())
        })
    }

    fn failed_to_start(&self, failure: LaunchFailure) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        self.record_stopped(|task| mark_failed(task, failure, now))
    }

    /// Starts the containers, and monitors them until the task ends.
    async fn run_containers(
        &self,
        mut group: ContainerGroup,
        mut permit: Option<SemaphorePermit<'_>>,
    ) -> Result<(), Fault> {
        let pulled = self.sandbox.clock.now();
        let (mut registries, mut running) = (Vec::new(), false);
        let cause = loop {
            if !group.is_complete()
                && let Err(failure) = group.start_ready(&self.stop).await
            {
                break EndCause::NotStarted(failure);
            }
            if group.is_complete() != running {
                running = true;
                self.publish_containers(&group);
                registries = self.activate(&group, pulled).await?;
            } else if !running {
                self.publish_containers(&group);
                self.update(|task| show_started(task, &group))?;
            }
            drop(permit.take());
            let deadline = if running { None } else { group.deadline() };
            tokio::select! {
                () = self.stop.cancelled() => break EndCause::StopRequested,
                () = self.sandbox.shutdown.cancelled() => break EndCause::StopRequested,
                Some(failure) = after(deadline) => break EndCause::NotStarted(failure),
                event = self.next(&mut group) => if let Some(cause) = event? { break cause },
            }
        };
        self.end(group, &registries, cause).await
    }

    /// Waits for the next event and records it; returns what ended the task if the event does.
    async fn next(&self, group: &mut ContainerGroup) -> Result<Option<EndCause>, Fault> {
        match group.next().await {
            None => Ok(Some(EndCause::ContainerExited)),
            Some(ContainerEvent::Health(index, health)) => {
                self.update(|task| {
                    if let Some(container) = task.containers.get_mut(index) {
                        container.health = health;
                    }
                    task.was_healthy |= task.health() == HealthStatus::Healthy;
                })?;
                Ok(None)
            }
            Some(ContainerEvent::Exited(index, exit)) => {
                self.update(|task| record_exit(task, index, &exit))?;
                Ok(group.is_essential(index).then_some(EndCause::ContainerExited))
            }
        }
    }

    fn publish_containers(&self, group: &ContainerGroup) {
        self.sandbox.in_memory::<TaskProcesses>().running().entry(self.key.clone()).or_default().containers =
            group.started();
    }

    /// Makes the task `RUNNING`, and registers it in its service's registries.
    async fn activate(&self, group: &ContainerGroup, pulled: jiff::Timestamp) -> Result<Vec<String>, Fault> {
        let read = |states: &crate::store::States| states.of::<State>().tasks.get(&self.key).cloned();
        let task = self.sandbox.store.read(read).ok_or_else(|| Fault::internal("the task no longer exists"))?;
        let registries = discovery::registries(&self.sandbox, &task);
        if !registries.is_empty() {
            let task = self.update(|task| {
                show_started(task, group);
                task.last_status = TaskStatus::Activating;
            })?;
            for registry in &registries {
                // The task runs even if its registry no longer exists; AWS retries in the background.
                let _ = discovery::register(&self.sandbox, registry, &task).await;
            }
        }
        self.update(|task| {
            show_started(task, group);
            task.last_status = TaskStatus::Running;
            task.pull_stopped_at = Some(pulled);
            task.started_at = Some(self.sandbox.clock.now());
        })?;
        Ok(registries)
    }
}

/// Waits for a deadline and returns its failure; none immediately without a deadline.
async fn after(deadline: Option<(tokio::time::Instant, LaunchFailure)>) -> Option<LaunchFailure> {
    let (until, failure) = deadline?;
    tokio::time::sleep_until(until).await;
    Some(failure)
}

fn mark_failed(task: &mut Task, LaunchFailure { container, reason }: LaunchFailure, now: jiff::Timestamp) {
    if let Some(container) = container.and_then(|index| task.containers.get_mut(index)) {
        container.reason = Some(reason.clone());
    }
    task.request_stop(StopCode::TaskFailedToStart, reason, now);
}

fn show_started(task: &mut Task, group: &ContainerGroup) {
    for (number, container) in task.containers.iter_mut().enumerate().filter(|(number, _)| group.was_started(*number)) {
        if container.runtime_id.is_none() {
            container.last_status = TaskStatus::Running;
            container.ports = group.ports(number);
            container.runtime_id = Some(format!("{}-{number:010}", task.id));
        }
    }
}

fn record_exit(task: &mut Task, index: usize, exit: &Exit) {
    if let Some(container) = task.containers.get_mut(index) {
        container.last_status = TaskStatus::Stopped;
        container.exit_code = Some(exit.code());
        // The reason of an enforced limit comes first.
        container.reason = container.reason.take().or_else(|| exit.reason().map(str::to_owned));
    }
}
