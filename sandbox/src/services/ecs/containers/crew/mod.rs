//! The containers of one task at work: started as their dependencies allow, watched, and stopped in reverse.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::model::{ContainerDefinition, HealthStatus};
use super::order::{Progress, Verdict, verdict};
use super::{Failure, Prepared, health, log, start};
use crate::Sandbox;
use crate::auth::RoleLease;
use crate::base::supervisor;
use crate::process::{Container, Exit, PortLease};
use crate::services::ecs::Runtime;

mod stop;

use stop::Stopping;

/// How long others wait for a container to be as far as they need it, when it does not say: Fargate's three minutes
/// (developer guide, "startTimeout").
const START_TIMEOUT: u32 = 180;

/// How long an abandoned container start may take to report its own failure.
const ABANDON_DELAY: Duration = Duration::from_secs(1);

/// Something that happened to a container, by its place in the definition.
#[derive(Debug)]
pub(in super::super) enum Event {
    /// It ended, and nothing of it is left.
    Exited(usize, Exit),
    /// Its health changed.
    Health(usize, HealthStatus),
}

/// The containers of one task. When it is dropped, they are stopped.
#[derive(Debug)]
pub(in super::super) struct Crew {
    sandbox: Arc<Sandbox>,
    definitions: Vec<ContainerDefinition>,
    members: Vec<Member>,
    events: mpsc::UnboundedSender<Event>,
    inbox: mpsc::UnboundedReceiver<Event>,
    /// Keeps the credentials of the task's role valid.
    _role: Option<RoleLease>,
}

#[derive(Debug)]
struct Member {
    prepared: Prepared,
    progress: Progress,
    started_at: Option<Instant>,
    container: Option<Arc<dyn Container>>,
    /// Where its first port is reached.
    port: Option<u16>,
    /// Keep its ports its own.
    leases: Vec<PortLease>,
    stopping: Option<Stopping>,
    output: Option<JoinHandle<()>>,
    health: Option<AbortHandle>,
}

impl Crew {
    pub(super) fn new(sandbox: &Arc<Sandbox>, prepared: Vec<Prepared>, role: Option<RoleLease>) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let definitions = prepared.iter().map(|one| one.definition.clone()).collect();
        let member = |prepared| Member {
            prepared,
            progress: Progress::Waiting,
            started_at: None,
            container: None,
            port: None,
            leases: Vec::new(),
            stopping: None,
            output: None,
            health: None,
        };
        let members = prepared.into_iter().map(member).collect();
        Self { sandbox: Arc::clone(sandbox), definitions, members, events, inbox, _role: role }
    }

    fn progress(&self) -> Vec<Progress> {
        self.members.iter().map(|member| member.progress).collect()
    }

    /// Starts every container that may start now.
    ///
    /// # Errors
    /// When one cannot be started, or never will be, or the task is to `stop` before it runs.
    pub(in super::super) async fn start_ready(&mut self, stop: &CancellationToken) -> Result<(), Failure> {
        loop {
            let progress = self.progress();
            let waiting = (0..self.members.len()).filter(|index| progress[*index] == Progress::Waiting);
            let mut ready = None;
            for index in waiting {
                match verdict(&self.definitions, &progress, index) {
                    Verdict::Ready => ready = ready.or(Some(index)),
                    Verdict::Wait(_) => {}
                    Verdict::Never(other) => return Err(self.unresolved(index, other)),
                }
            }
            let Some(index) = ready else { return Ok(()) };
            self.start(index, stop).await?;
        }
    }

    fn unresolved(&self, index: usize, other: usize) -> Failure {
        let reason = format!(
            "dependency graph: failed to resolve container ordering dependency [{}] for target [{}] as dependency did not \
             exit successfully.",
            self.definitions[other].name, self.definitions[index].name
        );
        Failure { container: Some(index), reason }
    }

    async fn start(&mut self, index: usize, stop: &CancellationToken) -> Result<(), Failure> {
        let sandbox = Arc::clone(&self.sandbox);
        let member = &mut self.members[index];
        let (spec, engine) = (member.prepared.spec.clone(), member.prepared.engine.clone());
        let (ours, cancel) = (Arc::clone(&sandbox), CancellationToken::new());
        let cancelled = cancel.clone();
        // Spawned, so that an abandoned start still completes and its container is dropped.
        let starting = tokio::spawn(async move { start::start(&ours, spec, engine.as_deref(), &cancelled).await });
        let abandoned = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = sandbox.shutdown.cancelled() => {}
            }
            cancel.cancel();
            tokio::time::sleep(ABANDON_DELAY).await;
        };
        let started = tokio::select! {
            started = starting => started.unwrap_or_else(|panic| Err(format!("CannotStartContainerError: {panic}"))),
            () = abandoned => Err("the task was stopped while its container was being started".to_owned()),
        };
        let started = started.map_err(|reason| Failure { container: Some(index), reason })?;
        member.port = started.port;
        member.leases = started.leases;
        member.output = Some(tokio::spawn(log::forward(
            started.output,
            member.prepared.stream.clone(),
            sandbox.runtime::<Runtime>().log_entries(),
        )));
        let events = self.events.clone();
        tokio::spawn(async move {
            // When nobody waits any more the task's rows are gone.
            let _ = events.send(Event::Exited(index, started.exit.await.unwrap_or(Exit::ShimLost)));
        });
        if let Some(check) = member.prepared.definition.health_check.clone().filter(|check| !check.is_none()) {
            let (events, container) = (self.events.clone(), Arc::clone(&started.container));
            let name = format!("container {index} of task {}", member.prepared.spec.task_id);
            let watching = tokio::spawn(async move {
                let report = |health| drop(events.send(Event::Health(index, health)));
                let timeout = Duration::from_secs(check.timeout.into());
                let run_check = || container.check(&check.command, timeout);
                let watch = || health::watch(&check, sandbox.clock, run_check, report);
                supervisor::restart(&sandbox.log, &format!("the health check of {name}"), watch).await;
            });
            member.health = Some(watching.abort_handle());
        }
        member.container = Some(started.container);
        member.progress = Progress::Running(HealthStatus::Unknown);
        member.started_at = Some(Instant::now());
        Ok(())
    }

    /// Whether every container was started.
    pub(in super::super) fn is_complete(&self) -> bool {
        self.members.iter().all(|member| member.progress != Progress::Waiting)
    }

    /// The next event of a running container; none when none runs any more. A health check may still report after its
    /// container has ended: that is passed over.
    pub(in super::super) async fn next(&mut self) -> Option<Event> {
        loop {
            if !self.members.iter().any(|member| matches!(member.progress, Progress::Running(_))) {
                return None;
            }
            let event = self.inbox.recv().await?;
            let (index, change) = match &event {
                Event::Exited(index, exit) => (*index, Progress::Exited(exit.code())),
                Event::Health(index, health) => (*index, Progress::Running(*health)),
            };
            let member = &mut self.members[index];
            let Some(progress) = member.progress.then(change) else { continue };
            member.progress = progress;
            if matches!(progress, Progress::Exited(_)) {
                member.end_checks();
            }
            return Some(event);
        }
    }

    /// When a container has waited long enough for another one, by that one's start timeout, and what then is to be said.
    pub(in super::super) fn deadline(&self) -> Option<(Instant, Failure)> {
        let progress = self.progress();
        let mut deadlines = Vec::new();
        for index in (0..self.members.len()).filter(|index| progress[*index] == Progress::Waiting) {
            let Verdict::Wait(others) = verdict(&self.definitions, &progress, index) else { continue };
            for other in others {
                let patience =
                    Duration::from_secs(self.definitions[other].start_timeout.unwrap_or(START_TIMEOUT).into());
                let started = self.members[other].started_at;
                deadlines
                    .extend(started.map(|started| (started + self.sandbox.clock.shortened(patience), index, other)));
            }
        }
        let (until, index, other) = deadlines.into_iter().min()?;
        let reason = format!(
            "dependency graph: container ordering dependency [{}] for target [{}] has timed out.",
            self.definitions[other].name, self.definitions[index].name
        );
        Some((until, Failure { container: Some(index), reason }))
    }

    /// Whether the task ends with this container.
    pub(in super::super) fn is_essential(&self, index: usize) -> bool {
        self.definitions[index].essential
    }

    /// The port in a container's definition, if it has one, and the real one.
    pub(in super::super) fn ports(&self, index: usize) -> Option<(u16, u16)> {
        let member = &self.members[index];
        Some((member.prepared.definition.main_port()?.container_port, member.port?))
    }

    /// Whether a container was started, and runs or has ended.
    pub(in super::super) fn was_started(&self, index: usize) -> bool {
        self.members[index].progress != Progress::Waiting
    }

    /// The containers that were started, each at its place in the definition.
    pub(in super::super) fn started(&self) -> Vec<Option<Arc<dyn Container>>> {
        self.members.iter().map(|member| member.container.clone()).collect()
    }
}

impl Member {
    fn end_checks(&mut self) {
        if let Some(health) = self.health.take() {
            health.abort();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.end_checks();
    }
}
