//! Tasks that stop while a service is being created or updated: the reason why a deploy does not get on.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::DeployEvent;
use crate::aws::{Aws, ServiceName, StackEvent};

/// ECS is asked for stopped tasks this often.
const PAUSE: Duration = Duration::from_secs(2);

/// Watches the services of a stack while they are in progress. Equal causes are one, with a count.
#[derive(Debug, Default)]
pub(super) struct Casualties {
    in_progress: BTreeMap<String, ServiceName>,
    /// No longer in progress: looked at once more.
    ended: Vec<ServiceName>,
    known: HashSet<String>,
    causes: BTreeMap<String, usize>,
    asked: Option<Instant>,
}

impl Casualties {
    /// Learns from an event of the stack which services are in progress.
    pub fn hear(&mut self, event: &StackEvent) {
        if event.resource_type != "AWS::ECS::Service" {
            return;
        }
        match ServiceName::from_arn(&event.physical_id) {
            Some(name) if event.status.ends_with("_IN_PROGRESS") && !event.status.starts_with("DELETE") => {
                self.in_progress.insert(event.logical_id.clone(), name);
            }
            _ => {
                self.ended.extend(self.in_progress.remove(&event.logical_id));
                self.asked = None;
            }
        }
    }

    /// Tells causes that are new. That ECS does not answer is no reason to stop following the stack.
    pub async fn look(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) {
        if self.asked.is_some_and(|asked| asked.elapsed() < PAUSE) {
            return;
        }
        self.asked = Some(Instant::now());
        let ended = std::mem::take(&mut self.ended);
        for name in self.in_progress.values().chain(&ended) {
            let stopped = aws.stopped_tasks(name).await.unwrap_or_default();
            for task in stopped {
                if !self.known.insert(task.id.clone()) || is_wanted(task.stopped_reason.as_deref()) {
                    continue;
                }
                let cause = task.cause();
                let count = self.causes.entry(cause.clone()).or_default();
                *count += 1;
                let (service, task) = (name.service.clone(), task.id);
                emit(DeployEvent::TaskStopped { service, task, cause, count: *count });
            }
        }
    }

    /// Every cause with its count.
    pub fn causes(&self) -> impl Iterator<Item = String> {
        self.causes.iter().map(|(cause, count)| match count {
            1 => format!("a task stopped: {cause}"),
            count => format!("{count} tasks stopped: {cause}"),
        })
    }
}

/// ECS stops tasks of its own accord when a service scales in or moves to another deployment.
fn is_wanted(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| reason.starts_with("Scaling activity initiated by"))
}
