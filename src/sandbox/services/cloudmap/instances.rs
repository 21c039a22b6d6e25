//! The instances of a service: who registers, and who is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::services::find as find_service;
use super::{Instance, State, operations};
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

fn not_found(id: &str) -> Fault {
    Fault::client("InstanceNotFound", format!("No instance with id {id} exists"))
}

fn key(state: &State, service: &str, instance: &str) -> Result<String, Fault> {
    Ok(format!("{}/{instance}", find_service(state, service)?.id))
}

/// The input of `RegisterInstance`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Register {
    service_id: String,
    instance_id: String,
    attributes: BTreeMap<String, String>,
}

/// `RegisterInstance`: adds it, or changes its attributes.
pub fn register(sandbox: &Arc<Sandbox>, input: Register) -> Reply {
    let Register { service_id, instance_id, attributes } = input;
    let now = sandbox.clock.now();
    sandbox.world.write(|world| {
        let state = &mut world.cloudmap;
        let key = key(state, &service_id, &instance_id)?;
        let health = attributes.get("AWS_INIT_HEALTH_STATUS").cloned().unwrap_or_else(|| "HEALTHY".to_owned());
        let answer = operations::record(
            state,
            "REGISTER_INSTANCE",
            &[("SERVICE", &service_id), ("INSTANCE", &instance_id)],
            now,
        );
        state.instances.insert(key, Instance { id: instance_id, attributes, health });
        Ok(answer)
    })
}

/// The input of operations on one instance.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Identified {
    service_id: String,
    instance_id: String,
}

/// `DeregisterInstance`.
pub fn deregister(sandbox: &Arc<Sandbox>, input: Identified) -> Reply {
    let Identified { service_id, instance_id } = &input;
    let now = sandbox.clock.now();
    sandbox.world.write(|world| {
        let state = &mut world.cloudmap;
        let key = key(state, service_id, instance_id)?;
        state.instances.remove(&key).ok_or_else(|| not_found(instance_id))?;
        let targets = [("SERVICE", service_id.as_str()), ("INSTANCE", instance_id.as_str())];
        Ok(operations::record(state, "DEREGISTER_INSTANCE", &targets, now))
    })
}

fn described(instance: &Instance) -> Value {
    json!({ "Id": instance.id, "Attributes": instance.attributes })
}

/// `GetInstance`.
pub fn get(sandbox: &Arc<Sandbox>, input: Identified) -> Reply {
    sandbox.world.read(|world| {
        let key = key(&world.cloudmap, &input.service_id, &input.instance_id)?;
        let found = world.cloudmap.instances.get(&key).ok_or_else(|| not_found(&input.instance_id))?;
        Ok(json!({ "Instance": described(found) }))
    })
}

/// The input of `ListInstances`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    service_id: String,
}

/// `ListInstances`, all in one page.
pub fn list(sandbox: &Arc<Sandbox>, input: List) -> Reply {
    sandbox.world.read(|world| {
        let prefix = key(&world.cloudmap, &input.service_id, "")?;
        let instances = world.cloudmap.instances.with_prefix(&prefix).map(|(_, instance)| described(instance));
        Ok(json!({ "Instances": instances.collect::<Vec<_>>() }))
    })
}

/// The input of `DiscoverInstances`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Discover {
    namespace_name: String,
    service_name: String,
    #[serde(default)]
    query_parameters: BTreeMap<String, String>,
    #[serde(default = "healthy_or_else_all")]
    health_status: String,
}

fn healthy_or_else_all() -> String {
    "HEALTHY_OR_ELSE_ALL".to_owned()
}

/// `DiscoverInstances`, by names, health and attributes.
pub fn discover(sandbox: &Arc<Sandbox>, input: Discover) -> Reply {
    sandbox.world.read(|world| {
        let state = &world.cloudmap;
        let Some(namespace) = state.namespaces.values().find(|namespace| namespace.name == input.namespace_name) else {
            let message = format!("Namespace {} not found", input.namespace_name);
            return Err(Fault::client("NamespaceNotFound", message));
        };
        let mut services = state.services.values().filter(|service| service.namespace_id == namespace.id);
        let Some(service) = services.find(|service| service.name == input.service_name) else {
            return Err(Fault::client("ServiceNotFound", format!("Service {} not found", input.service_name)));
        };
        let prefix = format!("{}/", service.id);
        let all = state.instances.with_prefix(&prefix).map(|(_, instance)| instance);
        let asked = |instance: &&Instance| {
            input.query_parameters.iter().all(|(name, value)| instance.attributes.get(name) == Some(value))
        };
        let instances: Vec<_> = of_health(all.filter(asked).collect(), &input.health_status);
        let found = instances.into_iter().map(|instance| {
            json!({
                "InstanceId": instance.id,
                "NamespaceName": namespace.name,
                "ServiceName": service.name,
                "HealthStatus": instance.health,
                "Attributes": instance.attributes,
            })
        });
        Ok(json!({ "Instances": found.collect::<Vec<_>>(), "InstancesRevision": 1 }))
    })
}

fn of_health<'a>(instances: Vec<&'a Instance>, wanted: &str) -> Vec<&'a Instance> {
    let of = |health: &str| instances.iter().copied().filter(|instance| instance.health == health).collect::<Vec<_>>();
    match wanted {
        "HEALTHY" | "UNHEALTHY" => of(wanted),
        "HEALTHY_OR_ELSE_ALL" if !of("HEALTHY").is_empty() => of("HEALTHY"),
        _ => instances,
    }
}

/// The input of `UpdateInstanceCustomHealthStatus`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateHealth {
    service_id: String,
    instance_id: String,
    status: String,
}

/// `UpdateInstanceCustomHealthStatus`.
pub fn update_health(sandbox: &Arc<Sandbox>, input: UpdateHealth) -> Reply {
    sandbox.world.write(|world| {
        let key = key(&world.cloudmap, &input.service_id, &input.instance_id)?;
        let instance = world.cloudmap.instances.get_mut(&key).ok_or_else(|| not_found(&input.instance_id))?;
        instance.health = input.status;
        Ok(Value::Null)
    })
}
