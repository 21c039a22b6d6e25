//! A task's life: one driver per task takes it from its row to running containers, watches them, and records how it ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::containers::{self, Crew, Event, Failure};
use super::model::{HealthStatus, StopCode, Task, TaskStatus};
use super::names::last_part;
use super::{discovery, network, scheduler, task_folder};
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

/// What ended a task.
enum Ending {
    /// Its row, or the sandbox's end.
    Asked,
    /// An essential container, or all of them.
    ContainerExited,
    /// One of its containers could not be started.
    NotStarted(Failure),
}

impl Driver {
    async fn run(&self) -> Result<(), Fault> {
        let turn = self.sandbox.tasks.turns.acquire().await;
        if self.stop.is_cancelled() {
            return self.stopped(|_| {});
        }
        let subnet =
            self.sandbox.world.read(|world| world.ecs.tasks.get(&self.key).and_then(|task| task.subnet_id.clone()));
        let placement = network::place(&self.sandbox, subnet).await;
        let now = self.sandbox.clock.now();
        let task = self.update(|task| {
            task.last_status = TaskStatus::Pending;
            task.network = placement.interface;
            task.zone = placement.zone;
            task.pull_started_at = Some(now);
        })?;
        match containers::prepare(&self.sandbox, &task).await {
            Ok(crew) => self.live(crew, turn.ok()).await,
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

    fn failed_to_start(&self, failure: Failure) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        self.stopped(|task| blame(task, failure, now))
    }

    async fn live(&self, mut crew: Crew, mut turn: Option<SemaphorePermit<'_>>) -> Result<(), Fault> {
        let pulled = self.sandbox.clock.now();
        let (mut registries, mut running) = (Vec::new(), false);
        let ending = loop {
            if !crew.is_complete()
                && let Err(failure) = crew.start_ready().await
            {
                break Ending::NotStarted(failure);
            }
            if crew.is_complete() != running {
                running = true;
                self.note_handles(&crew);
                registries = self.activate(&crew, pulled).await?;
            } else if !running {
                self.note_handles(&crew);
                self.update(|task| show_started(task, &crew))?;
            }
            drop(turn.take());
            let deadline = if running { None } else { crew.deadline() };
            tokio::select! {
                () = self.stop.cancelled() => break Ending::Asked,
                () = self.sandbox.shutdown.cancelled() => break Ending::Asked,
                Some(failure) = late(deadline) => break Ending::NotStarted(failure),
                event = self.next(&mut crew) => if let Some(ending) = event? { break ending },
            }
        };
        self.end(crew, &registries, ending).await
    }

    /// Waits for the next event and records it; the ending when it is one.
    async fn next(&self, crew: &mut Crew) -> Result<Option<Ending>, Fault> {
        match crew.next().await {
            None => Ok(Some(Ending::ContainerExited)),
            Some(Event::Health(index, health)) => {
                self.update(|task| {
                    if let Some(container) = task.containers.get_mut(index) {
                        container.health = health;
                    }
                    task.was_healthy |= task.health() == HealthStatus::Healthy;
                })?;
                Ok(None)
            }
            Some(Event::Exited(index, exit)) => {
                self.update(|task| record_exit(task, index, &exit))?;
                Ok(crew.is_essential(index).then_some(Ending::ContainerExited))
            }
        }
    }

    fn note_handles(&self, crew: &Crew) {
        self.sandbox.tasks.running().entry(self.key.clone()).or_default().handles = crew.handles();
    }

    /// Makes the task `RUNNING`, registered where its service says.
    async fn activate(&self, crew: &Crew, pulled: jiff::Timestamp) -> Result<Vec<String>, Fault> {
        let read = |world: &crate::sandbox::world::World| world.ecs.tasks.get(&self.key).cloned();
        let task = self.sandbox.world.read(read).ok_or_else(|| Fault::internal("the task's row is gone"))?;
        let registries = discovery::registries(&self.sandbox, &task);
        if !registries.is_empty() {
            let task = self.update(|task| {
                show_started(task, crew);
                task.last_status = TaskStatus::Activating;
            })?;
            for registry in &registries {
                // A registry that is gone keeps no task from working; AWS retries it in the background.
                let _ = discovery::register(&self.sandbox, registry, &task).await;
            }
        }
        self.update(|task| {
            show_started(task, crew);
            task.last_status = TaskStatus::Running;
            task.pull_stopped_at = Some(pulled);
            task.started_at = Some(self.sandbox.clock.now());
        })?;
        Ok(registries)
    }

    async fn end(&self, crew: Crew, registries: &[String], ending: Ending) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        let asked = matches!(ending, Ending::Asked);
        let turn = self.sandbox.tasks.turns.acquire().await;
        let task = self.update(|task| {
            match ending {
                Ending::ContainerExited => {
                    let reason = "Essential container in task exited".to_owned();
                    task.ask_to_stop(StopCode::EssentialContainerExited, reason, now);
                }
                Ending::Asked => task.ask_to_stop(StopCode::InfrastructureHealth, SANDBOX_STOPPED.to_owned(), now),
                Ending::NotStarted(failure) => blame(task, failure, now),
            }
            task.last_status = if registries.is_empty() { TaskStatus::Stopping } else { TaskStatus::Deactivating };
        })?;
        drop(turn);
        for registry in registries {
            discovery::deregister(&self.sandbox, registry, &task.id).await;
        }
        if asked && task.service.is_some() {
            // Its service's address no longer sends connections here; the last one may just be under way.
            self.sandbox.shutdown.run_until_cancelled(tokio::time::sleep(LAST_CONNECTIONS)).await;
        }
        self.sandbox.tasks.running().remove(&self.key);
        let ended = crew.stop().await;
        let _turn = self.sandbox.tasks.turns.acquire().await;
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
            self.stopped(|_| {})
        } else {
            self.stopped(record)
        }
    }

    /// The last word on a task, which its service's deployment hears of too.
    fn stopped(&self, change: impl FnOnce(&mut Task)) -> Result<(), Fault> {
        self.sandbox.tasks.running().remove(&self.key);
        let (state_dir, id) = (self.sandbox.config.state_dir.clone(), last_part(&self.key).to_owned());
        // Shutdown waits for it.
        let removing = self.sandbox.background.token();
        tokio::task::spawn_blocking(move || {
            task_folder::remove(&state_dir, &id);
            drop(removing);
        });
        let clock = self.sandbox.clock;
        let now = clock.now();
        self.sandbox.world.write(|world| {
            let task = world.ecs.tasks.get_mut(&self.key).ok_or_else(|| Fault::internal("the task's row is gone"))?;
            change(task);
            task.containers.iter_mut().for_each(|container| container.last_status = TaskStatus::Stopped);
            task.last_status = TaskStatus::Stopped;
            task.execution_stopped_at.get_or_insert(now);
            task.stopped_at = Some(now);
            task.version += 1;
            let task = task.clone();
            scheduler::heard_of_end(world, &task, clock);
            Ok(())
        })
    }
}

/// Waits for a deadline, and gives what then is to be said; nothing at once when there is none.
async fn late(deadline: Option<(tokio::time::Instant, Failure)>) -> Option<Failure> {
    let (until, failure) = deadline?;
    tokio::time::sleep_until(until).await;
    Some(failure)
}

fn blame(task: &mut Task, Failure { container, reason }: Failure, now: jiff::Timestamp) {
    if let Some(container) = container.and_then(|index| task.containers.get_mut(index)) {
        container.reason = Some(reason.clone());
    }
    task.ask_to_stop(StopCode::TaskFailedToStart, reason, now);
}

fn show_started(task: &mut Task, crew: &Crew) {
    for (number, container) in task.containers.iter_mut().enumerate().filter(|(number, _)| crew.was_started(*number)) {
        if container.runtime_id.is_none() {
            container.last_status = TaskStatus::Running;
            container.ports = crew.ports(number);
            container.runtime_id = Some(format!("{}-{number:010}", task.id));
        }
    }
}

fn record_exit(task: &mut Task, index: usize, exit: &Exit) {
    if let Some(container) = task.containers.get_mut(index) {
        container.last_status = TaskStatus::Stopped;
        container.exit_code = Some(exit.code());
        // Who ended it may have said why already.
        container.reason = container.reason.take().or_else(|| exit.reason().map(str::to_owned));
    }
}
