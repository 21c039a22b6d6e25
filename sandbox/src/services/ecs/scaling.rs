//! What Application Auto Scaling reads of a service, and sets.

use jiff::Timestamp;

use super::model::{RolloutState, ServiceStatus, TaskStatus};
use super::{lookups, tasks_of, update_service};
use crate::Fault;
use crate::services::ecs::State;
use crate::store::States;

/// How many tasks a service has, and should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// The desired count.
    pub desired: u32,
    /// How many tasks run.
    pub running: u32,
    /// Whether a deployment is in progress.
    pub deploying: bool,
}

/// The capacity of a service that is active.
pub(crate) fn capacity(states: &States, cluster: &str, name: &str) -> Option<Capacity> {
    let service = states.of::<State>().services.get(&lookups::key(cluster, name))?;
    if service.status != ServiceStatus::Active {
        return None;
    }
    let running = tasks_of(states, service).iter().filter(|task| task.last_status == TaskStatus::Running).count();
    let in_progress = service.deployments.iter().any(|deployment| deployment.rollout_state == RolloutState::InProgress);
    Some(Capacity {
        desired: service.desired_count,
        running: u32::try_from(running).unwrap_or(u32::MAX),
        deploying: in_progress || service.deployments.len() > 1,
    })
}

/// Sets the desired count as UpdateService does.
///
/// # Errors
/// The service does not exist or is not active.
pub(crate) fn set_desired_count(
    states: &mut States,
    cluster: &str,
    name: &str,
    count: u32,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut service = lookups::active_service(states, Some(cluster), name)?.clone();
    update_service::scale(&mut service, Some(i64::from(count)), now)?;
    lookups::store_service(states, service, now);
    Ok(())
}
