//! What is known of a service: one value that every view draws.

use jiff::Timestamp;
use serde::Serialize;

use super::{Result, ServiceStack};
use crate::aws::{Aws, Deployment, ScalableTarget, ServiceState, Task};

/// A service's state. This is the object of `status --output json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`; `MISSING` when ECS does not know it.
    pub status: String,
    /// Whether what runs is what shall run.
    pub steady: bool,
    /// Tasks that shall run.
    pub desired: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that start.
    pub pending: u32,
    /// The deployments, PRIMARY first.
    pub deployments: Vec<DeploymentStatus>,
    /// The tasks that run or start.
    pub tasks: Vec<TaskStatus>,
    /// Its autoscaling, if any.
    pub scaling: Option<ScalingStatus>,
    /// The names under which it is found, with the addresses behind them.
    pub discovery: Vec<DiscoveryStatus>,
    /// Where it answers on this machine; only the sandbox knows, so its caller fills it in.
    pub url: Option<String>,
    /// The newest events first.
    pub events: Vec<EventStatus>,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeploymentStatus {
    /// Its id.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Family and revision.
    pub task_definition: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout: Option<String>,
    /// Tasks that shall run.
    pub desired: u32,
    /// Tasks that run.
    pub running: u32,
    /// Tasks that start.
    pub pending: u32,
    /// Tasks that failed.
    pub failed: u32,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// Its id.
    pub id: String,
    /// lastStatus.
    pub status: String,
    /// Its health.
    pub health: String,
    /// Family and revision.
    pub task_definition: String,
    /// Its address.
    pub address: Option<String>,
    /// When it started.
    pub started: Option<Timestamp>,
}

/// The autoscaling of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalingStatus {
    /// The smallest count.
    pub min: u32,
    /// The largest count.
    pub max: u32,
    /// Metric and target of each target-tracking policy.
    pub targets: Vec<(String, f64)>,
}

/// A name under which a service is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiscoveryStatus {
    /// `SERVICE.NAMESPACE`.
    pub name: String,
    /// `ADDRESS` or `ADDRESS:PORT` of each instance.
    pub instances: Vec<String>,
}

/// An event of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventStatus {
    /// Its id.
    pub id: String,
    /// When.
    pub timestamp: Option<Timestamp>,
    /// ECS's words.
    pub message: String,
}

/// How many events are told.
const EVENTS: usize = 10;

/// Asks ECS, Application Auto Scaling and Cloud Map.
pub async fn read_status(aws: &Aws, stack: &ServiceStack) -> Result<StatusReport> {
    let name = &stack.service;
    let (state, tasks, scaling) =
        tokio::try_join!(aws.service_state(name), aws.tasks(name), aws.scalable_target(name))?;
    let mut discovery = Vec::new();
    for arn in state.iter().flat_map(|state| &state.registries) {
        let service = aws.discovery_service(arn).await?;
        let instances = service.instances.into_iter().map(|instance| match instance.port {
            Some(port) => format!("{}:{port}", instance.address),
            None => instance.address,
        });
        discovery.push(DiscoveryStatus { name: service.name, instances: instances.collect() });
    }
    let missing = "MISSING".to_owned();
    Ok(StatusReport {
        cluster: name.cluster.clone(),
        service: name.service.clone(),
        status: state.as_ref().map_or(missing, |state| state.status.clone()),
        steady: state.as_ref().is_some_and(ServiceState::is_steady),
        desired: state.as_ref().map_or(0, |state| state.desired),
        running: state.as_ref().map_or(0, |state| state.running),
        pending: state.as_ref().map_or(0, |state| state.pending),
        deployments: state.iter().flat_map(|state| &state.deployments).map(deployment).collect(),
        tasks: tasks.into_iter().map(task).collect(),
        scaling: scaling.map(scaling_status),
        discovery,
        url: None,
        events: state
            .into_iter()
            .flat_map(|state| state.events)
            .take(EVENTS)
            .map(|event| EventStatus { id: event.id, timestamp: event.created, message: event.message })
            .collect(),
    })
}

fn deployment(deployment: &Deployment) -> DeploymentStatus {
    DeploymentStatus {
        id: deployment.id.clone(),
        status: deployment.status.clone(),
        task_definition: deployment.task_definition.rsplit('/').next().unwrap_or_default().to_owned(),
        rollout: deployment.rollout_state.clone(),
        desired: deployment.desired,
        running: deployment.running,
        pending: deployment.pending,
        failed: deployment.failed,
    }
}

fn task(task: Task) -> TaskStatus {
    TaskStatus {
        id: task.id,
        status: task.last_status,
        health: task.health,
        task_definition: task.task_definition,
        address: task.private_ip,
        started: task.started,
    }
}

fn scaling_status(target: ScalableTarget) -> ScalingStatus {
    let targets = target.policies.into_iter().map(|policy| (policy.metric, policy.target)).collect();
    ScalingStatus { min: target.min, max: target.max, targets }
}
