//! Services and their deployments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::ids;
use crate::base::tags::{Tag, lower_case};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ServiceStatus {
    /// Its tasks are kept running.
    Active,
    /// It was deleted, and its tasks are ending.
    Draining,
    /// It was deleted, and no task of it runs.
    Inactive,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Service {
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    pub status: ServiceStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it became inactive.
    pub inactive_at: Option<Timestamp>,
    /// How many tasks it should run.
    pub desired_count: u32,
    pub deployment_configuration: DeploymentConfiguration,
    /// Everything else, by the API's member names.
    pub content: Map<String, Value>,
    /// The token of the request that created it, which makes that request idempotent.
    #[serde(default)]
    pub client_token: Option<String>,
    #[serde(with = "lower_case")]
    pub tags: Vec<Tag>,
    /// The newest first: that is the `PRIMARY` one.
    pub deployments: Vec<Deployment>,
    /// The newest first, at most a hundred.
    pub events: Vec<ServiceEvent>,
    /// The port of its address on this machine.
    pub local_port: Option<u16>,
    /// Whether its last event is that it has reached a steady state.
    pub steady: bool,
}

/// How many events a service keeps.
const MAX_EVENTS: usize = 100;

impl Service {
    /// A member of the content that is text.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.content.get(member).and_then(Value::as_str)
    }

    /// Whether its tasks need container instances, of which there are none.
    pub(crate) fn needs_instances(&self) -> bool {
        matches!(self.text("launchType"), Some("EC2" | "EXTERNAL"))
    }

    /// Marks the primary deployment as failed. With `roll_back`, the last completed deployment takes its place.
    pub(crate) fn fail_deployment(&mut self, now: Timestamp, failure: &DeploymentFailure, roll_back: bool) {
        let Some(primary) = self.deployments.first_mut() else { return };
        primary.rollout_state = RolloutState::Failed;
        failure.reason.clone_into(&mut primary.rollout_state_reason);
        primary.updated_at = now;
        let failed_id = primary.id.clone();
        let event = format!("(deployment {failed_id}) {}", failure.event);
        self.add_event(now, &event);
        let last_completed =
            self.deployments.iter().position(|deployment| deployment.rollout_state == RolloutState::Completed);
        if let Some(index) = last_completed.filter(|_| roll_back) {
            let mut target = self.deployments.remove(index);
            target.rollout_state = RolloutState::InProgress;
            target.rollout_state_reason =
                format!("{}: rolling back to deploymentId {}.", failure.rolled_back_by, target.id);
            target.desired_count = self.desired_count;
            target.failed_tasks = 0;
            target.retry_at = None;
            target.updated_at = now;
            target.rolled_back_from = Some(failed_id);
            self.add_event(now, &format!("rolling back to (deployment {}).", target.id));
            self.deployments.insert(0, target);
        }
    }

    /// Records an event, such as `has reached a steady state.`
    pub(crate) fn add_event(&mut self, now: Timestamp, text: &str) {
        let message = format!("(service {}) {text}", self.name);
        self.events.insert(0, ServiceEvent { id: ids::uuid(), created_at: now, message });
        self.events.truncate(MAX_EVENTS);
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeploymentConfiguration {
    /// Whether a deployment whose tasks keep failing is marked as failed.
    #[serde(default)]
    pub deployment_circuit_breaker: CircuitBreaker,
    /// The maximum number of tasks during a deployment, in percent of the desired count.
    #[serde(default = "maximum_percent")]
    pub maximum_percent: u32,
    /// The minimum number, in percent.
    #[serde(default = "minimum_healthy_percent")]
    pub minimum_healthy_percent: u32,
    /// Alarms that fail a deployment; only disabled ones are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Value>,
    /// How new tasks replace old ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Minutes for which old tasks are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_time_in_minutes: Option<u32>,
    /// Calls at certain steps of a deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_hooks: Option<Vec<Value>>,
    /// How traffic shifts in steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear_configuration: Option<Value>,
    /// How a part of the traffic shifts first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_configuration: Option<Value>,
}

impl DeploymentConfiguration {
    /// The default configuration of a service.
    pub(crate) fn of(is_daemon: bool) -> Self {
        if is_daemon {
            Self { maximum_percent: 100, minimum_healthy_percent: 0, ..Self::default() }
        } else {
            Self::default()
        }
    }

    /// How many features it uses that only other strategies than rolling updates have.
    pub(crate) fn unserved(&self) -> usize {
        let hooks = self.lifecycle_hooks.as_ref().map_or(0, Vec::len);
        let shifts = [&self.linear_configuration, &self.canary_configuration].into_iter().flatten().count();
        hooks + shifts + usize::from(self.bake_time_in_minutes.is_some_and(|minutes| minutes > 0))
    }
}

fn maximum_percent() -> u32 {
    200
}

fn minimum_healthy_percent() -> u32 {
    100
}

impl Default for DeploymentConfiguration {
    fn default() -> Self {
        Self {
            deployment_circuit_breaker: CircuitBreaker::default(),
            maximum_percent: maximum_percent(),
            minimum_healthy_percent: minimum_healthy_percent(),
            alarms: None,
            strategy: None,
            bake_time_in_minutes: None,
            lifecycle_hooks: None,
            linear_configuration: None,
            canary_configuration: None,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CircuitBreaker {
    /// Whether it stops failing deployments.
    pub enable: bool,
    /// Whether a failed deployment is rolled back to the last completed one.
    pub rollback: bool,
}

/// The state of a deployment's rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum RolloutState {
    /// All its tasks run.
    Completed,
    /// The circuit breaker or the user stopped it.
    Failed,
    InProgress,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    /// `ecs-svc/` and a number.
    pub id: String,
    /// `family:revision`.
    pub task_definition: String,
    /// How many tasks it should run.
    pub desired_count: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    pub rollout_state: RolloutState,
    pub rollout_state_reason: String,
    /// How many tasks failed in a row.
    pub failed_tasks: u32,
    /// The earliest time for the next task, after failed ones.
    pub retry_at: Option<Timestamp>,
    /// The network configuration of its tasks.
    pub network_configuration: Option<Value>,
    /// The deployment that failed or was stopped, if this is the result of a rollback.
    #[serde(default)]
    pub rolled_back_from: Option<String>,
}

/// Why a deployment is marked as failed.
#[derive(Debug)]
pub(crate) struct DeploymentFailure {
    /// Its `rolloutStateReason`.
    pub reason: &'static str,
    /// The text of the event.
    pub event: &'static str,
    /// What rolls the service back, as in the reason of the next deployment.
    pub rolled_back_by: &'static str,
}

/// Something that happened to a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceEvent {
    /// A UUID.
    pub id: String,
    /// When.
    pub created_at: Timestamp,
    pub message: String,
}

impl Deployment {
    /// The number in its id, which is also that of its service revision.
    pub(crate) fn number(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn begin(task_definition: String, desired_count: u32, network: Option<Value>, now: Timestamp) -> Self {
        let id = new_id();
        let rollout_state_reason = format!("ECS deployment {id} in progress.");
        Self {
            id,
            task_definition,
            desired_count,
            created_at: now,
            updated_at: now,
            rollout_state: RolloutState::InProgress,
            rollout_state_reason,
            failed_tasks: 0,
            retry_at: None,
            network_configuration: network,
            rolled_back_from: None,
        }
    }
}

/// `ecs-svc/` and nineteen digits.
fn new_id() -> String {
    format!("ecs-svc/{}", rand::random_range(1_000_000_000_000_000_000_u64..=9_223_372_036_854_775_807))
}
