//! Services: describe, list, delete.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::arns::Arns as _;
use super::clusters::{limit, missing};
use super::faults::{self, invalid};
use super::lookups;
use super::model::ServiceStatus;
use super::responses;
use crate::Sandbox;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ecs::State;

#[derive(Deserialize)]
pub(super) struct DescribeServicesInput {
    cluster: Option<String>,
    services: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

pub(super) fn describe(
    sandbox: &Arc<Sandbox>,
    DescribeServicesInput { cluster, services, include }: DescribeServicesInput,
) -> OperationResult {
    if services.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if services.len() > 10 {
        return Err(invalid("Services cannot have more than 10 elements."));
    }
    let tags = include.iter().any(|name| name == "TAGS");
    sandbox.store.read(|states| {
        let cluster = lookups::cluster(states, cluster.as_deref())?;
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for given in &services {
            let key = lookups::key(&cluster.name, lookups::last_part(given));
            match states.of::<State>().services.get(&key) {
                Some(service) => described.push(responses::service(&sandbox.config, states, service, tags)),
                None => failures.push(missing(&sandbox.config.arn("ecs", &format!("service/{key}")))),
            }
        }
        Ok(json!({ "services": described, "failures": failures }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListServicesInput {
    cluster: Option<String>,
    launch_type: Option<String>,
    scheduling_strategy: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListServicesInput) -> OperationResult {
    let ListServicesInput { cluster, launch_type, scheduling_strategy, next_token, max_results } = input;
    let query = format!("ListServices {cluster:?} {launch_type:?} {scheduling_strategy:?}");
    // The default of ten differs from the other lists.
    let limit = limit(max_results.or(Some(10)))?;
    let page = sandbox.store.read(|states| {
        let cluster = lookups::cluster(states, cluster.as_deref())?;
        let prefix = lookups::key(&cluster.name, "");
        let is = |filter: &Option<String>, value: Option<&Value>| {
            filter.as_ref().is_none_or(|filter| value.and_then(Value::as_str) == Some(filter))
        };
        let rows = states.of::<State>().services.with_prefix(&prefix).filter(|(_, service)| {
            service.status != ServiceStatus::Inactive
                && is(&launch_type, service.content.get("launchType"))
                && is(&scheduling_strategy, service.content.get("schedulingStrategy"))
        });
        let arns = rows.map(|(key, service)| (key.to_owned(), sandbox.config.service_arn(service)));
        paging::page(arns, &query, next_token.as_deref(), limit).map_err(|_| faults::bad_token())
    })?;
    Ok(json!({ "serviceArns": page.items, "nextToken": page.next_token }))
}

#[derive(Deserialize)]
pub(super) struct DeleteServiceInput {
    cluster: Option<String>,
    service: String,
    #[serde(default)]
    force: bool,
}

/// The service drains, and becomes inactive when its last task has stopped.
pub(super) fn delete(
    sandbox: &Arc<Sandbox>,
    DeleteServiceInput { cluster, service, force }: DeleteServiceInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        let mut service = lookups::service(states, cluster.as_deref(), &service)?.clone();
        if service.status == ServiceStatus::Inactive {
            return Err(lookups::no_such_service());
        }
        if service.status == ServiceStatus::Draining {
            return Ok(json!({ "service": responses::service(&sandbox.config, states, &service, true) }));
        }
        if service.desired_count > 0 && !force {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        service.status = ServiceStatus::Draining;
        service.desired_count = 0;
        for deployment in &mut service.deployments {
            deployment.desired_count = 0;
        }
        let service_output = responses::service(&sandbox.config, states, &service, true);
        states.of_mut::<State>().services.insert(lookups::key(&service.cluster, &service.name), service);
        Ok(json!({ "service": service_output }))
    })
}
