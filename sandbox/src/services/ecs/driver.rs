//! A task's life: one driver per task takes it from its row to running containers, watches them, and records how it ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::containers::{self, Crew, Event, Failure};
use super::model::{HealthStatus, StopCode, Task, TaskStatus};
use super::names::last_part;
use super::{discovery, network, scheduler, task_folder};
use crate::base::supervisor;
use crate::process::Exit;
use crate::services::ecs::Runtime;
use crate::services::ecs::State;
use crate::{Fault, Sandbox};

/// The reason of tasks that end with the sandbox.
pub(super) const SANDBOX_STOPPED: &str = "The sandbox was stopped while this task was running";

/// Between a task's leaving its service's address and its SIGTERM.
const LAST_CONNECTIONS: Duration = Duration::from_millis(100);

/// How long a task may have its permit to stop.
const STOP_PERMIT: Duration = Duration::from_millis(500);

/// Drives a task from `PROVISIONING` to `STOPPED`; `stop` is cancelled when its row says that it is to stop.
///
/// A driver can fail: the disk refuses the row, or there is a panic. Its containers have ended then, and the scheduler
/// records the task's end as soon as that can be written.
pub(super) async fn drive(sandbox: Arc<Sandbox>, key: String, stop: CancellationToken) {
    let driver = Driver { sandbox: Arc::clone(&sandbox), key: key.clone(), stop };
    watch_over(&sandbox, &key, driver.run()).await;
}

/// Takes the entry of a driver away when that has ended, or leaves it to the scheduler with the reason of the failure.
pub(super) async fn watch_over(sandbox: &Sandbox, key: &str, run: impl Future<Output = Result<(), Fault>>) {
    let failure = match supervisor::catch(run).await {
        Ok(Ok(())) => {
            sandbox.runtime::<Runtime>().running().remove(key);
            return;
        }
        Ok(Err(fault)) => fault.message,
        Err(panic) => panic.to_string(),
    };
    sandbox.log.write(&format!("task {key}: its driver failed: {failure}"));
    let mut running = sandbox.runtime::<Runtime>().running();
    let entry = running.entry(key.to_owned()).or_default();
    entry.release();
    entry.driver_failure = Some(failure);
    drop(running);
    sandbox.runtime::<Runtime>().driver_failed.notify_one();
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
        let Some(permit) = self.unless_stopped(self.sandbox.runtime::<Runtime>().start_permits.acquire()).await else {
            return self.stopped(|_| {});
        };
        let subnet = self
            .sandbox
            .world
            .read(|world| world.of::<State>().tasks.get(&self.key).and_then(|task| task.subnet_id.clone()));
        let placement = network::place(&self.sandbox, subnet).await;
        let now = self.sandbox.clock.now();
        let task = self.update(|task| {
            task.last_status = TaskStatus::Pending;
            task.network = placement.interface;
            task.zone = placement.zone;
            task.pull_started_at = Some(now);
        })?;
        match self.unless_stopped(containers::prepare(&self.sandbox, &task)).await {
            Some(Ok(crew)) => self.live(crew, permit.ok()).await,
            Some(Err(failure)) => self.failed_to_start(failure),
            None => self.stopped(|_| {}),
        }
    }

    /// The result of work that may be dropped; none when the task is to stop before it is there.
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
        self.sandbox.world.write(|world| {
            let task = world
                .of_mut::<State>()
                .tasks
                .get_mut(&self.key)
                .ok_or_else(|| Fault::internal("the task's row is gone"))?;
            change(task);
            task.version += 1;
            Ok(task.clone())
        })
    }

    fn failed_to_start(&self, failure: Failure) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        self.stopped(|task| blame(task, failure, now))
    }

    async fn live(&self, mut crew: Crew, mut permit: Option<SemaphorePermit<'_>>) -> Result<(), Fault> {
        let pulled = self.sandbox.clock.now();
        let (mut registries, mut running) = (Vec::new(), false);
        let ending = loop {
            if !crew.is_complete()
                && let Err(failure) = crew.start_ready(&self.stop).await
            {
                break Ending::NotStarted(failure);
            }
            if crew.is_complete() != running {
                running = true;
                self.publish_containers(&crew);
                registries = self.activate(&crew, pulled).await?;
            } else if !running {
                self.publish_containers(&crew);
                self.update(|task| show_started(task, &crew))?;
            }
            drop(permit.take());
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

    fn publish_containers(&self, crew: &Crew) {
        self.sandbox.runtime::<Runtime>().running().entry(self.key.clone()).or_default().containers = crew.started();
    }

    /// Makes the task `RUNNING`, registered where its service says.
    async fn activate(&self, crew: &Crew, pulled: jiff::Timestamp) -> Result<Vec<String>, Fault> {
        let read = |world: &crate::store::World| world.of::<State>().tasks.get(&self.key).cloned();
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
        let permit = self.sandbox.runtime::<Runtime>().stop_permits.acquire().await;
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
        drop(permit);
        for registry in registries {
            discovery::deregister(&self.sandbox, registry, &task.id).await;
        }
        if asked && task.service.is_some() {
            // Its service's address no longer sends connections here; the last one may just be under way.
            self.sandbox.shutdown.run_until_cancelled(tokio::time::sleep(LAST_CONNECTIONS)).await;
        }
        if let Some(entry) = self.sandbox.runtime::<Runtime>().running().get_mut(&self.key) {
            entry.release();
        }
        let ended = self.stop(crew).await;
        let _permit = self.sandbox.runtime::<Runtime>().stop_permits.acquire().await;
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

    /// Stops the containers. Each shim scans all processes when its process ends, so only a few tasks stop at once; a slow one
    /// gives its permit back.
    async fn stop(&self, crew: Crew) -> Vec<(usize, Exit)> {
        let permit =
            self.sandbox.shutdown.run_until_cancelled(self.sandbox.runtime::<Runtime>().stop_permits.acquire()).await;
        let mut stopping = std::pin::pin!(crew.stop());
        tokio::select! {
            ended = &mut stopping => return ended,
            () = tokio::time::sleep(STOP_PERMIT) => drop(permit),
        }
        stopping.await
    }

    /// Records the task's end, which counts in its service's deployment too.
    fn stopped(&self, change: impl FnOnce(&mut Task)) -> Result<(), Fault> {
        let (state_dir, id) = (self.sandbox.config.state_dir.clone(), last_part(&self.key).to_owned());
        // Shutdown waits for it.
        let removing = self.sandbox.background.token();
        tokio::task::spawn_blocking(move || {
            task_folder::remove(&state_dir, &id);
            drop(removing);
        });
        let clock = self.sandbox.clock;
        self.sandbox.world.write(|world| {
            let task = world
                .of_mut::<State>()
                .tasks
                .get_mut(&self.key)
                .ok_or_else(|| Fault::internal("the task's row is gone"))?;
            change(task);
            // It may be the sandbox that ends, before anything of the task was started.
            task.ask_to_stop(StopCode::InfrastructureHealth, SANDBOX_STOPPED.to_owned(), clock.now());
            task.end(clock.now());
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
