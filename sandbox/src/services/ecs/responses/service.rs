//! Services, their deployments and revisions as the API returns them.

use serde_json::{Value, json};

use super::{is_pending, merged};
use crate::Config;
use crate::base::clock::epoch_seconds;
use crate::base::tags::lower_case;
use crate::services::ecs::arns::Arns as _;
use crate::services::ecs::launch_settings::PLATFORM_VERSION;
use crate::services::ecs::lookups::{key, task_definition};
use crate::services::ecs::model::{Deployment, Service, ServiceRevision, Task, TaskStatus};
use crate::services::ecs::{service_deployments, tasks_of};
use crate::store::States;

const SERVICE_ROLE: &str = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";

pub(in crate::services::ecs) fn service(config: &Config, states: &States, service: &Service, with_tags: bool) -> Value {
    let tasks = tasks_of(states, service);
    let primary = service.deployments.first();
    let deployments = service.deployments.iter().enumerate();
    let current =
        service_deployments::current(states, service).map(|deployment| config.service_deployment_arn(deployment));
    let service_key = key(&service.cluster, &service.name);
    let revisions: Vec<Value> = service
        .deployments
        .iter()
        .map(|deployment| revision_summary(config, &service_key, deployment.number(), deployment.desired_count, &tasks))
        .collect();
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
            "deployments": deployments.map(|(index, entry)| deployment(config, service, entry, index == 0, &tasks)).collect::<Vec<_>>(),
            "roleArn": service.text("roleArn").map_or_else(|| config.global_arn("iam", SERVICE_ROLE), str::to_owned),
            "events": service.events.iter().map(|event| json!({
                "id": event.id,
                "createdAt": epoch_seconds(event.created_at),
                "message": event.message,
            })).collect::<Vec<_>>(),
            "createdAt": epoch_seconds(service.created_at),
            "createdBy": super::creator_arn(config),
            "currentServiceDeployment": current,
            "currentServiceRevisions": revisions,
            "resourceManagementType": "CUSTOMER",
            "tags": with_tags.then(|| lower_case::to_value(&service.tags)),
        }),
    )
}

pub(in crate::services::ecs) fn deployment_configuration(service: &Service) -> Value {
    let mut output = json!(service.deployment_configuration);
    output["strategy"] = json!("ROLLING");
    output["bakeTimeInMinutes"] = json!(0);
    output
}

fn deployment(config: &Config, service: &Service, deployment: &Deployment, primary: bool, tasks: &[&Task]) -> Value {
    let deployment_tasks = || tasks.iter().filter(|task| task.started_by.as_ref() == Some(&deployment.id));
    json!({
        "id": deployment.id,
        "status": if primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": config.task_definition_arn(&deployment.task_definition),
        "desiredCount": deployment.desired_count,
        "pendingCount": deployment_tasks().filter(|task| is_pending(task)).count(),
        "runningCount": deployment_tasks().filter(|task| task.last_status == TaskStatus::Running).count(),
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

/// How many tasks of a revision of a service (`cluster/name`) there are.
pub(in crate::services::ecs) fn revision_summary(
    config: &Config,
    service: &str,
    number: &str,
    requested: u32,
    tasks: &[&Task],
) -> Value {
    let id = format!("ecs-svc/{number}");
    let revision_tasks = || tasks.iter().filter(|task| task.started_by.as_ref() == Some(&id));
    json!({
        "arn": config.service_revision_arn(service, number),
        "requestedTaskCount": requested,
        "runningTaskCount": revision_tasks().filter(|task| task.last_status == TaskStatus::Running).count(),
        "pendingTaskCount": revision_tasks().filter(|task| is_pending(task)).count(),
    })
}

pub(in crate::services::ecs) fn service_revision(
    config: &Config,
    states: &States,
    revision: &ServiceRevision,
) -> Value {
    let (cluster, _) = revision.service.split_once('/').unwrap_or_default();
    let definition = task_definition(states, &revision.task_definition);
    let containers = definition.map(crate::services::ecs::model::TaskDefinition::containers).unwrap_or_default();
    let images =
        containers.iter().map(|container| json!({ "containerName": container.name, "image": container.image }));
    merged(
        &revision.content,
        json!({
            "serviceRevisionArn": config.service_revision_arn(&revision.service, &revision.number),
            "serviceArn": config.arn("ecs", &format!("service/{}", revision.service)),
            "clusterArn": config.cluster_arn(cluster),
            "taskDefinition": config.task_definition_arn(&revision.task_definition),
            "platformVersion": revision.content.get("platformVersion").map(|_| PLATFORM_VERSION),
            "containerImages": images.collect::<Vec<_>>(),
            "guardDutyEnabled": false,
            "createdAt": epoch_seconds(revision.created_at),
        }),
    )
}
