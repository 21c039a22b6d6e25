//! Instances of a service: registration, health and discovery.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::namespaces::id_of;
use super::services::find as find_service;
use super::{CloudMapService, Instance, Namespace, PAGE_SIZE, State, invalid_input, invalid_token, operation_records};
use crate::base::paging;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

fn not_found(id: &str) -> Fault {
    Fault::not_found("InstanceNotFound", format!("No instance with id {id} exists"))
}

fn key(state: &State, service: &str, instance: &str) -> Result<String, Fault> {
    Ok(format!("{}/{instance}", find_service(state, service)?.id))
}

/// Counts up the revision of a service after a change of its instances.
fn count_revision(state: &mut State, service: &str) {
    if let Some(service) = state.services.get_mut(id_of(service)) {
        service.revision += 1;
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RegisterInstanceInput {
    service_id: String,
    instance_id: String,
    attributes: BTreeMap<String, String>,
    /// Stored and shown, but not checked: registering an instance again replaces it.
    creator_request_id: Option<String>,
}

/// `RegisterInstance`: adds an instance, or replaces its attributes.
pub(super) fn register(sandbox: &Arc<Sandbox>, input: RegisterInstanceInput) -> OperationResult {
    let RegisterInstanceInput { service_id, instance_id, attributes, creator_request_id } = input;
    check_attributes(&attributes)?;
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let key = key(state, &service_id, &instance_id)?;
        let health = attributes.get("AWS_INIT_HEALTH_STATUS").cloned().unwrap_or_else(|| "HEALTHY".to_owned());
        let response = operation_records::record(
            state,
            "REGISTER_INSTANCE",
            &[("SERVICE", &service_id), ("INSTANCE", &instance_id)],
            now,
        );
        state.instances.insert(key, Instance { id: instance_id, attributes, health, creator_request_id });
        count_revision(state, &service_id);
        Ok(response)
    })
}

/// An attribute that Cloud Map interprets: its name, its validation, and the name of its type in the fault.
type Attribute = (&'static str, fn(&str) -> bool, &'static str);

/// Source: `Attributes` of RegisterInstance in the API reference.
const ATTRIBUTES: [Attribute; 4] = [
    ("AWS_INSTANCE_IPV4", |text| text.parse::<Ipv4Addr>().is_ok(), "an IPv4 address"),
    ("AWS_INSTANCE_IPV6", |text| text.parse::<Ipv6Addr>().is_ok(), "an IPv6 address"),
    ("AWS_INSTANCE_PORT", |text| text.parse::<u16>().is_ok(), "a port from 0 to 65535"),
    ("AWS_INIT_HEALTH_STATUS", |text| matches!(text, "HEALTHY" | "UNHEALTHY"), "HEALTHY or UNHEALTHY"),
];

fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), Fault> {
    for (name, is_valid, expected) in ATTRIBUTES {
        if let Some(value) = attributes.get(name).filter(|value| !is_valid(value)) {
            return Err(invalid_input(format!("The value '{value}' of the attribute {name} is not {expected}.")));
        }
    }
    Ok(())
}

/// The input of operations on one instance.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InstanceInput {
    service_id: String,
    instance_id: String,
}

pub(super) fn deregister(sandbox: &Arc<Sandbox>, input: InstanceInput) -> OperationResult {
    let InstanceInput { service_id, instance_id } = &input;
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let key = key(state, service_id, instance_id)?;
        state.instances.remove(&key).ok_or_else(|| not_found(instance_id))?;
        count_revision(state, service_id);
        let targets = [("SERVICE", service_id.as_str()), ("INSTANCE", instance_id.as_str())];
        Ok(operation_records::record(state, "DEREGISTER_INSTANCE", &targets, now))
    })
}

fn to_output(instance: &Instance) -> Value {
    json!({ "Id": instance.id, "Attributes": instance.attributes })
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: InstanceInput) -> OperationResult {
    sandbox.store.read(|states| {
        let key = key(states.of::<State>(), &input.service_id, &input.instance_id)?;
        let instance = states.of::<State>().instances.get(&key).ok_or_else(|| not_found(&input.instance_id))?;
        let mut output = to_output(instance);
        output["CreatorRequestId"] = instance.creator_request_id.clone().into();
        Ok(json!({ "Instance": output }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListInstancesInput {
    service_id: String,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListInstancesInput) -> OperationResult {
    let query = format!("ListInstances {}", input.service_id);
    let page = sandbox.store.read(|states| {
        let prefix = key(states.of::<State>(), &input.service_id, "")?;
        let instances = states.of::<State>().instances.with_prefix(&prefix);
        let outputs = instances.map(|(_, instance)| (instance.id.clone(), to_output(instance)));
        paging::page(outputs, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "Instances": page.items, "NextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetInstancesHealthStatusInput {
    service_id: String,
    #[serde(default)]
    instances: Vec<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// `GetInstancesHealthStatus`, of all instances or those that are given.
pub(super) fn health(sandbox: &Arc<Sandbox>, input: GetInstancesHealthStatusInput) -> OperationResult {
    let query = format!("GetInstancesHealthStatus {} {:?}", input.service_id, input.instances);
    let page = sandbox.store.read(|states| {
        let prefix = key(states.of::<State>(), &input.service_id, "")?;
        let exists = |id: &&String| states.of::<State>().instances.contains(&format!("{prefix}{id}"));
        if let Some(missing) = input.instances.iter().find(|id| !exists(id)) {
            return Err(not_found(missing));
        }
        let instances = states.of::<State>().instances.with_prefix(&prefix).map(|(_, instance)| instance);
        let selected =
            instances.filter(|instance| input.instances.is_empty() || input.instances.contains(&instance.id));
        let selected = selected.map(|instance| (instance.id.clone(), (instance.id.clone(), json!(instance.health))));
        paging::page(selected, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    let status: serde_json::Map<String, Value> = page.items.into_iter().collect();
    Ok(json!({ "Status": status, "NextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DiscoverInstancesInput {
    namespace_name: String,
    service_name: String,
    #[serde(default)]
    query_parameters: BTreeMap<String, String>,
    #[serde(default)]
    optional_parameters: BTreeMap<String, String>,
    max_results: Option<usize>,
    #[serde(default = "healthy_or_else_all")]
    health_status: String,
}

fn healthy_or_else_all() -> String {
    "HEALTHY_OR_ELSE_ALL".to_owned()
}

const DEFAULT_MAX_RESULTS: usize = 100;

/// Finds a namespace and its service by their names.
fn find_by_names<'a>(
    state: &'a State,
    namespace: &str,
    service: &str,
) -> Result<(&'a Namespace, &'a CloudMapService), Fault> {
    let namespaces: Vec<&Namespace> =
        state.namespaces.values().filter(|candidate| candidate.name == namespace).collect();
    if namespaces.is_empty() {
        return Err(Fault::not_found("NamespaceNotFound", format!("Namespace {namespace} not found")));
    }
    let within = |candidate: &&CloudMapService| {
        candidate.name == service && namespaces.iter().any(|namespace| namespace.id == candidate.namespace_id)
    };
    let registration = state.services.values().find(within);
    let registration =
        registration.ok_or_else(|| Fault::not_found("ServiceNotFound", format!("Service {service} not found")))?;
    let namespace = namespaces.into_iter().find(|namespace| namespace.id == registration.namespace_id);
    namespace.map(|namespace| (namespace, registration)).ok_or_else(|| not_found(service))
}

/// `DiscoverInstances`, by names, health and attributes. Optional parameters are ignored if no instance matches them.
pub(super) fn discover(sandbox: &Arc<Sandbox>, input: DiscoverInstancesInput) -> OperationResult {
    sandbox.store.read(|states| {
        let state = states.of::<State>();
        let (namespace, service) = find_by_names(state, &input.namespace_name, &input.service_name)?;
        let prefix = format!("{}/", service.id);
        let all = state.instances.with_prefix(&prefix).map(|(_, instance)| instance);
        let has = |instance: &Instance, required: &BTreeMap<String, String>| {
            required.iter().all(|(name, value)| instance.attributes.get(name) == Some(value))
        };
        let required: Vec<&Instance> = all.filter(|instance| has(instance, &input.query_parameters)).collect();
        let narrowed: Vec<&Instance> =
            required.iter().copied().filter(|instance| has(instance, &input.optional_parameters)).collect();
        let instances = filter_by_health(if narrowed.is_empty() { required } else { narrowed }, &input.health_status);
        let results = instances.into_iter().take(input.max_results.unwrap_or(DEFAULT_MAX_RESULTS)).map(|instance| {
            json!({
                "InstanceId": instance.id,
                "NamespaceName": namespace.name,
                "ServiceName": service.name,
                "HealthStatus": instance.health,
                "Attributes": instance.attributes,
            })
        });
        Ok(json!({ "Instances": results.collect::<Vec<_>>(), "InstancesRevision": service.revision }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DiscoverInstancesRevisionInput {
    namespace_name: String,
    service_name: String,
}

/// `DiscoverInstancesRevision`: a number that grows with each change of the service's instances.
pub(super) fn discover_revision(sandbox: &Arc<Sandbox>, input: DiscoverInstancesRevisionInput) -> OperationResult {
    sandbox.store.read(|states| {
        let (_, service) = find_by_names(states.of::<State>(), &input.namespace_name, &input.service_name)?;
        Ok(json!({ "InstancesRevision": service.revision }))
    })
}

fn filter_by_health<'a>(instances: Vec<&'a Instance>, selected: &str) -> Vec<&'a Instance> {
    let with_health =
        |health: &str| instances.iter().copied().filter(|instance| instance.health == health).collect::<Vec<_>>();
    match selected {
        "HEALTHY" | "UNHEALTHY" => with_health(selected),
        "HEALTHY_OR_ELSE_ALL" if !with_health("HEALTHY").is_empty() => with_health("HEALTHY"),
        _ => instances,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateInstanceCustomHealthStatusInput {
    service_id: String,
    instance_id: String,
    status: String,
}

pub(super) fn update_health(sandbox: &Arc<Sandbox>, input: UpdateInstanceCustomHealthStatusInput) -> OperationResult {
    sandbox.store.write(|states| {
        let key = key(states.of::<State>(), &input.service_id, &input.instance_id)?;
        if find_service(states.of::<State>(), &input.service_id)?.health_check_custom_config.is_null() {
            let message = format!("Custom health check is not configured for the service {}", input.service_id);
            return Err(Fault::not_found("CustomHealthNotFound", message));
        }
        let instance = states.of_mut::<State>().instances.get_mut(&key).ok_or_else(|| not_found(&input.instance_id))?;
        instance.health = input.status;
        count_revision(states.of_mut::<State>(), &input.service_id);
        Ok(Value::Null)
    })
}
