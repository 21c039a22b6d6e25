//! ECS: services and their tasks.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types as sdk;

use super::{Aws, AwsErrorKind, Result, client, or_empty, timestamp, to_u32};
use crate::model::{Container, Deployment, LogDestination, ServiceEvent, ServiceName, ServiceState, Task};

impl Aws {
    fn ecs(&self) -> &Client {
        self.ecs.get_or_init(|| client!(aws_sdk_ecs, self))
    }

    /// The state of a service; `None` if it does not exist.
    pub async fn service_state(&self, name: &ServiceName) -> Result<Option<ServiceState>> {
        let action = format!("describe service `{}` in cluster `{}`", name.service, name.cluster);
        let call = self.ecs().describe_services().cluster(&name.cluster).services(&name.service);
        let response = call.send().await.map_err(|error| self.error(action, error))?;
        Ok(response.services.unwrap_or_default().into_iter().next().map(service_state))
    }

    /// The ARN of the service that uses this name. An `INACTIVE` service no longer does.
    pub async fn service_arn(&self, name: &ServiceName) -> Result<Option<String>> {
        let action = format!("describe service `{}` in cluster `{}`", name.service, name.cluster);
        let call = self.ecs().describe_services().cluster(&name.cluster).services(&name.service);
        match call.send().await.map_err(|error| self.error(action, error)) {
            Ok(response) => {
                let services = response.services.unwrap_or_default().into_iter();
                Ok(services
                    .filter(|service| service.status() != Some("INACTIVE"))
                    .find_map(|service| service.service_arn))
            }
            // The cluster does not exist, so neither does the service.
            Err(error) if error.kind == AwsErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets the desired count, without a new deployment.
    pub async fn set_desired_count(&self, name: &ServiceName, desired: u32) -> Result<()> {
        let action = format!("set the desired count of service `{}` to {desired}", name.service);
        let desired = i32::try_from(desired).unwrap_or(i32::MAX);
        let call = self.ecs().update_service().cluster(&name.cluster).service(&name.service).desired_count(desired);
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }

    /// Starts a new deployment of the same task definition, which replaces all tasks.
    pub async fn force_new_deployment(&self, name: &ServiceName) -> Result<()> {
        let action = format!("restart service `{}`", name.service);
        let call = self.ecs().update_service().cluster(&name.cluster).service(&name.service).force_new_deployment(true);
        call.send().await.map(drop).map_err(|error| self.error(action, error))
    }

    /// The service's running and pending tasks, sorted by id.
    pub async fn tasks(&self, name: &ServiceName) -> Result<Vec<Task>> {
        self.tasks_by_desired_status(name, sdk::DesiredStatus::Running).await
    }

    /// The service's stopped tasks. ECS keeps them for an hour.
    pub async fn stopped_tasks(&self, name: &ServiceName) -> Result<Vec<Task>> {
        self.tasks_by_desired_status(name, sdk::DesiredStatus::Stopped).await
    }

    /// The log destinations of a task definition (family and revision), without containers that do not use the `awslogs` driver.
    pub async fn log_destinations(&self, task_definition: &str) -> Result<Vec<LogDestination>> {
        let action = format!("describe task definition `{task_definition}`");
        let call = self.ecs().describe_task_definition().task_definition(task_definition);
        let response = call.send().await.map_err(|error| self.error(action, error))?;
        let containers = response.task_definition.and_then(|definition| definition.container_definitions);
        Ok(containers.unwrap_or_default().into_iter().filter_map(log_destination).collect())
    }

    /// Whether tasks can be started from a task definition, by family and revision or ARN. A deleted one cannot be described.
    pub async fn is_task_definition_active(&self, task_definition: &str) -> Result<bool> {
        let action = format!("describe task definition `{task_definition}`");
        let call = self.ecs().describe_task_definition().task_definition(task_definition);
        match call.send().await.map_err(|error| self.error(action, error)) {
            Ok(response) => {
                let status = response.task_definition.and_then(|definition| definition.status);
                Ok(status.is_some_and(|status| status == sdk::TaskDefinitionStatus::Active))
            }
            // ECS's only error for a task definition that does not exist.
            Err(error) if error.code.as_deref() == Some("ClientException") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The status of a cluster by name or ARN, such as `ACTIVE`; `None` if it does not exist.
    pub async fn cluster_status(&self, cluster: &str) -> Result<Option<String>> {
        let action = format!("describe cluster `{cluster}`");
        let call = self.ecs().describe_clusters().clusters(cluster);
        let response = call.send().await.map_err(|error| self.error(action, error))?;
        Ok(response.clusters.unwrap_or_default().into_iter().next().map(|cluster| or_empty(cluster.status)))
    }

    async fn tasks_by_desired_status(&self, name: &ServiceName, desired: sdk::DesiredStatus) -> Result<Vec<Task>> {
        let action = format!("list the tasks of service `{}`", name.service);
        let list = self.ecs().list_tasks().cluster(&name.cluster).service_name(&name.service).desired_status(desired);
        let arns: std::result::Result<Vec<_>, _> = list.into_paginator().items().send().collect().await;
        let arns = arns.map_err(|error| self.error(&action, error))?;
        let mut tasks = Vec::new();
        for chunk in arns.chunks(MAX_DESCRIBED_TASKS) {
            let call = self.ecs().describe_tasks().cluster(&name.cluster).set_tasks(Some(chunk.to_vec()));
            let response = call.send().await.map_err(|error| self.error(&action, error))?;
            tasks.extend(response.tasks.unwrap_or_default().into_iter().map(task));
        }
        tasks.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tasks)
    }
}

/// The maximum number of tasks in one DescribeTasks call.
const MAX_DESCRIBED_TASKS: usize = 100;

fn service_state(service: sdk::Service) -> ServiceState {
    ServiceState {
        status: or_empty(service.status),
        desired: to_u32(service.desired_count),
        running: to_u32(service.running_count),
        pending: to_u32(service.pending_count),
        deployments: service.deployments.unwrap_or_default().into_iter().map(deployment).collect(),
        events: service
            .events
            .unwrap_or_default()
            .into_iter()
            .map(|event| ServiceEvent {
                id: or_empty(event.id),
                timestamp: timestamp(event.created_at),
                message: or_empty(event.message),
            })
            .collect(),
        registries: service
            .service_registries
            .unwrap_or_default()
            .into_iter()
            .filter_map(|registry| registry.registry_arn)
            .collect(),
    }
}

fn deployment(deployment: sdk::Deployment) -> Deployment {
    Deployment {
        id: or_empty(deployment.id),
        status: or_empty(deployment.status),
        task_definition: last_part(&or_empty(deployment.task_definition)),
        created: timestamp(deployment.created_at),
        desired: to_u32(deployment.desired_count),
        running: to_u32(deployment.running_count),
        pending: to_u32(deployment.pending_count),
        failed: to_u32(deployment.failed_tasks),
        rollout_state: deployment.rollout_state.map(|state| state.as_str().to_owned()),
        rollout_reason: deployment.rollout_state_reason,
    }
}

fn task(task: sdk::Task) -> Task {
    let details = task.attachments.as_deref().unwrap_or_default().iter().flat_map(sdk::Attachment::details);
    let private_ip =
        details.filter(|pair| pair.name() == Some("privateIPv4Address")).find_map(|pair| pair.value.clone());
    Task {
        id: last_part(&or_empty(task.task_arn)),
        last_status: or_empty(task.last_status),
        health: task.health_status.map(|health| health.as_str().to_owned()).unwrap_or_default(),
        task_definition: last_part(&or_empty(task.task_definition_arn)),
        started: timestamp(task.started_at),
        stopped: timestamp(task.stopped_at.or(task.stopping_at)),
        private_ip,
        stopped_reason: task.stopped_reason,
        containers: task
            .containers
            .unwrap_or_default()
            .into_iter()
            .map(|container| Container {
                name: or_empty(container.name),
                last_status: or_empty(container.last_status),
                exit_code: container.exit_code,
                reason: container.reason,
            })
            .collect(),
    }
}

fn log_destination(container: sdk::ContainerDefinition) -> Option<LogDestination> {
    let logs = container.log_configuration.filter(|logs| logs.log_driver == sdk::LogDriver::Awslogs)?;
    let mut options = logs.options?;
    let (group, prefix) = (options.remove("awslogs-group")?, options.remove("awslogs-stream-prefix")?);
    Some(LogDestination { container: or_empty(container.name), group, prefix })
}

fn last_part(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}
