//! The long-running work over AWS and the stack model. It emits typed events and never writes to the terminal.

mod casualties;
mod deploy;
mod destroy;
mod follow;
mod locate;
mod patience;
mod status;
mod tail;
mod wait;

pub use deploy::{DeployEvent, Operation, Prepared, Ready, ResourceEvent, Wanted, execute, prepare, settle};
pub use destroy::destroy;
pub use locate::{LogSource, ServiceStack, locate_log_group, locate_service};
pub use status::{StatusReport, read_status};
pub use tail::{Tail, TailOptions};
pub use wait::wait_until_steady;

use crate::aws::AwsError;
pub use crate::aws::{LogEvent, LogGroup, LogStream, ScalableTarget, Task};

/// Why the work did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// A call to AWS failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The operation ended in another state than it should have.
    #[error("stack `{stack}` is {status}{}{}", if reasons.is_empty() { "" } else { "\n  " }, reasons.join("\n  "))]
    StackFailed {
        /// The stack's name.
        stack: String,
        /// Its status now.
        status: String,
        /// The resources that failed and why, in the order in which it happened.
        reasons: Vec<String>,
    },
    /// The change set could not be made.
    #[error("CloudFormation refuses the change set of stack `{stack}`: {reason}")]
    ChangeSetFailed {
        /// The stack's name.
        stack: String,
        /// CloudFormation's words.
        reason: String,
    },
    /// The stack is in a state that a deploy cannot go on from.
    #[error("stack `{stack}` is {status}")]
    Stuck {
        /// The stack's name.
        stack: String,
        /// Its status.
        status: String,
        /// What the user can do.
        hint: String,
    },
    /// The service's rollout failed although the stack did not.
    #[error("service `{service}`: its deployment failed: {reason}")]
    RolloutFailed {
        /// The service's name.
        service: String,
        /// ECS's words.
        reason: String,
    },
    /// Not steady within the time given.
    #[error("service `{service}` is not steady after {seconds} seconds: {running} of {desired} tasks run")]
    NotSteady {
        /// The service's name.
        service: String,
        /// How long was waited.
        seconds: u64,
        /// Tasks that run.
        running: u32,
        /// Tasks that shall run.
        desired: u32,
    },
    /// What was there a moment ago is not any more: somebody else is at work.
    #[error("{0} is gone; is somebody else deploying?")]
    Gone(String),
    /// Another deploy was faster.
    #[error("another deploy of stack `{0}` is in progress")]
    Overtaken(String),
    /// The stack or the thing in it is not there.
    #[error("{0}")]
    Missing(String),
}

type Result<T> = std::result::Result<T, OpsError>;
