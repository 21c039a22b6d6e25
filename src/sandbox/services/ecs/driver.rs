//! A task's life: one driver per task takes it from its row to processes, watches them, and records how it ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::containers::{self, Failure, Started};
use super::model::{StopCode, Task, TaskStatus};
use super::{discovery, network, scheduler};
use crate::sandbox::tasks::Exit;
use crate::sandbox::{Fault, Sandbox};

/// The reason of tasks that end with the sandbox.
pub(super) const SANDBOX_STOPPED: &str = "The sandbox was stopped while this task was running";

/// Between a task's leaving its service's address and its SIGTERM.
const LAST_CONNECTIONS: Duration = Duration::from_millis(100);

/// Drives a task from `PROVISIONING` to `STOPPED`; `stop` is cancelled when its row says that it is to stop.
pub(super) async fn drive(sandbox: Arc<Sandbox>, key: String, stop: CancellationToken) {
    let driver = Driver { sandbox, key, stop };
    if let Err(fault) = driver.run().await {
        // The disk refuses: the row cannot be kept right, but nothing is left running.
        driver.sandbox.tasks.running().remove(&driver.key);
        drop(fault);
    }
}

struct Driver {
    sandbox: Arc<Sandbox>,
    key: String,
    stop: CancellationToken,
}

/// What ended the wait for a running task.
enum Ending {
    /// Its row, or the sandbox's end.
    Asked,
    /// An essential container.
    ContainerExited,
}

impl Driver {
    async fn run(&self) -> Result<(), Fault> {
        let subnet =
            self.sandbox.world.read(|world| world.ecs.tasks.get(&self.key).and_then(|task| task.subnet_id.clone()));
        let placement = network::place(&self.sandbox, subnet).await;
        let task = self.update(|task| {
            task.last_status = TaskStatus::Pending;
            task.network = placement.interface;
            task.zone = placement.zone;
        })?;
        match containers::start(&self.sandbox, &task).await {
            Ok(started) => self.live(started).await,
            Err(failure) => self.failed_to_start(failure),
        }
    }

    /// Changes the task's row.
    fn update(&self, change: impl FnOnce(&mut Task)) -> Result<Task, Fault> {
        self.sandbox.world.write(|world| {
            let task = world.ecs.tasks.get_mut(&self.key).ok_or_else(|| Fault::internal("the task's row is gone"))?;
            change(task);
            task.version += 1;
            Ok(task.clone())
        })
    }

    fn failed_to_start(&self, Failure { container, reason }: Failure) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        self.stopped(|task| {
            if let Some(container) = container.and_then(|index| task.containers.get_mut(index)) {
                container.reason = Some(reason.clone());
            }
            task.ask_to_stop(StopCode::TaskFailedToStart, reason, now);
        })
    }

    async fn live(&self, mut started: Vec<Started>) -> Result<(), Fault> {
        let mut exits = JoinSet::new();
        for (index, container) in started.iter_mut().enumerate() {
            if let Some(exit) = container.exit.take() {
                exits.spawn(async move { (index, exit.await.unwrap_or(Exit::ShimLost)) });
            }
        }
        self.sandbox.tasks.running().entry(self.key.clone()).or_default().processes =
            started.iter().map(|container| container.handle.clone()).collect();
        let registries = self.activate(&started).await?;
        let ending = self.wait(&started, &mut exits).await?;
        self.end(started, &mut exits, &registries, &ending).await
    }

    /// Makes the task `RUNNING`, registered where its service says.
    async fn activate(&self, started: &[Started]) -> Result<Vec<String>, Fault> {
        let running = |task: &mut Task| {
            for (number, (container, started)) in task.containers.iter_mut().zip(started).enumerate() {
                container.last_status = TaskStatus::Running;
                container.ports = started.ports;
                container.runtime_id = Some(format!("{}-{number:010}", task.id));
            }
        };
        let read = |world: &crate::sandbox::world::World| world.ecs.tasks.get(&self.key).cloned();
        let task = self.sandbox.world.read(read).ok_or_else(|| Fault::internal("the task's row is gone"))?;
        let registries = discovery::registries(&self.sandbox, &task);
        if !registries.is_empty() {
            let task = self.update(|task| {
                running(task);
                task.last_status = TaskStatus::Activating;
            })?;
            for registry in &registries {
                // A registry that is gone keeps no task from working; AWS retries it in the background.
                let _ = discovery::register(&self.sandbox, registry, &task).await;
            }
        }
        self.update(|task| {
            running(task);
            task.last_status = TaskStatus::Running;
            task.started_at = Some(self.sandbox.clock.now());
        })?;
        Ok(registries)
    }

    async fn wait(&self, started: &[Started], exits: &mut JoinSet<(usize, Exit)>) -> Result<Ending, Fault> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(Ending::Asked),
                () = self.sandbox.shutdown.cancelled() => return Ok(Ending::Asked),
                exit = exits.join_next() => {
                    let Some(Ok((index, exit))) = exit else { return Ok(Ending::ContainerExited) };
                    self.update(|task| record_exit(task, index, &exit))?;
                    if started[index].essential {
                        return Ok(Ending::ContainerExited);
                    }
                }
            }
        }
    }

    async fn end(
        &self,
        started: Vec<Started>,
        exits: &mut JoinSet<(usize, Exit)>,
        registries: &[String],
        ending: &Ending,
    ) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        let task = self.update(|task| {
            match ending {
                Ending::ContainerExited => {
                    task.ask_to_stop(
                        StopCode::EssentialContainerExited,
                        "Essential container in task exited".to_owned(),
                        now,
                    );
                }
                Ending::Asked => task.ask_to_stop(StopCode::InfrastructureHealth, SANDBOX_STOPPED.to_owned(), now),
            }
            task.last_status = if registries.is_empty() { TaskStatus::Stopping } else { TaskStatus::Deactivating };
        })?;
        for registry in registries {
            discovery::deregister(&self.sandbox, registry, &task.id).await;
        }
        if matches!(ending, Ending::Asked) {
            // Its service's address no longer sends connections here; the last one may just be under way.
            self.sandbox.shutdown.run_until_cancelled(tokio::time::sleep(LAST_CONNECTIONS)).await;
        }
        let mut outputs = Vec::new();
        for Started { handle, output, .. } in started {
            if !self.sandbox.shutdown.is_cancelled() {
                handle.stop();
            }
            outputs.push(output);
        }
        // When the sandbox ends no handle is left, and the processes have a second instead of their stop timeout.
        self.sandbox.tasks.running().remove(&self.key);
        let mut ended = Vec::new();
        while let Some(exit) = exits.join_next().await {
            ended.extend(exit.ok());
        }
        for output in outputs {
            let _ = output.await;
        }
        self.stopped(|task| ended.iter().for_each(|(index, exit)| record_exit(task, *index, exit)))
    }

    /// The last word on a task, which its service's deployment hears of too.
    fn stopped(&self, change: impl FnOnce(&mut Task)) -> Result<(), Fault> {
        self.sandbox.tasks.running().remove(&self.key);
        let clock = self.sandbox.clock;
        let now = clock.now();
        self.sandbox.world.write(|world| {
            let task = world.ecs.tasks.get_mut(&self.key).ok_or_else(|| Fault::internal("the task's row is gone"))?;
            change(task);
            task.containers.iter_mut().for_each(|container| container.last_status = TaskStatus::Stopped);
            task.last_status = TaskStatus::Stopped;
            task.stopped_at = Some(now);
            task.version += 1;
            let task = task.clone();
            scheduler::heard_of_end(world, &task, clock);
            Ok(())
        })
    }
}

fn record_exit(task: &mut Task, index: usize, exit: &Exit) {
    if let Some(container) = task.containers.get_mut(index) {
        container.last_status = TaskStatus::Stopped;
        container.exit_code = Some(exit.code());
        container.reason = exit.reason().map(str::to_owned);
    }
}
