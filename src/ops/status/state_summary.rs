//! The state of a service in words.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::StoppedCause;
use crate::model::{ServiceState, Task};

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServicePhase {
    /// All tasks of its only deployment run.
    Steady,
    /// Tasks of a new deployment start.
    RollingOut,
    /// Tasks start or stop because the desired count has changed.
    Scaling,
    /// Tasks stop unexpectedly, a deployment failed, or tasks are unhealthy.
    Failing,
    /// The service is being deleted.
    Draining,
    /// There is no such service.
    Missing,
}

/// The phase of a service, and a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateSummary {
    pub phase: ServicePhase,
    /// "failing: exit code 3, 4 times in 5 min"
    pub text: String,
}

/// How long a task that stopped unexpectedly counts.
const RECENT: SignedDuration = SignedDuration::from_mins(5);

impl StateSummary {
    /// Describes a service by its deployments, its tasks, and the causes for which tasks stopped, the latest first.
    pub(super) fn new(service: &ServiceState, tasks: &[Task], stopped: &[StoppedCause]) -> Self {
        let summary = |phase, text: String| Self { phase, text };
        let ServiceState { desired, running, pending, .. } = service;
        match service.status.as_str() {
            "ACTIVE" => {}
            "DRAINING" => return summary(ServicePhase::Draining, format!("being deleted: {running} tasks run")),
            _ => return summary(ServicePhase::Missing, "not deployed".to_owned()),
        }
        let primary = service.primary_deployment();
        if let Some(failed) = service.deployments.iter().find(|it| it.rollout_state.as_deref() == Some("FAILED")) {
            let reason = failed.rollout_reason.as_deref().unwrap_or("ECS reports no reason");
            return summary(ServicePhase::Failing, format!("deployment failed: {reason}"));
        }
        // If each task was replaced once at most and all run, the service has recovered.
        let recent: usize = stopped.iter().map(|cause| cause.recent).sum();
        let has_recovered = service.is_steady() && u32::try_from(recent).is_ok_and(|recent| recent <= *desired);
        if let Some(failing) = stopped.iter().find(|cause| cause.recent > 0 && !has_recovered) {
            let times = match failing.recent {
                1 => "once".to_owned(),
                count => format!("{count} times"),
            };
            return summary(ServicePhase::Failing, format!("failing: {}, {times} in 5 min", failing.short_cause()));
        }
        let unhealthy = tasks.iter().filter(|task| task.health == "UNHEALTHY").count();
        if unhealthy > 0 {
            return summary(ServicePhase::Failing, format!("unhealthy: {unhealthy} of {} tasks", tasks.len()));
        }
        if service.is_steady() {
            return summary(ServicePhase::Steady, "steady".to_owned());
        }
        let is_rolling_out = service.deployments.len() > 1
            || primary.is_some_and(|primary| primary.rollout_state.as_deref() == Some("IN_PROGRESS"));
        match primary {
            Some(primary) if is_rolling_out => summary(
                ServicePhase::RollingOut,
                format!("rolling out {} of {}", primary.running.min(primary.desired), primary.desired),
            ),
            _ if running < desired => {
                summary(ServicePhase::Scaling, format!("scaling out: {running} of {desired} run"))
            }
            _ if running > desired => {
                summary(ServicePhase::Scaling, format!("scaling in: {running} run, {desired} desired"))
            }
            _ => summary(ServicePhase::Scaling, format!("{pending} tasks start or stop")),
        }
    }

    /// Whether nothing is about to change.
    pub fn is_steady(&self) -> bool {
        self.phase == ServicePhase::Steady
    }
}

/// Whether something that happened then counts as recent.
pub(super) fn is_recent(time: Timestamp, now: Timestamp) -> bool {
    now.duration_since(time) <= RECENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Deployment;

    fn service(counts: (u32, u32, u32), deployments: &[(&str, u32, &str)]) -> ServiceState {
        let (desired, running, pending) = counts;
        let deployment = |(status, running, rollout): &(&str, u32, &str)| Deployment {
            status: (*status).to_owned(),
            desired,
            running: *running,
            rollout_state: Some((*rollout).to_owned()),
            rollout_reason: Some("tasks failed to start.".to_owned()),
            ..Deployment::default()
        };
        let deployments = deployments.iter().map(deployment).collect();
        ServiceState { status: "ACTIVE".to_owned(), desired, running, pending, deployments, ..ServiceState::default() }
    }

    #[test]
    fn a_summary_names_what_matters_most() {
        let steady = service((2, 2, 0), &[("PRIMARY", 2, "COMPLETED")]);
        let unhealthy = Task { health: "UNHEALTHY".to_owned(), ..Task::default() };
        let healthy = Task { health: "HEALTHY".to_owned(), ..Task::default() };
        let crash = |recent| StoppedCause {
            cause: "Essential container in task exited; container web: exit code 3".to_owned(),
            exit_code: Some(3),
            recent,
            ..StoppedCause::default()
        };
        let rolling_out = service((3, 3, 1), &[("PRIMARY", 2, "IN_PROGRESS"), ("ACTIVE", 1, "COMPLETED")]);
        let failed = service((3, 3, 0), &[("PRIMARY", 3, "IN_PROGRESS"), ("ACTIVE", 0, "FAILED")]);
        for (service, tasks, stopped, phase, text) in [
            (&steady, vec![], vec![], ServicePhase::Steady, "steady"),
            (&steady, vec![], vec![crash(0)], ServicePhase::Steady, "steady"),
            (&steady, vec![], vec![crash(2)], ServicePhase::Steady, "steady"),
            (&steady, vec![], vec![crash(4)], ServicePhase::Failing, "failing: exit code 3, 4 times in 5 min"),
            (&steady, vec![unhealthy, healthy], vec![], ServicePhase::Failing, "unhealthy: 1 of 2 tasks"),
            (&rolling_out, vec![], vec![], ServicePhase::RollingOut, "rolling out 2 of 3"),
            (&failed, vec![], vec![crash(1)], ServicePhase::Failing, "deployment failed: tasks failed to start."),
            (
                &service((3, 1, 2), &[("PRIMARY", 1, "COMPLETED")]),
                vec![],
                vec![],
                ServicePhase::Scaling,
                "scaling out: 1 of 3 run",
            ),
            (
                &service((1, 3, 0), &[("PRIMARY", 3, "COMPLETED")]),
                vec![],
                vec![],
                ServicePhase::Scaling,
                "scaling in: 3 run, 1 desired",
            ),
            (&ServiceState::missing(), vec![], vec![], ServicePhase::Missing, "not deployed"),
        ] {
            let summary = StateSummary::new(service, &tasks, &stopped);
            assert_eq!((summary.phase, summary.text.as_str()), (phase, text));
        }
    }
}
