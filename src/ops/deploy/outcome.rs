//! How the deploy of each stack ended.

use super::events::Operation;
use crate::model::Stack;
use crate::ops::OpsError;
use crate::stack::Template;

/// A stack that was deployed, or for which a change set was prepared.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The stack as it is now.
    pub stack: Stack,
    /// What it was deployed from.
    pub template: Template,
    pub result: DeployResult,
}

/// What a deploy did with a stack that is as desired now, or has a change set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DeployResult {
    /// There was nothing to change.
    NoChanges,
    /// A change set was prepared, and nothing was changed.
    ChangeSetPrepared,
    /// The operation was carried out, in this many seconds.
    Done(Operation, f64),
}

/// How a stack ended. `E` is the error of the command that deploys.
#[derive(Debug)]
pub enum StackOutcome<E> {
    /// It is as desired.
    Deployed(Box<Deployed>),
    /// Its deploy failed.
    Failed(E),
    /// The user did not approve its changes, and it was not changed.
    NotApproved(E),
    /// The checks before the first change found that this deploy cannot work; nothing was changed.
    Rejected(E),
    /// It was not started, because this stack was not deployed.
    Skipped(String),
    /// It was not started, because the deploy was interrupted.
    NotStarted,
}

impl<E> StackOutcome<E> {
    /// The error, if there is one.
    pub fn error(self) -> Option<E> {
        match self {
            Self::Failed(error) | Self::NotApproved(error) | Self::Rejected(error) => Some(error),
            Self::Deployed(_) | Self::Skipped(_) | Self::NotStarted => None,
        }
    }
}

/// Why a stack was not deployed.
#[derive(Debug)]
pub(super) enum Failure<E> {
    Failed(E),
    NotApproved(E),
    Rejected(E),
}

impl<E: From<OpsError>> From<OpsError> for Failure<E> {
    fn from(error: OpsError) -> Self {
        Self::Failed(error.into())
    }
}

impl<E> From<Result<Deployed, Failure<E>>> for StackOutcome<E> {
    fn from(result: Result<Deployed, Failure<E>>) -> Self {
        match result {
            Ok(deployed) => Self::Deployed(Box::new(deployed)),
            Err(Failure::Failed(error)) => Self::Failed(error),
            Err(Failure::NotApproved(error)) => Self::NotApproved(error),
            Err(Failure::Rejected(error)) => Self::Rejected(error),
        }
    }
}
