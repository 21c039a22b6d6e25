//! Tasks that fail to start: counted, made to wait longer each time, and in the end a reason to give a deployment up.

use std::time::Duration;

use jiff::Timestamp;

use super::super::model::{GivenUp, HealthStatus, RolloutState, Service, StopCode, Task};
use super::super::names::key;
use crate::base::clock::Clock;
use crate::services::ecs::State;
use crate::store::World;

/// A task that ran this long was no failure to start.
const PROVEN: Duration = Duration::from_mins(1);

/// Between failing tasks, doubled each time up to the longest.
const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_mins(15);

const UNABLE: &str = "is unable to consistently start tasks successfully. For more information, see the Troubleshooting \
section of the Amazon ECS Developer Guide.";

/// A task of a service ended: a failure to start is counted and makes the next one wait.
pub(in super::super) fn heard_of_end(world: &mut World, task: &Task, clock: Clock) {
    let unhealthy = task.health() == HealthStatus::Unhealthy;
    let failed = match task.stop_code {
        Some(StopCode::TaskFailedToStart | StopCode::EssentialContainerExited) => true,
        Some(StopCode::ServiceSchedulerInitiated) => unhealthy,
        _ => false,
    };
    let Some(name) = task.service.as_ref().filter(|_| failed) else { return };
    let Some(service) = world.of_mut::<State>().services.get_mut(&key(&task.cluster, name)) else { return };
    let Some(deployment) = service.deployments.iter_mut().find(|one| task.started_by.as_ref() == Some(&one.id)) else {
        return;
    };
    let now = clock.now();
    let ran = task.started_at.map_or(Duration::ZERO, |started| now.duration_since(started).unsigned_abs());
    let proven = if task.is_checked() { task.was_healthy } else { ran >= clock.shortened(PROVEN) };
    let failures = if proven { 0 } else { deployment.failed_tasks + 1 };
    deployment.failed_tasks = failures;
    deployment.updated_at = now;
    // The first two are replaced at once.
    let wait =
        failures.checked_sub(2).map(|doublings| BACKOFF.saturating_mul(1 << doublings.min(20)).min(LONGEST_BACKOFF));
    deployment.retry_at = wait.and_then(|wait| now.checked_add(clock.shortened(wait)).ok());
    service.steady = false;
    if failures == 3 {
        service.say(now, UNABLE);
    }
}

const BROKEN: GivenUp = GivenUp {
    reason: "ECS deployment circuit breaker: tasks failed to start.",
    event: "deployment failed: tasks failed to start.",
    by: "ECS deployment circuit breaker",
};

/// How many failures break the circuit: half of the desired count, at least 3 and at most 200 (developer guide, "deployment
/// circuit breaker").
pub(in super::super) fn threshold(desired_count: u32) -> u32 {
    desired_count.div_ceil(2).clamp(3, 200)
}

/// Gives up a deployment whose tasks keep failing, and goes back to the last one that worked; whether it did.
pub(super) fn break_circuit(service: &mut Service, now: Timestamp) -> bool {
    let breaker = service.deployment_configuration.deployment_circuit_breaker;
    let Some(primary) = service.deployments.first() else { return false };
    let threshold = threshold(primary.desired_count);
    if !breaker.enable || primary.rollout_state != RolloutState::InProgress || primary.failed_tasks < threshold {
        return false;
    }
    service.give_up(now, &BROKEN, breaker.rollback);
    true
}
