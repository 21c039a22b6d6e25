//! Rows as the API returns them.

use serde_json::{Map, Value, json};

use super::arns::Arns as _;
use super::definitions::attributes;
use super::model::{Cluster, Service, ServiceStatus, Task, TaskDefinition, TaskStatus};
use crate::Config;
use crate::base::clock::epoch_seconds;
use crate::base::tags::lower_case;
use crate::services::ecs::State;
use crate::store::States;

mod service;
mod task;

pub(super) use service::{deployment_configuration, revision_summary, service, service_revision};
pub(super) use task::task;

/// `content` with `members` written over it.
fn merged(content: &Map<String, Value>, members: Value) -> Value {
    let mut all = content.clone();
    if let Value::Object(members) = members {
        all.extend(members);
    }
    Value::Object(all)
}

pub(super) fn cluster(config: &Config, states: &States, cluster: &Cluster, include: &[String]) -> Value {
    let included = |name: &str| include.iter().any(|given| given == name);
    let prefix = format!("{}/", cluster.name);
    let tasks: Vec<&Task> = states.of::<State>().tasks.with_prefix(&prefix).map(|(_, task)| task).collect();
    let services: Vec<&Service> =
        states.of::<State>().services.with_prefix(&prefix).map(|(_, service)| service).collect();
    let active = services.iter().filter(|service| service.status == ServiceStatus::Active).count();
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
            "status": if cluster.deleted_at.is_some() { "INACTIVE" } else { "ACTIVE" },
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": tasks.iter().filter(|task| task.last_status == TaskStatus::Running).count(),
            "pendingTasksCount": tasks.iter().filter(|task| is_pending(task)).count(),
            "activeServicesCount": active,
            "statistics": if included("STATISTICS") { statistics(&tasks, &services) } else { json!([]) },
            "attachments": included("ATTACHMENTS").then(|| json!([])),
            "tags": if included("TAGS") { lower_case::to_value(&cluster.tags) } else { json!([]) },
        }),
    )
}

/// Counts by launch type (API reference of `Cluster`): no task runs on EC2.
fn statistics(tasks: &[&Task], services: &[&Service]) -> Value {
    let running = tasks.iter().filter(|task| task.last_status == TaskStatus::Running).count();
    let pending = tasks.iter().filter(|task| is_pending(task)).count();
    let count = |status: ServiceStatus, on_instances: bool| {
        services.iter().filter(|service| service.status == status && service.needs_instances() == on_instances).count()
    };
    let all = [
        ("runningEC2TasksCount", 0),
        ("runningFargateTasksCount", running),
        ("pendingEC2TasksCount", 0),
        ("pendingFargateTasksCount", pending),
        ("runningExternalTasksCount", 0),
        ("pendingExternalTasksCount", 0),
        ("activeEC2ServiceCount", count(ServiceStatus::Active, true)),
        ("activeFargateServiceCount", count(ServiceStatus::Active, false)),
        ("drainingEC2ServiceCount", count(ServiceStatus::Draining, true)),
        ("drainingFargateServiceCount", count(ServiceStatus::Draining, false)),
        ("activeExternalServiceCount", 0),
        ("drainingExternalServiceCount", 0),
    ];
    all.into_iter().map(|(name, value)| json!({ "name": name, "value": value.to_string() })).collect()
}

pub(super) fn is_pending(task: &Task) -> bool {
    task.last_status < TaskStatus::Running && task.desired_status == TaskStatus::Running
}

/// The launch types that a definition is compatible with.
pub(super) fn compatibilities(definition: &TaskDefinition) -> Vec<&'static str> {
    let awsvpc = definition.text("networkMode") == Some("awsvpc");
    let sized = ["cpu", "memory"].iter().all(|member| definition.content.contains_key(*member));
    match (awsvpc, sized) {
        (true, true) => vec!["EC2", "FARGATE"],
        (true, false) => vec!["EC2"],
        (false, _) => vec!["EXTERNAL", "EC2"],
    }
}

pub(super) fn task_definition(config: &Config, definition: &TaskDefinition) -> Value {
    merged(
        &definition.content,
        json!({
            "taskDefinitionArn": config.task_definition_arn(&definition.name()),
            "family": definition.family,
            "revision": definition.revision,
            "status": definition.status(),
            "requiresAttributes": attributes::required(&definition.content),
            "compatibilities": compatibilities(definition),
            "registeredAt": epoch_seconds(definition.registered_at),
            "deregisteredAt": definition.deregistered_at.map(epoch_seconds),
            "deleteRequestedAt": definition.delete_requested_at.map(epoch_seconds),
            "registeredBy": creator_arn(config),
        }),
    )
}

/// The principal that responses name as the creator; the sandbox does not record which credentials made a request.
fn creator_arn(config: &Config) -> String {
    config.global_arn("iam", "user/sandbox")
}
