//! Tasks and their containers as the API returns them.

use serde_json::{Value, json};

use crate::Config;
use crate::base::clock::epoch_seconds;
use crate::base::tags::lower_case;
use crate::base::zones;
use crate::services::ecs::arns::Arns as _;
use crate::services::ecs::launch_settings::PLATFORM_VERSION;
use crate::services::ecs::lookups::task_definition;
use crate::services::ecs::model::{Container, Task, TaskStatus};
use crate::store::States;

/// The agent of ECS Exec (API reference, `ManagedAgent`).
const EXEC_AGENT: &str = "ExecuteCommandAgent";
/// Fargate's default storage in GiB.
const DEFAULT_STORAGE: u64 = 20;

pub(in crate::services::ecs) fn task(config: &Config, states: &States, task: &Task, with_tags: bool) -> Value {
    let definition = task_definition(states, &task.task_definition);
    let member = |name: &str| definition.and_then(|definition| definition.text(name)).map(str::to_owned);
    let storage = json!({ "sizeInGiB": task.ephemeral_storage.unwrap_or(DEFAULT_STORAGE) });
    let fargate = task.launch_type == "FARGATE";
    json!({
        "attachments": attachments(config, task),
        "attributes": [{ "name": "ecs.cpu-architecture", "value": "x86_64" }],
        "availabilityZone": task.zone,
        "clusterArn": config.cluster_arn(&task.cluster),
        "connectivity": task.started_at.map(|_| "CONNECTED"),
        "connectivityAt": task.started_at.map(epoch_seconds),
        "containers": task.containers.iter().map(|task_container| container(config, task, task_container)).collect::<Vec<_>>(),
        "capacityProviderName": task.capacity_provider,
        "cpu": task.cpu.clone().or_else(|| member("cpu")),
        "createdAt": epoch_seconds(task.created_at),
        "desiredStatus": task.desired_status,
        "enableExecuteCommand": task.enable_execute_command,
        "executionStoppedAt": task.execution_stopped_at.or(task.stopped_at).map(epoch_seconds),
        "group": task.group,
        "healthStatus": task.health(),
        "lastStatus": task.last_status,
        "launchType": task.launch_type,
        "memory": task.memory.clone().or_else(|| member("memory")),
        "overrides": overrides(task),
        "platformVersion": fargate.then_some(PLATFORM_VERSION),
        "platformFamily": fargate.then_some("Linux"),
        "pullStartedAt": task.pull_started_at.map(epoch_seconds),
        "pullStoppedAt": task.pull_stopped_at.map(epoch_seconds),
        "startedAt": task.started_at.map(epoch_seconds),
        "startedBy": task.started_by,
        "stopCode": task.stop_code,
        "stoppedAt": task.stopped_at.map(epoch_seconds),
        "stoppedReason": task.stopped_reason,
        "stoppingAt": task.stopping_at.map(epoch_seconds),
        "tags": if with_tags { lower_case::to_value(&task.tags) } else { json!([]) },
        "taskArn": config.task_arn(task),
        "taskDefinitionArn": config.task_definition_arn(&task.task_definition),
        "version": task.version,
        "ephemeralStorage": fargate.then(|| storage.clone()),
        "fargateEphemeralStorage": fargate.then_some(storage),
    })
}

/// RunTask's overrides, with an entry for every container.
fn overrides(task: &Task) -> Value {
    let mut output = task.overrides.clone().unwrap_or_else(|| json!({}));
    let container_overrides = output.get("containerOverrides").and_then(Value::as_array).cloned().unwrap_or_default();
    let overrides_of = |container: &Container| {
        let own = container_overrides
            .iter()
            .find(|container_override| container_override.get("name") == Some(&json!(container.name)));
        own.cloned().unwrap_or_else(|| json!({ "name": container.name }))
    };
    output["containerOverrides"] = task.containers.iter().map(overrides_of).collect();
    if output.get("inferenceAcceleratorOverrides").is_none() {
        output["inferenceAcceleratorOverrides"] = json!([]);
    }
    output
}

fn attachments(config: &Config, task: &Task) -> Value {
    let Some(network) = &task.network else { return json!([]) };
    let status = match task.last_status {
        TaskStatus::Stopped => "DELETED",
        TaskStatus::Provisioning => "PRECREATED",
        _ => "ATTACHED",
    };
    let details = [
        ("subnetId", network.subnet_id.as_str()),
        ("networkInterfaceId", &network.id),
        ("macAddress", &network.mac),
        ("privateDnsName", &zones::private_name(&config.region, &network.private_ip)),
        ("privateIPv4Address", &network.private_ip),
    ]
    .map(|(name, value)| json!({ "name": name, "value": value }));
    json!([{ "id": network.attachment_id, "type": "ElasticNetworkInterface", "status": status, "details": details }])
}

fn container(config: &Config, task: &Task, container: &Container) -> Value {
    let interfaces = task
        .network
        .iter()
        .map(|network| json!({ "attachmentId": network.attachment_id, "privateIpv4Address": network.private_ip }));
    // AWS lists no bindings for awsvpc; here they are where the container is reached on this machine.
    let bindings = container.ports.iter().map(|(container_port, host_port)| {
        let protocol = if container.udp { "udp" } else { "tcp" };
        json!({ "bindIP": "127.0.0.1", "containerPort": container_port, "hostPort": host_port, "protocol": protocol })
    });
    json!({
        "containerArn": config.container_arn(task, container),
        "taskArn": config.task_arn(task),
        "name": container.name,
        "image": container.image,
        "runtimeId": container.runtime_id,
        "lastStatus": container.last_status,
        "exitCode": container.exit_code,
        "reason": container.reason,
        "networkBindings": bindings.collect::<Vec<_>>(),
        "networkInterfaces": interfaces.collect::<Vec<_>>(),
        "managedAgents": agents(task, container),
        "healthStatus": container.health,
        "cpu": container.cpu.to_string(),
        "memory": container.memory.map(|memory| memory.to_string()),
        "memoryReservation": container.memory_reservation.map(|memory| memory.to_string()),
    })
}

/// With ECS Exec enabled, every container has the agent of Session Manager.
fn agents(task: &Task, container: &Container) -> Option<Value> {
    let status = match container.last_status {
        status @ (TaskStatus::Stopped | TaskStatus::Running) => status,
        _ => TaskStatus::Pending,
    };
    let agent =
        json!({ "name": EXEC_AGENT, "lastStatus": status, "lastStartedAt": task.started_at.map(epoch_seconds) });
    task.enable_execute_command.then(|| json!([agent]))
}
