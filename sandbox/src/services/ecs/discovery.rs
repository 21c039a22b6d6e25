//! Service discovery: tasks are registered in Cloud Map with their port on this machine, and deregistered before they end.

use std::sync::Arc;

use serde_json::{Value, json};

use super::lookups::{key, last_part};
use super::model::{Service, Task};
use super::service_addresses::port;
use crate::services::ecs::{State, without_nulls};
use crate::{Fault, Sandbox};

/// The Cloud Map services that a task is registered in.
pub(super) fn registries(sandbox: &Sandbox, task: &Task) -> Vec<String> {
    let Some(service) = &task.service else { return Vec::new() };
    sandbox.store.read(|states| {
        states.of::<State>().services.get(&key(&task.cluster, service)).map(registry_ids).unwrap_or_default()
    })
}

fn registry_ids(service: &Service) -> Vec<String> {
    let list = service.content.get("serviceRegistries").and_then(Value::as_array);
    let arns = list.into_iter().flatten().filter_map(|registry| registry.get("registryArn")?.as_str());
    arns.map(|arn| last_part(arn).to_owned()).collect()
}

/// Registers a running task as an instance.
pub(super) async fn register(sandbox: &Arc<Sandbox>, registry: &str, task: &Task) -> Result<(), Fault> {
    let attributes = json!({
        "AWS_INSTANCE_IPV4": "127.0.0.1",
        "AWS_INSTANCE_PORT": port(task).map(|port| port.to_string()),
        "AVAILABILITY_ZONE": task.zone,
        "REGION": sandbox.config.region,
        "ECS_CLUSTER_NAME": task.cluster,
        "ECS_SERVICE_NAME": task.service,
        "ECS_TASK_DEFINITION_FAMILY": task.task_definition.split(':').next(),
        "AWS_INIT_HEALTH_STATUS": "HEALTHY",
    });
    let input = json!({ "ServiceId": registry, "InstanceId": task.id, "Attributes": without_nulls(attributes) });
    sandbox.call("servicediscovery", "RegisterInstance", input).await.map(drop)
}

/// Removes a task's instance; an error means that it is already deregistered.
pub(super) async fn deregister(sandbox: &Arc<Sandbox>, registry: &str, task_id: &str) {
    let _ = sandbox
        .call("servicediscovery", "DeregisterInstance", json!({ "ServiceId": registry, "InstanceId": task_id }))
        .await;
}
