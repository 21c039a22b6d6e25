//! The history of services' rollouts, updated whenever a service changes.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::model::{
    RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus as Status, ServiceRevision,
};
use super::super::names::key;
use super::super::output;
use super::super::scheduler::threshold;
use crate::base::ids;
use crate::services::ecs::State;
use crate::store::States;

/// The members of a service that a revision records.
const REVISION_MEMBERS: [&str; 7] = [
    "capacityProviderStrategy",
    "launchType",
    "platformVersion",
    "platformFamily",
    "loadBalancers",
    "serviceRegistries",
    "networkConfiguration",
];

/// How many rollouts of a service are kept.
const MAX_ROLLOUTS: usize = 100;

/// Updates the history after a change of a service.
pub(in super::super) fn update(states: &mut States, service: &Service, now: Timestamp) {
    let own = key(&service.cluster, &service.name);
    let Some(primary) = service.deployments.first() else { return };
    let prefix = format!("{own}/");
    let rows: Vec<ServiceDeployment> =
        states.of::<State>().service_deployments.with_prefix(&prefix).map(|(_, row)| row.clone()).collect();
    let is_recorded = |id: &str| rows.iter().any(|row| row.deployment == id && row.created_at >= service.created_at);
    for mut row in rows.iter().filter(|row| row.status.is_open()).cloned() {
        let before = (row.status, row.failure_count);
        update_status(&mut row, service, now);
        if before != (row.status, row.failure_count) {
            row.updated_at = now;
            states.of_mut::<State>().service_deployments.insert(format!("{prefix}{}", row.id), row);
        }
    }
    if !is_recorded(&primary.id) {
        begin(states, service, now);
        let mut ended: Vec<_> = rows.iter().filter(|row| !row.status.is_open()).collect();
        ended.sort_by_key(|row| row.created_at);
        for row in ended.iter().take(rows.len().saturating_sub(MAX_ROLLOUTS)) {
            states.of_mut::<State>().service_deployments.remove(&format!("{prefix}{}", row.id));
            states.of_mut::<State>().service_revisions.remove(&format!("{prefix}{}", row.target));
        }
    }
}

/// Updates the status of an open rollout.
fn update_status(row: &mut ServiceDeployment, service: &Service, now: Timestamp) {
    let Some(primary) = service.deployments.first() else { return };
    let status = |state: RolloutState, good: Status, bad: Status, open: Status| match state {
        RolloutState::Completed => good,
        RolloutState::Failed => bad,
        RolloutState::InProgress => open,
    };
    if primary.id == row.deployment {
        row.failure_count = row.failure_count.max(primary.failed_tasks);
        row.status = status(primary.rollout_state, Status::Successful, Status::Stopped, row.status);
        if row.status == Status::Stopped {
            row.status_reason = Some(primary.rollout_state_reason.clone());
        }
    } else if primary.rolled_back_from.as_ref() == Some(&row.deployment) {
        row.status = status(
            primary.rollout_state,
            Status::RollbackSuccessful,
            Status::RollbackFailed,
            Status::RollbackInProgress,
        );
        if row.rollback.is_none() {
            let failed = service.deployments.iter().find(|one| one.id == row.deployment);
            let reason = failed.map_or_else(String::new, |failed| failed.rollout_state_reason.clone());
            row.failure_count = row.failure_count.max(failed.map_or(0, |failed| failed.failed_tasks));
            row.status_reason = Some(reason.clone()).filter(|reason| !reason.is_empty());
            row.rollback = Some((primary.number().to_owned(), reason, now));
        }
    } else {
        row.status = Status::Stopped;
        row.status_reason = Some("A newer deployment of the service took its place.".to_owned());
    }
    if !row.status.is_open() {
        row.finished_at = Some(now);
        row.stopped_at = (row.status != Status::Successful).then_some(now);
    }
}

fn begin(states: &mut States, service: &Service, now: Timestamp) {
    let own = key(&service.cluster, &service.name);
    let Some(primary) = service.deployments.first() else { return };
    let target = primary.number().to_owned();
    let content: Map<String, Value> = REVISION_MEMBERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), service.content.get(*name)?.clone())))
        .collect();
    let revision = ServiceRevision {
        number: target.clone(),
        service: own.clone(),
        created_at: now,
        task_definition: primary.task_definition.clone(),
        content,
    };
    let deployment = ServiceDeployment {
        id: ids::random_alphanumeric(21),
        service: own.clone(),
        deployment: primary.id.clone(),
        status: Status::InProgress,
        status_reason: None,
        created_at: now,
        updated_at: now,
        finished_at: None,
        stopped_at: None,
        sources: service.deployments.iter().skip(1).map(|one| one.number().to_owned()).collect(),
        target,
        rollback: None,
        configuration: output::deployment_configuration(service),
        failure_count: 0,
        threshold: threshold(primary.desired_count),
    };
    states.of_mut::<State>().service_revisions.insert(format!("{own}/{}", revision.number), revision);
    states.of_mut::<State>().service_deployments.insert(format!("{own}/{}", deployment.id), deployment);
}

/// The newest rollout of a service.
pub(in super::super) fn current<'a>(states: &'a States, service: &Service) -> Option<&'a ServiceDeployment> {
    let prefix = format!("{}/", key(&service.cluster, &service.name));
    let rows = states.of::<State>().service_deployments.with_prefix(&prefix).map(|(_, row)| row);
    rows.filter(|row| row.created_at >= service.created_at).max_by_key(|row| row.created_at)
}
