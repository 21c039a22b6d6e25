//! The running containers of one task: started as their dependencies allow, monitored, and stopped in reverse order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::dependencies::{ContainerState, StartDecision, start_decision};
use super::{LaunchFailure, PreparedContainer, awslogs, container_start, health};
use crate::Sandbox;
use crate::auth::RoleLease;
use crate::base::supervisor;
use crate::process::{ContainerHandle, Exit, PortLease};
use crate::services::ecs::TaskProcesses;
use crate::services::ecs::model::{ContainerDefinition, HealthStatus};

mod stopping;

use stopping::Stopping;

/// The default number of seconds for which others wait for a container: Fargate's three minutes (developer guide, "startTimeout").
const START_TIMEOUT: u32 = 180;

/// How long an abandoned container start may take to report its own failure.
const ABANDON_DELAY: Duration = Duration::from_secs(1);

/// A change of a container, which is identified by its index in the definition.
#[derive(Debug)]
pub(in crate::services::ecs) enum ContainerEvent {
    /// It ended, and none of its processes remain.
    Exited(usize, Exit),
    Health(usize, HealthStatus),
}

/// The containers of one task. When it is dropped, they are stopped.
#[derive(Debug)]
pub(in crate::services::ecs) struct ContainerGroup {
    sandbox: Arc<Sandbox>,
    definitions: Vec<ContainerDefinition>,
    containers: Vec<GroupContainer>,
    events: mpsc::UnboundedSender<ContainerEvent>,
    inbox: mpsc::UnboundedReceiver<ContainerEvent>,
    /// Keeps the credentials of the task's role valid.
    _role: Option<RoleLease>,
}

/// A container of the group, from waiting to its end.
#[derive(Debug)]
struct GroupContainer {
    prepared: PreparedContainer,
    state: ContainerState,
    started_at: Option<Instant>,
    running: Option<Arc<dyn ContainerHandle>>,
    /// The port on this machine.
    port: Option<u16>,
    /// Keep its ports leased.
    leases: Vec<PortLease>,
    stopping: Option<Stopping>,
    output: Option<JoinHandle<()>>,
    health: Option<AbortHandle>,
}

impl ContainerGroup {
    pub(super) fn new(sandbox: &Arc<Sandbox>, prepared: Vec<PreparedContainer>, role: Option<RoleLease>) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let definitions = prepared.iter().map(|container| container.definition.clone()).collect();
        let container = |prepared| GroupContainer {
            prepared,
            state: ContainerState::Waiting,
            started_at: None,
            running: None,
            port: None,
            leases: Vec::new(),
            stopping: None,
            output: None,
            health: None,
        };
        let containers = prepared.into_iter().map(container).collect();
        Self { sandbox: Arc::clone(sandbox), definitions, containers, events, inbox, _role: role }
    }

    fn states(&self) -> Vec<ContainerState> {
        self.containers.iter().map(|container| container.state).collect()
    }

    /// Starts every container that may start now.
    ///
    /// # Errors
    /// A container cannot be started now or ever, or `stop` is cancelled before it runs.
    pub(in crate::services::ecs) async fn start_ready(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<(), LaunchFailure> {
        loop {
            let states = self.states();
            let waiting = (0..self.containers.len()).filter(|index| states[*index] == ContainerState::Waiting);
            let mut ready = None;
            for index in waiting {
                match start_decision(&self.definitions, &states, index) {
                    StartDecision::Start => ready = ready.or(Some(index)),
                    StartDecision::Wait(_) => {}
                    StartDecision::Never(other) => return Err(self.unmet_dependency(index, other)),
                }
            }
            let Some(index) = ready else { return Ok(()) };
            self.start(index, stop).await?;
        }
    }

    fn unmet_dependency(&self, index: usize, other: usize) -> LaunchFailure {
        let reason = format!(
            "dependency graph: failed to resolve container ordering dependency [{}] for target [{}] as dependency did not \
             exit successfully.",
            self.definitions[other].name, self.definitions[index].name
        );
        LaunchFailure { container: Some(index), reason }
    }

    async fn start(&mut self, index: usize, stop: &CancellationToken) -> Result<(), LaunchFailure> {
        let sandbox = Arc::clone(&self.sandbox);
        let container = &mut self.containers[index];
        let (spec, engine) = (container.prepared.spec.clone(), container.prepared.engine.clone());
        let (ours, cancel) = (Arc::clone(&sandbox), CancellationToken::new());
        let cancelled = cancel.clone();
        // Spawned, so that an abandoned start still completes and its container is dropped.
        let starting =
            tokio::spawn(async move { container_start::start(&ours, spec, engine.as_deref(), &cancelled).await });
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
        let started = started.map_err(|reason| LaunchFailure { container: Some(index), reason })?;
        container.port = started.port;
        container.leases = started.leases;
        container.output = Some(tokio::spawn(awslogs::forward(
            started.output,
            container.prepared.stream.clone(),
            sandbox.in_memory::<TaskProcesses>().log_entries(),
        )));
        let events = self.events.clone();
        tokio::spawn(async move {
            // Fails if the group has been dropped.
            let _ = events.send(ContainerEvent::Exited(index, started.exit.await.unwrap_or(Exit::ShimLost)));
        });
        if let Some(check) = container.prepared.definition.health_check.clone().filter(|check| !check.is_none()) {
            let (events, running) = (self.events.clone(), Arc::clone(&started.container));
            let name = format!("container {index} of task {}", container.prepared.spec.task_id);
            let monitoring = tokio::spawn(async move {
                let report = |health| drop(events.send(ContainerEvent::Health(index, health)));
                let timeout = Duration::from_secs(check.timeout.into());
                let run_check = || running.check(&check.command, timeout);
                let watch = || health::watch(&check, sandbox.clock, run_check, report);
                supervisor::restart(&sandbox.log, &format!("the health check of {name}"), watch).await;
            });
            container.health = Some(monitoring.abort_handle());
        }
        container.running = Some(started.container);
        container.state = ContainerState::Running(HealthStatus::Unknown);
        container.started_at = Some(Instant::now());
        Ok(())
    }

    /// Whether every container was started.
    pub(in crate::services::ecs) fn is_complete(&self) -> bool {
        self.containers.iter().all(|container| container.state != ContainerState::Waiting)
    }

    /// The next event of a running container; none if no container runs. Late reports of health checks, after the end of their
    /// container, are ignored.
    pub(in crate::services::ecs) async fn next(&mut self) -> Option<ContainerEvent> {
        loop {
            if !self.containers.iter().any(|container| matches!(container.state, ContainerState::Running(_))) {
                return None;
            }
            let event = self.inbox.recv().await?;
            let (index, change) = match &event {
                ContainerEvent::Exited(index, exit) => (*index, ContainerState::Exited(exit.code())),
                ContainerEvent::Health(index, health) => (*index, ContainerState::Running(*health)),
            };
            let container = &mut self.containers[index];
            let Some(state) = container.state.transition(change) else { continue };
            container.state = state;
            if matches!(state, ContainerState::Exited(_)) {
                container.end_checks();
            }
            return Some(event);
        }
    }

    /// The earliest time at which a start timeout expires: a container waits for another one that has not reached its condition. With
    /// the failure to report then.
    pub(in crate::services::ecs) fn deadline(&self) -> Option<(Instant, LaunchFailure)> {
        let states = self.states();
        let mut deadlines = Vec::new();
        for index in (0..self.containers.len()).filter(|index| states[*index] == ContainerState::Waiting) {
            let StartDecision::Wait(others) = start_decision(&self.definitions, &states, index) else { continue };
            for other in others {
                let timeout =
                    Duration::from_secs(self.definitions[other].start_timeout.unwrap_or(START_TIMEOUT).into());
                let started = self.containers[other].started_at;
                deadlines
                    .extend(started.map(|started| (started + self.sandbox.clock.shortened(timeout), index, other)));
            }
        }
        let (until, index, other) = deadlines.into_iter().min()?;
        let reason = format!(
            "dependency graph: container ordering dependency [{}] for target [{}] has timed out.",
            self.definitions[other].name, self.definitions[index].name
        );
        Some((until, LaunchFailure { container: Some(index), reason }))
    }

    /// Whether the end of a container ends the task.
    pub(in crate::services::ecs) fn is_essential(&self, index: usize) -> bool {
        self.definitions[index].essential
    }

    /// The port in a container's definition, if it has one, and the real one.
    pub(in crate::services::ecs) fn ports(&self, index: usize) -> Option<(u16, u16)> {
        let container = &self.containers[index];
        Some((container.prepared.definition.main_port()?.container_port, container.port?))
    }

    /// Whether a container runs or has ended.
    pub(in crate::services::ecs) fn was_started(&self, index: usize) -> bool {
        self.containers[index].state != ContainerState::Waiting
    }

    /// The containers that were started, each at its place in the definition.
    pub(in crate::services::ecs) fn started(&self) -> Vec<Option<Arc<dyn ContainerHandle>>> {
        self.containers.iter().map(|container| container.running.clone()).collect()
    }
}

impl GroupContainer {
    fn end_checks(&mut self) {
        if let Some(health) = self.health.take() {
            health.abort();
        }
    }
}

impl Drop for GroupContainer {
    fn drop(&mut self) {
        self.end_checks();
    }
}
