//! Looks up the clusters, services and task definitions that requests name, by name or ARN.

use super::faults::client_exception;
use super::model::{Cluster, Service, ServiceStatus, TaskDefinition};
use super::service_deployments;
use crate::services::ecs::State;
use crate::store::States;
use crate::{Fault, FaultKind};

/// The last part of an ARN, or the name itself.
pub(super) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The name of a cluster; `default` when a request has none.
pub(super) fn cluster_name(given: Option<&str>) -> String {
    last_part(given.unwrap_or("default")).to_owned()
}

/// The cluster of a request.
pub(super) fn cluster<'a>(states: &'a States, given: Option<&str>) -> Result<&'a Cluster, Fault> {
    let cluster =
        states.of::<State>().clusters.get(&cluster_name(given)).filter(|cluster| cluster.deleted_at.is_none());
    cluster.ok_or_else(|| Fault::not_found("ClusterNotFoundException", "Cluster not found."))
}

/// Stores a changed service, and updates the history of its service deployments.
pub(super) fn store_service(states: &mut States, service: Service, now: jiff::Timestamp) {
    service_deployments::update(states, &service, now);
    states.of_mut::<State>().services.insert(key(&service.cluster, &service.name), service);
}

/// The key of something in a cluster.
pub(super) fn key(cluster: &str, name: &str) -> String {
    format!("{cluster}/{name}")
}

/// The service of a request.
pub(super) fn service<'a>(states: &'a States, given_cluster: Option<&str>, given: &str) -> Result<&'a Service, Fault> {
    let cluster = cluster(states, given_cluster)?;
    let service = states.of::<State>().services.get(&key(&cluster.name, last_part(given)));
    service.ok_or_else(no_such_service)
}

pub(super) fn no_such_service() -> Fault {
    Fault::not_found("ServiceNotFoundException", "Service not found.")
}

/// The service of a request that changes it.
pub(super) fn active_service<'a>(states: &'a States, cluster: Option<&str>, given: &str) -> Result<&'a Service, Fault> {
    let service = service(states, cluster, given)?;
    if service.status == ServiceStatus::Active {
        Ok(service)
    } else {
        Err(Fault::client("ServiceNotActiveException", "Service was not ACTIVE.").with_kind(FaultKind::Inactive))
    }
}

/// The key of a revision; revisions of a family sort by number.
pub(super) fn revision_key(family: &str, revision: u32) -> String {
    format!("{family}:{revision:010}")
}

/// The task definition that `family`, `family:revision` or an ARN names: of a family, the latest active revision.
pub(super) fn task_definition<'a>(states: &'a States, given: &str) -> Option<&'a TaskDefinition> {
    let name = last_part(given);
    if let Some((family, revision)) = name.split_once(':') {
        return states.of::<State>().task_definitions.get(&revision_key(family, revision.parse().ok()?));
    }
    let prefix = format!("{name}:");
    let revisions = states.of::<State>().task_definitions.with_prefix(&prefix).map(|(_, definition)| definition);
    revisions.rev().find(|definition| definition.deregistered_at.is_none())
}

/// The active task definition that a request names.
pub(super) fn usable_task_definition<'a>(states: &'a States, given: &str) -> Result<&'a TaskDefinition, Fault> {
    let definition = task_definition(states, given).ok_or_else(no_such_definition)?;
    if definition.deregistered_at.is_some() {
        Err(client_exception("TaskDefinition is inactive"))
    } else {
        Ok(definition)
    }
}

pub(super) fn no_such_definition() -> Fault {
    client_exception("TaskDefinition not found.")
}
