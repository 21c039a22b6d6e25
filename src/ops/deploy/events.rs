//! Events of deploys and deletions: one value for every view, and one line each in JSON.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Deployment, StackEvent, StackStatus};

/// An event of a deploy. In JSON, `event` is its name.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeployEvent {
    /// Work on a stack begins.
    Started {
        stack: String,
        /// What is done to it.
        operation: Operation,
    },
    /// There is nothing to change.
    NoChanges { stack: String },
    /// A change set was prepared and not executed.
    #[serde(rename = "prepared")]
    ChangeSetPrepared { stack: String, change_set: String },
    /// An event of the stack.
    Resource {
        stack: String,
        done: usize,
        /// Resources that will be done, as far as known.
        total: usize,
        #[serde(flatten)]
        resource: ResourceEvent,
    },
    /// No event for a while: the resources in progress.
    InProgress {
        stack: String,
        done: usize,
        /// Resources that will be done, as far as known.
        total: usize,
        /// The logical ids of the resources that are in progress.
        resources: Vec<String>,
    },
    /// The deployments of a service in progress have other counts or states.
    Rollout {
        service: String,
        /// Its deployments, PRIMARY first.
        deployments: Vec<Deployment>,
    },
    /// An event of a service in progress.
    ServiceEvent {
        service: String,
        #[serde(serialize_with = "crate::model::serialize_optional_time")]
        timestamp: Option<Timestamp>,
        message: String,
    },
    /// A task of a service in progress stopped.
    TaskStopped {
        service: String,
        task: String,
        /// Why, with the containers' exit codes.
        cause: String,
        /// How many tasks have stopped for this cause by now.
        count: usize,
    },
    /// The last lines of a container whose task stopped; reported once per cause.
    TaskLog {
        service: String,
        task: String,
        container: String,
        /// Its last lines, oldest first.
        lines: Vec<String>,
    },
    /// Tasks of a service keep stopping for the same cause.
    Stuck {
        service: String,
        cause: String,
        /// Whether a stack operation is in progress, which the user can cancel. Only for the text.
        #[serde(skip)]
        cancellable: bool,
    },
    /// A remark that is not about a resource or a service.
    Note { message: String },
    /// Work on a stack ended well.
    Finished {
        stack: String,
        /// What was done to it.
        operation: Operation,
        arn: String,
        outputs: serde_json::Map<String, serde_json::Value>,
        seconds: f64,
    },
}

impl DeployEvent {
    pub(in crate::ops) fn note(message: impl Into<String>) -> Self {
        Self::Note { message: message.into() }
    }
}

/// What is done to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Create,
    Update,
    RollBack,
    Delete,
}

impl Operation {
    /// As a verb: "update".
    pub(in crate::ops) fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::RollBack => "roll back",
            Self::Delete => "delete",
        }
    }
}

/// An event of a stack as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceEvent {
    /// When, by AWS's clock.
    #[serde(serialize_with = "crate::model::serialize_time")]
    pub timestamp: Timestamp,
    /// ResourceStatus.
    pub status: StackStatus,
    pub resource_type: String,
    /// LogicalResourceId.
    pub logical_id: String,
    /// The construct path without the stack's name, if the template has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// PhysicalResourceId.
    pub physical_id: String,
    /// ResourceStatusReason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<StackEvent> for ResourceEvent {
    fn from(event: StackEvent) -> Self {
        let StackEvent { id: _, timestamp, logical_id, physical_id, resource_type, status, reason } = event;
        Self { timestamp, status, resource_type, logical_id, path: None, physical_id, reason }
    }
}

/// Tasks that stopped for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedTasks {
    pub service: String,
    /// Why, with the containers' exit codes.
    pub cause: String,
    pub count: usize,
    /// The container that ended the first of them, and its last lines.
    pub log: Option<(String, Vec<String>)>,
}
