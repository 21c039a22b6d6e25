//! Service deployments and service revisions: the history of a service's deployments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ServiceDeploymentStatus {
    InProgress,
    Successful,
    /// It failed or was replaced, without a rollback.
    Stopped,
    /// StopServiceDeployment was called.
    StopRequested,
    /// The service is being rolled back.
    RollbackInProgress,
    /// The service was rolled back.
    RollbackSuccessful,
    RollbackFailed,
}

impl ServiceDeploymentStatus {
    /// Whether it is not final.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::InProgress | Self::StopRequested | Self::RollbackInProgress)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceDeployment {
    /// The last part of its ARN.
    pub id: String,
    /// Its service, as `cluster/name`.
    pub service: String,
    /// The id of the deployment in the service: `ecs-svc/` and a number.
    pub deployment: String,
    pub status: ServiceDeploymentStatus,
    /// Why, if it was not successful.
    pub status_reason: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it finished.
    pub finished_at: Option<Timestamp>,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// The numbers of the revisions that ran before.
    pub sources: Vec<String>,
    /// The number of the revision that it deploys.
    pub target: String,
    /// The number of the revision that the service was rolled back to, why, and when.
    pub rollback: Option<(String, String, Timestamp)>,
    /// The service's deployment configuration at that time.
    pub configuration: Value,
    /// How many tasks failed.
    pub failure_count: u32,
    /// How many failures trigger the circuit breaker.
    pub threshold: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceRevision {
    /// The last part of its ARN.
    pub number: String,
    /// Its service, as `cluster/name`.
    pub service: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// `family:revision`.
    pub task_definition: String,
    /// Members by the API's names.
    pub content: Map<String, Value>,
}
