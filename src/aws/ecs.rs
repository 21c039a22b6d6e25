//! ECS: services and their tasks.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types as sdk;
use jiff::Timestamp;
use serde::Serialize;

use super::{Aws, Result, count, text, timestamp};

/// A service and the cluster it runs in, as the service's ARN names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
}

impl ServiceName {
    /// From `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`.
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.rsplit(':').next()?.strip_prefix("service/")?.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(cluster), Some(service), None) => {
                Some(Self { cluster: cluster.to_owned(), service: service.to_owned() })
            }
            _ => None,
        }
    }
}

/// A service as DescribeServices tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceState {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Tasks that shall run.
    pub desired: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that are starting.
    pub pending: u32,
    /// Deployments, PRIMARY first.
    pub deployments: Vec<Deployment>,
    /// The newest events first, at most a hundred.
    pub events: Vec<ServiceEvent>,
    /// ARNs of the Cloud Map services.
    pub registries: Vec<String>,
}

/// A deployment of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The task definition's family and revision.
    pub task_definition: String,
    /// Tasks that shall run.
    pub desired: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that are starting.
    pub pending: u32,
    /// Tasks that did not start or were stopped.
    pub failed: u32,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`; absent for some deployment controllers.
    pub rollout_state: Option<String>,
    /// Why, in AWS's words.
    pub rollout_reason: Option<String>,
}

/// An event of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceEvent {
    /// Its id.
    pub id: String,
    /// When.
    pub timestamp: Option<Timestamp>,
    /// AWS's words.
    pub message: String,
}

/// A task as DescribeTasks tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// The task's id: the last part of its ARN.
    pub id: String,
    /// lastStatus.
    pub last_status: String,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub health: String,
    /// The task definition's family and revision.
    pub task_definition: String,
    /// When its containers started.
    pub started: Option<Timestamp>,
    /// The address of its network interface.
    pub private_ip: Option<String>,
    /// Why it stopped.
    pub stopped_reason: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// lastStatus.
    pub last_status: String,
    /// The exit code, once it ended.
    pub exit_code: Option<i32>,
    /// Why it ended or did not start.
    pub reason: Option<String>,
}

impl Task {
    /// Why it stopped: ECS's words, and what each container ended with.
    pub fn cause(&self) -> String {
        let mut cause = self.stopped_reason.clone().unwrap_or_else(|| "ECS gives no reason".to_owned());
        for container in &self.containers {
            let code = container.exit_code.map(|code| format!("exit code {code}"));
            let parts: Vec<String> = code.into_iter().chain(container.reason.clone()).collect();
            if !parts.is_empty() {
                cause.extend(["; container ", &container.name, ": ", &parts.join(", ")]);
            }
        }
        cause
    }
}

impl ServiceState {
    /// What is said of a service that ECS does not know.
    pub fn missing() -> Self {
        Self {
            status: "MISSING".to_owned(),
            desired: 0,
            running: 0,
            pending: 0,
            deployments: Vec::new(),
            events: Vec::new(),
            registries: Vec::new(),
        }
    }

    /// Whether what runs is what shall run: one deployment, all of its tasks running, its rollout complete (or without a state).
    pub fn is_steady(&self) -> bool {
        let rolled_out =
            |deployment: &Deployment| deployment.rollout_state.as_deref().is_none_or(|state| state == "COMPLETED");
        self.status == "ACTIVE"
            && self.running == self.desired
            && self.pending == 0
            && self.deployments.len() == 1
            && self.deployments.iter().all(rolled_out)
    }
}

impl Aws {
    fn ecs(&self) -> &Client {
        self.ecs.get_or_init(|| Client::new(&self.config))
    }

    /// The state of a service; `None` when there is none of this name.
    pub async fn service_state(&self, name: &ServiceName) -> Result<Option<ServiceState>> {
        let action = format!("describe service `{}` in cluster `{}`", name.service, name.cluster);
        let call = self.ecs().describe_services().cluster(&name.cluster).services(&name.service);
        let answer = call.send().await.map_err(|error| self.error(action, &error))?;
        Ok(answer.services.unwrap_or_default().into_iter().next().map(service_state))
    }

    /// Sets how many tasks shall run. Makes no new deployment.
    pub async fn set_desired_count(&self, name: &ServiceName, desired: u32) -> Result<()> {
        let action = format!("set the desired count of service `{}` to {desired}", name.service);
        let desired = i32::try_from(desired).unwrap_or(i32::MAX);
        let call = self.ecs().update_service().cluster(&name.cluster).service(&name.service).desired_count(desired);
        call.send().await.map(drop).map_err(|error| self.error(action, &error))
    }

    /// The service's tasks that run or start, in the order of their ids.
    pub async fn tasks(&self, name: &ServiceName) -> Result<Vec<Task>> {
        self.tasks_that_shall(name, sdk::DesiredStatus::Running).await
    }

    /// The service's tasks that stopped within the last hour: ECS forgets them then.
    pub async fn stopped_tasks(&self, name: &ServiceName) -> Result<Vec<Task>> {
        self.tasks_that_shall(name, sdk::DesiredStatus::Stopped).await
    }

    async fn tasks_that_shall(&self, name: &ServiceName, desired: sdk::DesiredStatus) -> Result<Vec<Task>> {
        let action = format!("list the tasks of service `{}`", name.service);
        let list = self.ecs().list_tasks().cluster(&name.cluster).service_name(&name.service).desired_status(desired);
        let arns: std::result::Result<Vec<_>, _> = list.into_paginator().items().send().collect().await;
        let arns = arns.map_err(|error| self.error(&action, &error))?;
        let mut tasks = Vec::new();
        for chunk in arns.chunks(MAX_DESCRIBED_TASKS) {
            let call = self.ecs().describe_tasks().cluster(&name.cluster).set_tasks(Some(chunk.to_vec()));
            let answer = call.send().await.map_err(|error| self.error(&action, &error))?;
            tasks.extend(answer.tasks.unwrap_or_default().into_iter().map(task));
        }
        tasks.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(tasks)
    }
}

/// DescribeTasks takes up to a hundred tasks a call.
const MAX_DESCRIBED_TASKS: usize = 100;

fn service_state(service: sdk::Service) -> ServiceState {
    ServiceState {
        status: text(service.status),
        desired: count(service.desired_count),
        running: count(service.running_count),
        pending: count(service.pending_count),
        deployments: service.deployments.unwrap_or_default().into_iter().map(deployment).collect(),
        events: service
            .events
            .unwrap_or_default()
            .into_iter()
            .map(|event| ServiceEvent {
                id: text(event.id),
                timestamp: timestamp(event.created_at),
                message: text(event.message),
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
        id: text(deployment.id),
        status: text(deployment.status),
        task_definition: last_part(&text(deployment.task_definition)),
        desired: count(deployment.desired_count),
        running: count(deployment.running_count),
        pending: count(deployment.pending_count),
        failed: count(deployment.failed_tasks),
        rollout_state: deployment.rollout_state.map(|state| state.as_str().to_owned()),
        rollout_reason: deployment.rollout_state_reason,
    }
}

fn task(task: sdk::Task) -> Task {
    let details = task.attachments.as_deref().unwrap_or_default().iter().flat_map(sdk::Attachment::details);
    let private_ip =
        details.filter(|pair| pair.name() == Some("privateIPv4Address")).find_map(|pair| pair.value.clone());
    Task {
        id: last_part(&text(task.task_arn)),
        last_status: text(task.last_status),
        health: task.health_status.map(|health| health.as_str().to_owned()).unwrap_or_default(),
        task_definition: last_part(&text(task.task_definition_arn)),
        started: timestamp(task.started_at),
        private_ip,
        stopped_reason: task.stopped_reason,
        containers: task
            .containers
            .unwrap_or_default()
            .into_iter()
            .map(|container| Container {
                name: text(container.name),
                last_status: text(container.last_status),
                exit_code: container.exit_code,
                reason: container.reason,
            })
            .collect(),
    }
}

fn last_part(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_the_long_form_of_its_arn() {
        let name = ServiceName::from_arn("arn:aws:ecs:us-east-1:123456789012:service/container-demo/ecsdemo-nodejs");
        assert_eq!(
            name,
            Some(ServiceName { cluster: "container-demo".to_owned(), service: "ecsdemo-nodejs".to_owned() })
        );
        assert_eq!(ServiceName::from_arn("arn:aws:ecs:us-east-1:123456789012:service/old-format"), None);
    }
}
