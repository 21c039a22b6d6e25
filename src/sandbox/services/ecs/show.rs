//! How rows look in answers.

use serde_json::{Map, Value, json};

use super::model::{Cluster, Container, Deployment, Service, ServiceStatus, Task, TaskDefinition, TaskStatus};
use super::names::Arns;
use crate::sandbox::Config;
use crate::sandbox::world::World;
use crate::sandbox::world::clock::epoch_seconds;

/// Fargate's platform version that `LATEST` means.
const PLATFORM_VERSION: &str = "1.4.0";

/// Members over others.
fn merged(content: &Map<String, Value>, members: Value) -> Value {
    let mut all = content.clone();
    if let Value::Object(members) = members {
        all.extend(members);
    }
    Value::Object(all)
}

pub(super) fn cluster(config: &Config, world: &World, cluster: &Cluster, include: &[String]) -> Value {
    let included = |name: &str| include.iter().any(|given| given == name);
    let prefix = format!("{}/", cluster.name);
    let tasks: Vec<&Task> = world.ecs.tasks.with_prefix(&prefix).map(|(_, task)| task).collect();
    let services =
        world.ecs.services.with_prefix(&prefix).filter(|(_, service)| service.status == ServiceStatus::Active);
    let mut content = cluster.content.clone();
    if !included("SETTINGS") {
        content.insert("settings".to_owned(), json!([]));
    }
    if !included("CONFIGURATIONS") {
        content.remove("configuration");
    }
    merged(
        &content,
        json!({
            "clusterArn": config.cluster_arn(&cluster.name),
            "clusterName": cluster.name,
            "status": "ACTIVE",
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": tasks.iter().filter(|task| task.last_status == TaskStatus::Running).count(),
            "pendingTasksCount": tasks.iter().filter(|task| is_pending(task)).count(),
            "activeServicesCount": services.count(),
            "statistics": [],
            "tags": if included("TAGS") { json!(cluster.tags) } else { json!([]) },
        }),
    )
}

pub(super) fn is_pending(task: &Task) -> bool {
    task.last_status < TaskStatus::Running && task.desired_status == TaskStatus::Running
}

pub(super) fn task_definition(config: &Config, definition: &TaskDefinition) -> Value {
    let mut compatibilities = vec!["EC2"];
    if definition.text("networkMode") == Some("awsvpc") && definition.content.contains_key("memory") {
        compatibilities.push("FARGATE");
    }
    merged(
        &definition.content,
        json!({
            "taskDefinitionArn": config.task_definition_arn(&definition.name()),
            "family": definition.family,
            "revision": definition.revision,
            "status": if definition.deregistered_at.is_some() { "INACTIVE" } else { "ACTIVE" },
            "compatibilities": compatibilities,
            "registeredAt": epoch_seconds(definition.registered_at),
            "deregisteredAt": definition.deregistered_at.map(epoch_seconds),
            "registeredBy": config.global_arn("iam", "user/sandbox"),
        }),
    )
}

pub(super) fn service(config: &Config, world: &World, service: &Service, with_tags: bool) -> Value {
    let tasks = super::tasks_of(world, service);
    let primary = service.deployments.first();
    let deployments = service.deployments.iter().enumerate();
    merged(
        &service.content,
        json!({
            "serviceArn": config.service_arn(service),
            "serviceName": service.name,
            "clusterArn": config.cluster_arn(&service.cluster),
            "status": service.status,
            "desiredCount": service.desired_count,
            "runningCount": tasks.iter().filter(|task| task.last_status == TaskStatus::Running).count(),
            "pendingCount": tasks.iter().filter(|task| is_pending(task)).count(),
            "taskDefinition": primary.map(|primary| config.task_definition_arn(&primary.task_definition)),
            "deploymentConfiguration": deployment_configuration(service),
            "deployments": deployments.map(|(index, one)| deployment(config, service, one, index == 0, &tasks)).collect::<Vec<_>>(),
            "roleArn": config.global_arn("iam", "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"),
            "events": service.events.iter().map(|event| json!({
                "id": event.id,
                "createdAt": epoch_seconds(event.created_at),
                "message": event.message,
            })).collect::<Vec<_>>(),
            "createdAt": epoch_seconds(service.created_at),
            "createdBy": config.global_arn("iam", "user/sandbox"),
            "tags": with_tags.then_some(&service.tags),
        }),
    )
}

fn deployment_configuration(service: &Service) -> Value {
    let mut shown = json!(service.deployment_configuration);
    shown["strategy"] = json!("ROLLING");
    shown["bakeTimeInMinutes"] = json!(0);
    shown
}

fn deployment(config: &Config, service: &Service, deployment: &Deployment, primary: bool, tasks: &[&Task]) -> Value {
    let own = || tasks.iter().filter(|task| task.started_by.as_ref() == Some(&deployment.id));
    json!({
        "id": deployment.id,
        "status": if primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": config.task_definition_arn(&deployment.task_definition),
        "desiredCount": deployment.desired_count,
        "pendingCount": own().filter(|task| is_pending(task)).count(),
        "runningCount": own().filter(|task| task.last_status == TaskStatus::Running).count(),
        "failedTasks": deployment.failed_tasks,
        "createdAt": epoch_seconds(deployment.created_at),
        "updatedAt": epoch_seconds(deployment.updated_at),
        "launchType": service.content.get("launchType"),
        "capacityProviderStrategy": service.content.get("capacityProviderStrategy"),
        "platformVersion": service.content.get("platformVersion").map(|_| PLATFORM_VERSION),
        "platformFamily": service.content.get("platformFamily"),
        "networkConfiguration": deployment.network_configuration,
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.rollout_state_reason,
    })
}

pub(super) fn task(config: &Config, world: &World, task: &Task, with_tags: bool) -> Value {
    let definition = super::names::task_definition(world, &task.task_definition);
    let member = |name: &str| definition.and_then(|definition| definition.text(name)).map(str::to_owned);
    let fargate = task.launch_type == "FARGATE";
    json!({
        "attachments": attachments(task),
        "attributes": [{ "name": "ecs.cpu-architecture", "value": "x86_64" }],
        "availabilityZone": task.zone,
        "clusterArn": config.cluster_arn(&task.cluster),
        "connectivity": task.started_at.map(|_| "CONNECTED"),
        "connectivityAt": task.started_at.map(epoch_seconds),
        "containers": task.containers.iter().map(|one| container(config, task, one)).collect::<Vec<_>>(),
        "cpu": member("cpu"),
        "createdAt": epoch_seconds(task.created_at),
        "desiredStatus": task.desired_status,
        "enableExecuteCommand": task.enable_execute_command,
        "executionStoppedAt": task.stopped_at.map(epoch_seconds),
        "group": task.group,
        "healthStatus": "UNKNOWN",
        "lastStatus": task.last_status,
        "launchType": task.launch_type,
        "memory": member("memory"),
        "overrides": task.overrides.clone().unwrap_or_else(|| overrides(task)),
        "platformVersion": fargate.then_some(PLATFORM_VERSION),
        "platformFamily": fargate.then_some("Linux"),
        "startedAt": task.started_at.map(epoch_seconds),
        "startedBy": task.started_by,
        "stopCode": task.stop_code,
        "stoppedAt": task.stopped_at.map(epoch_seconds),
        "stoppedReason": task.stopped_reason,
        "stoppingAt": task.stopping_at.map(epoch_seconds),
        "tags": if with_tags { json!(task.tags) } else { json!([]) },
        "taskArn": config.task_arn(task),
        "taskDefinitionArn": config.task_definition_arn(&task.task_definition),
        "version": task.version,
        "ephemeralStorage": fargate.then(|| json!({ "sizeInGiB": 20 })),
        "fargateEphemeralStorage": fargate.then(|| json!({ "sizeInGiB": 20 })),
    })
}

fn overrides(task: &Task) -> Value {
    let names = task.containers.iter().map(|container| json!({ "name": container.name }));
    json!({ "containerOverrides": names.collect::<Vec<_>>(), "inferenceAcceleratorOverrides": [] })
}

fn attachments(task: &Task) -> Value {
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
        ("privateDnsName", &network.private_dns_name()),
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
    // AWS lists no bindings for awsvpc; here they say where the container can be reached on this machine.
    let bindings = container.ports.iter().map(|(container_port, host_port)| {
        json!({ "bindIP": "127.0.0.1", "containerPort": container_port, "hostPort": host_port, "protocol": "tcp" })
    });
    json!({
        "containerArn": config.arn("ecs", &format!("container/{}/{}/{}", task.cluster, task.id, container.id)),
        "taskArn": config.task_arn(task),
        "name": container.name,
        "image": container.image,
        "runtimeId": container.runtime_id,
        "lastStatus": container.last_status,
        "exitCode": container.exit_code,
        "reason": container.reason,
        "networkBindings": bindings.collect::<Vec<_>>(),
        "networkInterfaces": interfaces.collect::<Vec<_>>(),
        "healthStatus": "UNKNOWN",
        "cpu": container.cpu.to_string(),
        "memory": container.memory.map(|memory| memory.to_string()),
    })
}
