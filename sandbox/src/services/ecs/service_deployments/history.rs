//! The history of service deployments, updated whenever a service changes.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::base::ids;
use crate::services::ecs::State;
use crate::services::ecs::lookups::key;
use crate::services::ecs::model::{RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus, ServiceRevision};
use crate::services::ecs::responses;
use crate::services::ecs::scheduler::threshold;
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

/// How many service deployments of a service are kept.
const MAX_SERVICE_DEPLOYMENTS: usize = 100;

/// Updates the history after a change of a service.
pub(in crate::services::ecs) fn update(states: &mut States, service: &Service, now: Timestamp) {
    let service_key = key(&service.cluster, &service.name);
    let Some(primary) = service.deployments.first() else { return };
    let prefix = format!("{service_key}/");
    let records: Vec<ServiceDeployment> =
        states.of::<State>().service_deployments.with_prefix(&prefix).map(|(_, record)| record.clone()).collect();
    let is_recorded =
        |id: &str| records.iter().any(|record| record.deployment == id && record.created_at >= service.created_at);
    for mut record in records.iter().filter(|record| record.status.is_open()).cloned() {
        let before = (record.status, record.failure_count);
        update_status(&mut record, service, now);
        if before != (record.status, record.failure_count) {
            record.updated_at = now;
            states.of_mut::<State>().service_deployments.insert(format!("{prefix}{}", record.id), record);
        }
    }
    if !is_recorded(&primary.id) {
        begin(states, service, now);
        let mut ended: Vec<_> = records.iter().filter(|record| !record.status.is_open()).collect();
        ended.sort_by_key(|record| record.created_at);
        for record in ended.iter().take(records.len().saturating_sub(MAX_SERVICE_DEPLOYMENTS)) {
            states.of_mut::<State>().service_deployments.remove(&format!("{prefix}{}", record.id));
            states.of_mut::<State>().service_revisions.remove(&format!("{prefix}{}", record.target));
        }
    }
}

/// Updates the status of an open service deployment.
fn update_status(record: &mut ServiceDeployment, service: &Service, now: Timestamp) {
    let Some(primary) = service.deployments.first() else { return };
    let status = |state: RolloutState,
                  good: ServiceDeploymentStatus,
                  bad: ServiceDeploymentStatus,
                  open: ServiceDeploymentStatus| match state {
        RolloutState::Completed => good,
        RolloutState::Failed => bad,
        RolloutState::InProgress => open,
    };
    if primary.id == record.deployment {
        record.failure_count = record.failure_count.max(primary.failed_tasks);
        record.status = status(
            primary.rollout_state,
            ServiceDeploymentStatus::Successful,
            ServiceDeploymentStatus::Stopped,
            record.status,
        );
        if record.status == ServiceDeploymentStatus::Stopped {
            record.status_reason = Some(primary.rollout_state_reason.clone());
        }
    } else if primary.rolled_back_from.as_ref() == Some(&record.deployment) {
        record.status = status(
            primary.rollout_state,
            ServiceDeploymentStatus::RollbackSuccessful,
            ServiceDeploymentStatus::RollbackFailed,
            ServiceDeploymentStatus::RollbackInProgress,
        );
        if record.rollback.is_none() {
            let failed = service.deployments.iter().find(|deployment| deployment.id == record.deployment);
            let reason = failed.map_or_else(String::new, |failed| failed.rollout_state_reason.clone());
            record.failure_count = record.failure_count.max(failed.map_or(0, |failed| failed.failed_tasks));
            record.status_reason = Some(reason.clone()).filter(|reason| !reason.is_empty());
            record.rollback = Some((primary.number().to_owned(), reason, now));
        }
    } else {
        record.status = ServiceDeploymentStatus::Stopped;
        record.status_reason = Some("A newer deployment of the service took its place.".to_owned());
    }
    if !record.status.is_open() {
        record.finished_at = Some(now);
        record.stopped_at = (record.status != ServiceDeploymentStatus::Successful).then_some(now);
    }
}

fn begin(states: &mut States, service: &Service, now: Timestamp) {
    let service_key = key(&service.cluster, &service.name);
    let Some(primary) = service.deployments.first() else { return };
    let target = primary.number().to_owned();
    let content: Map<String, Value> = REVISION_MEMBERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), service.content.get(*name)?.clone())))
        .collect();
    let revision = ServiceRevision {
        number: target.clone(),
        service: service_key.clone(),
        created_at: now,
        task_definition: primary.task_definition.clone(),
        content,
    };
    let deployment = ServiceDeployment {
        id: ids::random_alphanumeric(21),
        service: service_key.clone(),
        deployment: primary.id.clone(),
        status: ServiceDeploymentStatus::InProgress,
        status_reason: None,
        created_at: now,
        updated_at: now,
        finished_at: None,
        stopped_at: None,
        sources: service.deployments.iter().skip(1).map(|deployment| deployment.number().to_owned()).collect(),
        target,
        rollback: None,
        configuration: responses::deployment_configuration(service),
        failure_count: 0,
        threshold: threshold(primary.desired_count),
    };
    states.of_mut::<State>().service_revisions.insert(format!("{service_key}/{}", revision.number), revision);
    states.of_mut::<State>().service_deployments.insert(format!("{service_key}/{}", deployment.id), deployment);
}

/// The newest service deployment of a service.
pub(in crate::services::ecs) fn current<'a>(states: &'a States, service: &Service) -> Option<&'a ServiceDeployment> {
    let prefix = format!("{}/", key(&service.cluster, &service.name));
    let records = states.of::<State>().service_deployments.with_prefix(&prefix).map(|(_, record)| record);
    records.filter(|record| record.created_at >= service.created_at).max_by_key(|record| record.created_at)
}
