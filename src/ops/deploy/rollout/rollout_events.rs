//! The states of a rollout, and its events.

use crate::model::{Deployment, ServiceEvent, Task};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutState {
    /// CloudFormation has not started to update the service.
    Waiting,
    /// Tasks start and stop.
    Rolling,
    /// The deployment is complete, or the service is deleted.
    Done,
    /// It failed, with the cause.
    Failed(String),
}

/// What is new since the previous observation.
#[derive(Debug, Clone, PartialEq)]
pub enum RolloutEvent {
    /// The deployments have other counts or states.
    Deployments(Vec<Deployment>),
    ServiceEvent(ServiceEvent),
    /// A task stopped unexpectedly.
    Stopped {
        task: Task,
        /// Why, in the words of the first that stopped for this cause.
        cause: String,
        /// How many have stopped for it by now.
        count: usize,
    },
    /// Tasks keep stopping for the same cause.
    Stuck {
        cause: String,
    },
}
