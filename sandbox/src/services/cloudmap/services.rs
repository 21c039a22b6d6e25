//! Services of a namespace.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::namespaces::{CloudMapFilter, id_of, not_found as namespace_not_found};
use super::{CloudMapService, NamespaceType, PAGE_SIZE, State, invalid_input, invalid_token, operation_records};
use crate::base::clock::epoch_seconds;
use crate::base::tags::Tag;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateServiceInput {
    name: String,
    namespace_id: Option<String>,
    description: Option<String>,
    #[serde(default)]
    dns_config: Value,
    #[serde(default)]
    health_check_custom_config: Value,
    creator_request_id: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// `CreateService`. Names are unique in a namespace.
pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateServiceInput) -> OperationResult {
    let id = format!("srv-{}", ids::random_lower(16));
    let within_dns = input.dns_config["NamespaceId"].as_str().map(str::to_owned);
    let Some(namespace_id) = input.namespace_id.or(within_dns) else {
        return Err(invalid_input("Namespace ID must be specified"));
    };
    let mut service = CloudMapService {
        arn: sandbox.config.arn("servicediscovery", &format!("service/{id}")),
        name: input.name,
        namespace_id: id_of(&namespace_id).to_owned(),
        description: input.description,
        dns_config: input.dns_config,
        health_check_custom_config: input.health_check_custom_config,
        creator_request_id: input.creator_request_id.unwrap_or_else(ids::uuid),
        kind: input.kind.unwrap_or_else(|| "DNS_HTTP".to_owned()),
        tags: input.tags,
        revision: 1,
        created: sandbox.clock.now(),
        id,
    };
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let namespace = state.namespaces.get(&service.namespace_id);
        let namespace = namespace.ok_or_else(|| namespace_not_found(&service.namespace_id))?;
        if namespace.kind == NamespaceType::Http {
            if !service.dns_config.is_null() {
                return Err(invalid_input("Can't specify DnsConfig for a service in an HTTP namespace"));
            }
            "HTTP".clone_into(&mut service.kind);
        }
        let same = |other: &&CloudMapService| other.namespace_id == service.namespace_id && other.name == service.name;
        if state.services.values().any(|other| same(&other)) {
            return Err(Fault::already_exists("ServiceAlreadyExists", "Service already exists."));
        }
        state.services.insert(service.id.clone(), service.clone());
        Ok(json!({ "Service": to_output(state, &service) }))
    })
}

/// Finds a service by its id or ARN.
pub(super) fn find<'a>(state: &'a State, id: &str) -> Result<&'a CloudMapService, Fault> {
    let id = id.rsplit('/').next().unwrap_or(id);
    state.services.get(id).ok_or_else(|| Fault::not_found("ServiceNotFound", format!("No service with id {id} exists")))
}

fn to_output(state: &State, service: &CloudMapService) -> Value {
    let instances = state.instances.with_prefix(&format!("{}/", service.id)).count();
    json!({
        "Id": service.id,
        "Arn": service.arn,
        "Name": service.name,
        "NamespaceId": service.namespace_id,
        "Description": service.description,
        "InstanceCount": instances,
        "DnsConfig": service.dns_config,
        "Type": service.kind,
        "HealthCheckCustomConfig": service.health_check_custom_config,
        "CreateDate": epoch_seconds(service.created),
    })
}

/// The input of operations on one service.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ServiceInput {
    id: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: ServiceInput) -> OperationResult {
    sandbox.store.read(|states| {
        let service = find(states.of::<State>(), &input.id)?;
        let mut output = to_output(states.of::<State>(), service);
        output["CreatorRequestId"] = service.creator_request_id.clone().into();
        Ok(json!({ "Service": output }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListServicesInput {
    #[serde(default)]
    filters: Vec<CloudMapFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// `ListServices`, which shows what `GetService` does except the namespace.
pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListServicesInput) -> OperationResult {
    CloudMapFilter::check(&input.filters)?;
    let query = format!("ListServices {:?}", input.filters);
    let page = sandbox.store.read(|states| {
        let matching =
            states.of::<State>().services.values().filter(|service| {
                input.filters.iter().all(|filter| filter.accepts("NAMESPACE_ID", &service.namespace_id))
            });
        let outputs = matching.map(|service| {
            let mut summary = to_output(states.of::<State>(), service);
            summary["NamespaceId"] = Value::Null;
            (service.id.clone(), summary)
        });
        paging::page(outputs, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "Services": page.items, "NextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateServiceInput {
    id: String,
    service: ServiceChange,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ServiceChange {
    description: Option<String>,
    dns_config: Option<Value>,
}

/// `UpdateService`: changes the description and the DNS records.
pub(super) fn update(sandbox: &Arc<Sandbox>, input: UpdateServiceInput) -> OperationResult {
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let mut service = find(state, &input.id)?.clone();
        service.description = input.service.description;
        if let Some(records) = input.service.dns_config.map(|config| config["DnsRecords"].clone()) {
            service.dns_config["DnsRecords"] = records;
        }
        let response = operation_records::record(state, "UPDATE_SERVICE", &[("SERVICE", &service.id)], now);
        state.services.insert(service.id.clone(), service);
        Ok(response)
    })
}

/// `DeleteService`: refused while the service has instances.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: ServiceInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = find(states.of::<State>(), &input.id)?.id.clone();
        if states.of::<State>().instances.with_prefix(&format!("{id}/")).next().is_some() {
            let message = "Service contains registered instances; delete the instances before deleting the service";
            return Err(Fault::client("ResourceInUse", message));
        }
        states.of_mut::<State>().services.remove(&id);
        Ok(json!({}))
    })
}
