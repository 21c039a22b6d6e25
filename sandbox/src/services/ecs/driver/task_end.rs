//! The end of a task: its status on the way to `STOPPED`, its containers and its folder.

use std::time::Duration;

use super::{Driver, EndCause, SANDBOX_STOPPED, mark_failed, record_exit};
use crate::Fault;
use crate::process::Exit;
use crate::services::ecs::containers::ContainerGroup;
use crate::services::ecs::lookups::last_part;
use crate::services::ecs::model::{StopCode, Task, TaskStatus};
use crate::services::ecs::{State, TaskProcesses};
use crate::services::ecs::{discovery, scheduler, task_folder};

/// The delay between removing a task from its service's address and SIGTERM.
const DRAIN_DELAY: Duration = Duration::from_millis(100);

/// How long a task may hold its permit to stop.
const MAX_STOP_PERMIT: Duration = Duration::from_millis(500);

impl Driver {
    /// Ends the task: deregisters it, stops its containers and records their exits.
    pub(super) async fn end(&self, group: ContainerGroup, registries: &[String], cause: EndCause) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        let is_requested = matches!(cause, EndCause::StopRequested);
        let permit = self.sandbox.in_memory::<TaskProcesses>().stop_permits.acquire().await;
        let task = self.update(|task| {
            match cause {
                EndCause::ContainerExited => {
                    let reason = "Essential container in task exited".to_owned();
                    task.request_stop(StopCode::EssentialContainerExited, reason, now);
                }
                EndCause::StopRequested => {
                    task.request_stop(StopCode::InfrastructureHealth, SANDBOX_STOPPED.to_owned(), now);
                }
                EndCause::NotStarted(failure) => mark_failed(task, failure, now),
            }
            task.last_status = if registries.is_empty() { TaskStatus::Stopping } else { TaskStatus::Deactivating };
        })?;
        drop(permit);
        for registry in registries {
            discovery::deregister(&self.sandbox, registry, &task.id).await;
        }
        if is_requested && task.service.is_some() {
            // Its service's address no longer connects to it, but a connection may be in progress.
            self.sandbox.shutdown.run_until_cancelled(tokio::time::sleep(DRAIN_DELAY)).await;
        }
        if let Some(entry) = self.sandbox.in_memory::<TaskProcesses>().running().get_mut(&self.key) {
            entry.release();
        }
        let ended = self.stop(group).await;
        let _permit = self.sandbox.in_memory::<TaskProcesses>().stop_permits.acquire().await;
        let execution_stopped_at = self.sandbox.clock.now();
        let record = |task: &mut Task| {
            for (index, exit) in &ended {
                record_exit(task, *index, exit);
            }
            task.execution_stopped_at = Some(execution_stopped_at);
            task.last_status = TaskStatus::Deprovisioning;
        };
        if task.network.is_some() && !self.sandbox.shutdown.is_cancelled() {
            self.update(record)?;
            self.record_stopped(|_| {})
        } else {
            self.record_stopped(record)
        }
    }

    /// Stops the containers. Each shim scans all processes when its process ends, so only a few tasks stop at once; a slow task
    /// returns its permit.
    async fn stop(&self, group: ContainerGroup) -> Vec<(usize, Exit)> {
        let permit = self
            .sandbox
            .shutdown
            .run_until_cancelled(self.sandbox.in_memory::<TaskProcesses>().stop_permits.acquire())
            .await;
        let mut stopping = std::pin::pin!(group.stop());
        tokio::select! {
            ended = &mut stopping => return ended,
            () = tokio::time::sleep(MAX_STOP_PERMIT) => drop(permit),
        }
        stopping.await
    }

    /// Records the task's end, and in its service's deployment if it is a failure.
    pub(super) fn record_stopped(&self, change: impl FnOnce(&mut Task)) -> Result<(), Fault> {
        let (state_dir, id) = (self.sandbox.config.state_dir.clone(), last_part(&self.key).to_owned());
        // Makes shutdown wait for the removal.
        let token = self.sandbox.background.token();
        tokio::task::spawn_blocking(move || {
            task_folder::remove(&state_dir, &id);
            drop(token);
        });
        let clock = self.sandbox.clock;
        self.sandbox.store.write(|states| {
            let task = states
                .of_mut::<State>()
                .tasks
                .get_mut(&self.key)
                .ok_or_else(|| Fault::internal("the task no longer exists"))?;
            change(task);
            // The default reason: the sandbox ends before the task was started.
            task.request_stop(StopCode::InfrastructureHealth, SANDBOX_STOPPED.to_owned(), clock.now());
            task.mark_stopped(clock.now());
            let task = task.clone();
            scheduler::on_task_stopped(states, &task, clock);
            Ok(())
        })
    }
}
