//! Tasks that fail to start: counted, retried with a backoff, and finally a reason for the circuit breaker.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::clock::Clock;
use crate::services::ecs::State;
use crate::services::ecs::lookups::key;
use crate::services::ecs::model::{DeploymentFailure, HealthStatus, RolloutState, Service, StopCode, Task};
use crate::store::States;

/// A task that ran this long did not fail to start.
const MIN_RUNNING_TIME: Duration = Duration::from_mins(1);

/// The delay after failed tasks, doubled each time up to the maximum.
const BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_mins(15);

const UNABLE: &str = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting \
section of the Amazon ECS Developer Guide.";

/// Records the end of a service's task: a failure to start is counted and delays the next task.
pub(in crate::services::ecs) fn on_task_stopped(states: &mut States, task: &Task, clock: Clock) {
    let unhealthy = task.health() == HealthStatus::Unhealthy;
    let failed = match task.stop_code {
        Some(StopCode::TaskFailedToStart | StopCode::EssentialContainerExited) => true,
        Some(StopCode::ServiceSchedulerInitiated) => unhealthy,
        _ => false,
    };
    let Some(name) = task.service.as_ref().filter(|_| failed) else { return };
    let Some(service) = states.of_mut::<State>().services.get_mut(&key(&task.cluster, name)) else { return };
    let Some(deployment) =
        service.deployments.iter_mut().find(|deployment| task.started_by.as_ref() == Some(&deployment.id))
    else {
        return;
    };
    let now = clock.now();
    let ran = task.started_at.map_or(Duration::ZERO, |started| now.duration_since(started).unsigned_abs());
    let has_worked = if task.is_checked() { task.was_healthy } else { ran >= clock.shortened(MIN_RUNNING_TIME) };
    let failures = if has_worked { 0 } else { deployment.failed_tasks + 1 };
    deployment.failed_tasks = failures;
    deployment.updated_at = now;
    // The first two are replaced at once.
    let wait = failures.checked_sub(2).map(|doublings| BACKOFF.saturating_mul(1 << doublings.min(20)).min(MAX_BACKOFF));
    deployment.retry_at = wait.and_then(|wait| now.checked_add(clock.shortened(wait)).ok());
    service.steady = false;
    if failures == 3 {
        service.add_event(now, UNABLE);
    }
}

const CIRCUIT_BREAKER: DeploymentFailure = DeploymentFailure {
    reason: "ECS deployment circuit breaker: tasks failed to start.",
    event: "deployment failed: tasks failed to start.",
    rolled_back_by: "ECS deployment circuit breaker",
};

/// How many failures trigger the circuit breaker: half of the desired count, at least 3 and at most 200 (developer guide, "deployment
/// circuit breaker").
pub(in crate::services::ecs) fn threshold(desired_count: u32) -> u32 {
    desired_count.div_ceil(2).clamp(3, 200)
}

/// Fails a deployment whose tasks keep failing, and rolls back to the last one that worked. Returns whether it failed.
pub(super) fn apply_circuit_breaker(service: &mut Service, now: Timestamp) -> bool {
    let breaker = service.deployment_configuration.deployment_circuit_breaker;
    let Some(primary) = service.deployments.first() else { return false };
    let threshold = threshold(primary.desired_count);
    if !breaker.enable || primary.rollout_state != RolloutState::InProgress || primary.failed_tasks < threshold {
        return false;
    }
    service.fail_deployment(now, &CIRCUIT_BREAKER, breaker.rollback);
    true
}
