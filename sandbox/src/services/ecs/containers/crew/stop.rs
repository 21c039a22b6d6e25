//! How the containers of a task are stopped: in an order, and in bounded time.

use std::time::Duration;

use tokio::time::Instant;

use super::super::order::{Progress, last};
use super::{Crew, Event, Member};
use crate::process::Exit;

/// How long a container may take to end beyond its stop timeout. What is behind a process's shim is then killed with it, which
/// has to show after the same time again.
const STOP_MARGIN: Duration = Duration::from_secs(15);
/// How long a container may take to end when the sandbox does.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(8);
/// How long a task's end waits for the last of its output; what comes later is still forwarded.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// A container that is being stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopping {
    /// When its end is overdue.
    deadline: Instant,
    /// Whether it has been killed.
    killed: bool,
}

impl Crew {
    /// Stops the running containers, dependents first, and returns their exits. At sandbox shutdown no handle is kept, and
    /// containers get one second instead of their stop timeout.
    ///
    /// Always returns: a container that misses its deadline is killed, and one that then misses a second deadline is reported
    /// as lost.
    pub(in super::super::super) async fn stop(mut self) -> Vec<(usize, Exit)> {
        let shutdown = self.sandbox.shutdown.clone();
        let mut ended = Vec::new();
        self.members.iter_mut().for_each(Member::end_checks);
        loop {
            for index in last(&self.definitions, &self.progress()) {
                self.members[index].stop();
            }
            let overdue =
                self.members.iter().enumerate().filter_map(|(index, member)| Some((member.deadline()?, index))).min();
            let event = tokio::select! {
                event = self.next() => event,
                index = after(overdue) => {
                    ended.extend(self.members[index].overdue().map(|exit| (index, exit)));
                    continue;
                }
                () = shutdown.cancelled(), if self.members.iter().any(|member| member.container.is_some()) => {
                    self.members.iter_mut().for_each(Member::let_go);
                    continue;
                }
            };
            match event {
                Some(Event::Exited(index, exit)) => ended.push((index, exit)),
                Some(Event::Health(..)) => {}
                None => break,
            }
        }
        let deadline = Instant::now() + OUTPUT_TIMEOUT;
        for output in self.members.iter_mut().filter_map(|member| member.output.take()) {
            let _ = tokio::time::timeout_at(deadline, output).await;
        }
        ended
    }
}

/// Waits for a time and gives what is overdue then; for ever when nothing is.
async fn after(overdue: Option<(Instant, usize)>) -> usize {
    match overdue {
        Some((deadline, index)) => {
            tokio::time::sleep_until(deadline).await;
            index
        }
        None => std::future::pending().await,
    }
}

impl Member {
    /// Tells it to end, once; the handle stays, because without one the container would have a second only.
    fn stop(&mut self) {
        if let Some(container) = self.container.as_ref().filter(|_| self.stopping.is_none()) {
            container.stop();
            let timeout = self.prepared.spec.stop_timeout + STOP_MARGIN + container.cleanup_timeout();
            self.stopping = Some(Stopping { deadline: Instant::now() + timeout, killed: false });
        }
    }

    /// Drops the handle, which ends the container within a second.
    fn let_go(&mut self) {
        self.container = None;
        self.stopping = Some(Stopping { deadline: Instant::now() + SHUTDOWN_LIMIT, killed: true });
    }

    fn deadline(&self) -> Option<Instant> {
        matches!(self.progress, Progress::Running(_)).then_some(self.stopping?.deadline)
    }

    /// Kills it, or gives it up when that has been done before, with how it ended then.
    fn overdue(&mut self) -> Option<Exit> {
        if let Some(stopping) = self.stopping.as_mut().filter(|stopping| !stopping.killed)
            && let Some(container) = &self.container
        {
            container.kill();
            let timeout = STOP_MARGIN + container.cleanup_timeout();
            *stopping = Stopping { deadline: Instant::now() + timeout, killed: true };
            return None;
        }
        self.progress = Progress::Exited(Exit::ShimLost.code());
        Some(Exit::ShimLost)
    }
}
