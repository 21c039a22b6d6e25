//! Service deployments and service revisions: the history of a service's rollouts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How a service deployment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServiceDeploymentStatus {
    /// It is under way.
    InProgress,
    /// It is done.
    Successful,
    /// It failed, or another took its place, and nothing went back.
    Stopped,
    /// StopServiceDeployment was called.
    StopRequested,
    /// The service is on its way back.
    RollbackInProgress,
    /// The service is back.
    RollbackSuccessful,
    /// The way back failed too.
    RollbackFailed,
}

impl ServiceDeploymentStatus {
    /// Whether more is to come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::InProgress | Self::StopRequested | Self::RollbackInProgress)
    }
}

/// One rollout of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceDeployment {
    /// The last part of its ARN.
    pub id: String,
    /// Its service, as `cluster/name`.
    pub service: String,
    /// The id of the deployment in the service: `ecs-svc/` and a number.
    pub deployment: String,
    /// How it went.
    pub status: ServiceDeploymentStatus,
    /// Why, when it did not go well.
    pub status_reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// The numbers of the revisions that ran before.
    pub sources: Vec<String>,
    /// The number of the revision that it brings.
    pub target: String,
    /// The number of the revision that the service went back to, why, and since when.
    pub rollback: Option<(String, String, Timestamp)>,
    /// The service's configuration of deployments at that time.
    pub configuration: Value,
    /// How many tasks failed.
    pub failure_count: u32,
    /// How many may not.
    pub threshold: u32,
}

/// What a service was at one of its deployments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceRevision {
    /// The last part of its ARN.
    pub number: String,
    /// Its service, as `cluster/name`.
    pub service: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// `family:revision`.
    pub task_definition: String,
    /// Members by the API's names.
    pub content: Map<String, Value>,
}
