//! The error of an operation.

use std::time::Duration;

use jiff::SignedDuration;

use super::{LookUpError, Operation, StoppedTasks};
use crate::aws::AwsError;
use crate::diagnostic::Diagnostic;
use crate::model::StackStatus;
use crate::stack::{Environment, TemplateParseError};

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// A call to AWS failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A call failed while an operation was followed, which continues.
    #[error("cannot follow stack `{stack}` any more: {error}")]
    FollowInterrupted {
        stack: String,
        operation: Operation,
        #[source]
        error: Box<AwsError>,
    },
    /// The stack ended in an unexpected state.
    #[error("stack `{stack}` is {status}{}{}", if reasons.is_empty() { "" } else { "\n  " }, reasons.join("\n  "))]
    StackFailed {
        stack: String,
        /// Its status now.
        status: StackStatus,
        /// The resources that failed and why, in the order in which it happened.
        reasons: Vec<String>,
        /// The tasks that stopped meanwhile.
        stopped_tasks: Vec<StoppedTasks>,
    },
    /// The operation exceeded its time limit.
    #[error("the operation on stack `{stack}` exceeded its time limit of {}; the stack is {status}", in_words(*limit))]
    TimedOut {
        stack: String,
        limit: Duration,
        /// Its status now.
        status: StackStatus,
        /// The tasks that stopped meanwhile.
        stopped_tasks: Vec<StoppedTasks>,
    },
    /// The change set could not be made.
    #[error("CloudFormation rejected the change set of stack `{stack}`: {reason}")]
    ChangeSetFailed { stack: String, reason: String },
    /// The service's rollout failed although the stack did not.
    #[error("service `{service}`: its deployment failed: {reason}")]
    RolloutFailed {
        service: String,
        reason: String,
        /// The tasks that stopped meanwhile.
        stopped_tasks: Vec<StoppedTasks>,
    },
    /// The service did not come to run the count that was set in ECS.
    #[error("service `{service}` does not run {count} tasks: {reason}")]
    CountNotReached {
        service: String,
        /// The count that was set.
        count: u32,
        /// What happened instead.
        reason: String,
        /// The tasks that stopped meanwhile.
        stopped_tasks: Vec<StoppedTasks>,
    },
    /// Not steady within the time limit.
    #[error("service `{service}` is not steady after {}", in_words(*limit))]
    NotSteady {
        service: String,
        limit: Duration,
        /// Whether the user has set the limit.
        is_requested: bool,
        /// The tasks that stopped meanwhile.
        stopped_tasks: Vec<StoppedTasks>,
    },
    /// The service's deployment cannot be watched.
    #[error("cannot wait until service `{service}` is steady: {error}")]
    UnreadableService {
        service: String,
        #[source]
        error: Box<AwsError>,
    },
    /// Something disappeared during the operation: another user is changing the stack.
    #[error("{0} no longer exists; another deploy may be running")]
    Disappeared(String),
    /// Another deploy of the stack started first.
    #[error("another deploy of stack `{0}` is in progress")]
    ConcurrentDeploy(String),
    /// What GetTemplate returned is no template.
    #[error("the deployed template of stack `{stack}` cannot be read: {error}")]
    UnreadableTemplate {
        stack: String,
        /// What is wrong with it.
        #[source]
        error: TemplateParseError,
    },
    /// CloudFormation accepted an operation and never started it.
    #[error(
        "CloudFormation accepted the request to {operation} stack `{stack}`, but has not started; the stack is {status}"
    )]
    NeverStarted {
        stack: String,
        /// What was to be done, as a verb: "update".
        operation: &'static str,
        /// Its status, the same as before.
        status: StackStatus,
    },
    /// The checks before the first change found that the deploy cannot work.
    #[error("{}", rejections.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; "))]
    Rejected {
        /// The causes; none if they were reported for another stack.
        rejections: Vec<Diagnostic>,
    },
    /// The user did not approve a stack's changes.
    #[error("not approved; {stack} was not changed")]
    NotApproved { stack: String },
    /// The deploy was cancelled before the stack changed.
    #[error("interrupted; {stack} was not changed")]
    Interrupted { stack: String },
    /// An operation that was begun before is still in progress after the time limit.
    #[error("another operation on stack `{stack}` is still in progress after {}", in_words(*limit))]
    StillInProgress { stack: String, status: StackStatus, limit: Duration },
    /// The operation in progress cannot be cancelled.
    #[error("stack `{stack}` is {status}, which cannot be cancelled")]
    NotCancellable { stack: String, status: StackStatus },
    /// The update ended before it was cancelled.
    #[error("the update of stack `{stack}` ended before it could be cancelled")]
    TooLateToCancel { stack: String },
    /// CloudFormation cannot replace a resource if it must not roll back.
    #[error("stack `{stack}`: {} would be replaced, which CloudFormation refuses with --no-rollback", resources.join(", "))]
    ReplacementWithoutRollback {
        stack: String,
        /// The logical ids of the resources that would be replaced.
        resources: Vec<String>,
    },
    /// A parameter was given that the template does not have.
    #[error("the template of stack `{stack}` has no parameter `{key}`")]
    UnknownParameter { stack: String, key: String },
    /// A template could not be made.
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    /// The clients reach another account or region than `[target]`'s.
    #[error("this project is for {what} {expected}, but the {what} here is {actual}; nothing was changed")]
    WrongTarget {
        /// Which of them: account or region.
        what: &'static str,
        /// `[target]`'s.
        expected: String,
        /// The clients'.
        actual: String,
    },
    /// The clients reach another account or region than the one that a template is for.
    #[error(
        "this template is for account {}, {}, but the look-ups would be made in {}, {}",
        expected.account, expected.region, actual.account, actual.region
    )]
    WrongEnvironment {
        /// The template's.
        expected: Environment,
        /// The clients'.
        actual: Environment,
    },
    /// The service's containers have other names.
    #[error("stack `{stack}` has no container `{container}` with logs; it has {}", names.join(", "))]
    UnknownContainer { stack: String, container: String, names: Vec<String> },
    /// The stack, or a resource in it, does not exist.
    #[error("{message}")]
    Missing {
        message: String,
        /// The stack that it belongs to, when that is known.
        stack: Option<String>,
    },
}

impl OpsError {
    /// A stack, or a resource in it, that a deploy would create does not exist.
    pub(super) fn missing(stack: &str, message: String) -> Self {
        Self::Missing { message, stack: Some(stack.to_owned()) }
    }

    /// Whether a retry may succeed.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Aws(error) if error.is_transient())
    }

    /// Adds that an operation on this stack was being followed, and continues.
    pub(super) fn while_following(self, stack: &str, operation: Operation) -> Self {
        match self {
            Self::Aws(error) => {
                let (stack, error) = (stack.to_owned(), Box::new(error));
                Self::FollowInterrupted { stack, operation, error }
            }
            other => other,
        }
    }

    /// The tasks that stopped during the failed operation.
    pub fn stopped_tasks(&self) -> &[StoppedTasks] {
        match self {
            Self::StackFailed { stopped_tasks, .. }
            | Self::TimedOut { stopped_tasks, .. }
            | Self::RolloutFailed { stopped_tasks, .. }
            | Self::CountNotReached { stopped_tasks, .. }
            | Self::NotSteady { stopped_tasks, .. } => stopped_tasks,
            _ => &[],
        }
    }
}

/// `30s`, `1h 30m`: units as in `--timeout`.
fn in_words(time: Duration) -> String {
    SignedDuration::try_from(time).map_or_else(|_| format!("{time:?}"), |time| format!("{time:#}"))
}
