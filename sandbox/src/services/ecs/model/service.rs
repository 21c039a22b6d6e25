//! Services and their deployments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::ids;
use crate::base::tags::{Tag, lower_case};

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceStatus {
    /// Its tasks are kept running.
    Active,
    /// It was deleted, and its tasks are ending.
    Draining,
    /// It was deleted, and nothing of it runs.
    Inactive,
}

/// A service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// Where it is in its life.
    pub status: ServiceStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became inactive.
    pub inactive_at: Option<Timestamp>,
    /// How many tasks it should run.
    pub desired_count: u32,
    /// How its deployments go.
    pub deployment_configuration: DeploymentConfiguration,
    /// Everything else, by the API's member names.
    pub content: Map<String, Value>,
    /// What the request that made it calls itself: the same request again gives the same service.
    #[serde(default)]
    pub client_token: Option<String>,
    /// Its tags.
    #[serde(with = "lower_case")]
    pub tags: Vec<Tag>,
    /// The newest first: that is the `PRIMARY` one.
    pub deployments: Vec<Deployment>,
    /// The newest first, at most a hundred.
    pub events: Vec<ServiceEvent>,
    /// The port of its address on this machine.
    pub local_port: Option<u16>,
    /// Whether the last thing that was said is that it is steady.
    pub steady: bool,
}

/// How many events a service keeps.
const MOST_EVENTS: usize = 100;

impl Service {
    /// A member of the content that is text.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.content.get(member).and_then(Value::as_str)
    }

    /// Whether its tasks need container instances, of which there are none.
    pub fn needs_instances(&self) -> bool {
        matches!(self.text("launchType"), Some("EC2" | "EXTERNAL"))
    }

    /// Gives the primary deployment up; with `back`, the last one that worked takes its place.
    pub fn give_up(&mut self, now: Timestamp, what: &GivenUp, back: bool) {
        let Some(primary) = self.deployments.first_mut() else { return };
        primary.rollout_state = RolloutState::Failed;
        what.reason.clone_into(&mut primary.rollout_state_reason);
        primary.updated_at = now;
        let from = primary.id.clone();
        let event = format!("(deployment {from}) {}", what.event);
        self.say(now, &event);
        let last_good = self.deployments.iter().position(|one| one.rollout_state == RolloutState::Completed);
        if let Some(index) = last_good.filter(|_| back) {
            let mut good = self.deployments.remove(index);
            good.rollout_state = RolloutState::InProgress;
            good.rollout_state_reason = format!("{}: rolling back to deploymentId {}.", what.by, good.id);
            good.desired_count = self.desired_count;
            good.failed_tasks = 0;
            good.retry_at = None;
            good.updated_at = now;
            good.rolled_back_from = Some(from);
            self.say(now, &format!("rolling back to (deployment {}).", good.id));
            self.deployments.insert(0, good);
        }
    }
    /// Records an event, such as `has reached a steady state.`
    pub fn say(&mut self, now: Timestamp, what: &str) {
        let message = format!("(service {}) {what}", self.name);
        self.events.insert(0, ServiceEvent { id: ids::uuid(), created_at: now, message });
        self.events.truncate(MOST_EVENTS);
    }
}

/// How deployments go.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentConfiguration {
    /// Whether a deployment that does not work is given up.
    #[serde(default)]
    pub deployment_circuit_breaker: CircuitBreaker,
    /// The most tasks that may run meanwhile, in percent of the desired count.
    #[serde(default = "maximum_percent")]
    pub maximum_percent: u32,
    /// The fewest that must, in percent.
    #[serde(default = "minimum_healthy_percent")]
    pub minimum_healthy_percent: u32,
    /// Alarms that end a deployment; only ones that are switched off are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<Value>,
    /// How new tasks take the place of old ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// Minutes for which old tasks are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_time_in_minutes: Option<u32>,
    /// Calls at certain stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_hooks: Option<Vec<Value>>,
    /// How traffic moves step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear_configuration: Option<Value>,
    /// How a part of the traffic moves first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_configuration: Option<Value>,
}

impl DeploymentConfiguration {
    /// The configuration of a service that is given none.
    pub fn of(is_daemon: bool) -> Self {
        if is_daemon {
            Self { maximum_percent: 100, minimum_healthy_percent: 0, ..Self::default() }
        } else {
            Self::default()
        }
    }

    /// How much it asks for that only other strategies than rolling updates have.
    pub fn unserved(&self) -> usize {
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

/// The deployment circuit breaker.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CircuitBreaker {
    /// Whether it is on.
    pub enable: bool,
    /// Whether it goes back to the last deployment that worked.
    pub rollback: bool,
}

/// How far a deployment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RolloutState {
    /// All its tasks run.
    Completed,
    /// The circuit breaker gave it up.
    Failed,
    /// It is under way.
    InProgress,
}

/// One deployment of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
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
    /// How far it got.
    pub rollout_state: RolloutState,
    /// In AWS's words.
    pub rollout_state_reason: String,
    /// Tasks that failed one after the other.
    pub failed_tasks: u32,
    /// No task is started before that time, because the last ones failed.
    pub retry_at: Option<Timestamp>,
    /// Where its tasks are put.
    pub network_configuration: Option<Value>,
    /// The deployment that failed or was stopped, when this is what the service went back to.
    #[serde(default)]
    pub rolled_back_from: Option<String>,
}

/// Why a deployment is given up.
#[derive(Debug)]
pub struct GivenUp {
    /// Its `rolloutStateReason`.
    pub reason: &'static str,
    /// The event's words.
    pub event: &'static str,
    /// Who goes back.
    pub by: &'static str,
}

/// Something that happened to a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// A UUID.
    pub id: String,
    /// When.
    pub created_at: Timestamp,
    /// What, in AWS's words.
    pub message: String,
}

impl Deployment {
    /// The number in its id, which is also that of its service revision.
    pub fn number(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    /// A deployment that begins now.
    pub fn begin(task_definition: String, desired_count: u32, network: Option<Value>, now: Timestamp) -> Self {
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
