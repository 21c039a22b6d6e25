//! Stopping the containers of a task: dependents first, and in bounded time.

use std::time::Duration;

use tokio::time::Instant;

use super::{ContainerEvent, ContainerGroup, GroupContainer};
use crate::base::clock::sleep_until;
use crate::process::Exit;
use crate::services::ecs::containers::dependencies::{ContainerState, stoppable};

/// How long a container may take to end beyond its stop timeout. It is killed then, and has to end within the same time again.
const STOP_MARGIN: Duration = Duration::from_secs(15);
/// How long a container may take to end when the sandbox ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a task's end waits for the rest of its output. Later output is still forwarded.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// A container that is being stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopping {
    /// When it has to have ended.
    deadline: Instant,
    killed: bool,
}

impl ContainerGroup {
    /// Stops the running containers, dependents first, and returns their exits. At sandbox shutdown no handle is kept, and
    /// containers get one second instead of their stop timeout.
    ///
    /// Always returns: a container that misses its deadline is killed, and one that then misses a second deadline is reported
    /// as lost.
    pub(in crate::services::ecs) async fn stop(mut self) -> Vec<(usize, Exit)> {
        let shutdown = self.sandbox.shutdown.clone();
        let mut ended = Vec::new();
        self.containers.iter_mut().for_each(GroupContainer::end_checks);
        loop {
            for index in stoppable(&self.definitions, &self.states()) {
                self.containers[index].stop();
            }
            let containers = self.containers.iter().enumerate();
            let next_deadline = containers.filter_map(|(index, container)| Some((container.deadline()?, index))).min();
            let event = tokio::select! {
                event = self.next() => event,
                index = expired_container(next_deadline) => {
                    ended.extend(self.containers[index].kill_or_abandon().map(|exit| (index, exit)));
                    continue;
                }
                () = shutdown.cancelled(), if self.containers.iter().any(|container| container.running.is_some()) => {
                    self.containers.iter_mut().for_each(GroupContainer::release);
                    continue;
                }
            };
            match event {
                Some(ContainerEvent::Exited(index, exit)) => ended.push((index, exit)),
                Some(ContainerEvent::Health(..)) => {}
                None => break,
            }
        }
        let deadline = Instant::now() + OUTPUT_TIMEOUT;
        for output in self.containers.iter_mut().filter_map(|container| container.output.take()) {
            let _ = tokio::time::timeout_at(deadline, output).await;
        }
        ended
    }
}

/// Waits until a container's deadline and returns the container's index; without a deadline, never returns.
async fn expired_container(deadline: Option<(Instant, usize)>) -> usize {
    let (deadline, index) = deadline.unzip();
    sleep_until(deadline).await;
    index.unwrap_or_default()
}

impl GroupContainer {
    /// Asks it to end, once. The reference remains: dropping it would end the container within a second.
    fn stop(&mut self) {
        if let Some(container) = self.running.as_ref().filter(|_| self.stopping.is_none()) {
            container.stop();
            let timeout = self.prepared.spec.stop_timeout + STOP_MARGIN + container.cleanup_timeout();
            self.stopping = Some(Stopping { deadline: Instant::now() + timeout, killed: false });
        }
    }

    /// Drops the reference, which ends the container within a second.
    fn release(&mut self) {
        self.running = None;
        self.stopping = Some(Stopping { deadline: Instant::now() + SHUTDOWN_TIMEOUT, killed: true });
    }

    fn deadline(&self) -> Option<Instant> {
        matches!(self.state, ContainerState::Running(_)).then_some(self.stopping?.deadline)
    }

    /// Kills it after a missed deadline. One that was killed before is reported as lost.
    fn kill_or_abandon(&mut self) -> Option<Exit> {
        if let Some(stopping) = self.stopping.as_mut().filter(|stopping| !stopping.killed)
            && let Some(container) = &self.running
        {
            container.kill();
            let timeout = STOP_MARGIN + container.cleanup_timeout();
            *stopping = Stopping { deadline: Instant::now() + timeout, killed: true };
            return None;
        }
        self.state = ContainerState::Exited(Exit::ShimLost.code());
        Some(Exit::ShimLost)
    }
}
