//! The statuses of CloudFormation's stacks and their resources.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a stack or of one of its resources, by CloudFormation's name: `CREATE_COMPLETE`, `UPDATE_ROLLBACK_IN_PROGRESS`, …
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StackStatus(String);

/// The state of a stack, as far as it decides what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StackState {
    /// It exists only for change sets: nothing has been created.
    InReview,
    /// It can be updated.
    Updatable,
    /// Its creation failed and was rolled back: it can only be deleted.
    FailedCreation,
    /// What failed was left as it is.
    Failed,
    RollbackFailed,
    /// Its deletion failed.
    DeleteFailed,
    /// An operation is in progress.
    InProgress,
}

impl StackStatus {
    /// CloudFormation's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an operation is in progress. A stack in review counts as one, because it has not been created.
    pub fn is_in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS")
    }

    /// Whether an operation has succeeded, a rollback included.
    pub fn is_complete(&self) -> bool {
        self.0.ends_with("_COMPLETE")
    }

    /// Whether an operation has failed.
    pub fn is_failed(&self) -> bool {
        self.0.ends_with("_FAILED")
    }

    /// Whether a rollback is in progress or has ended.
    pub fn is_rollback(&self) -> bool {
        self.0.contains("ROLLBACK")
    }

    /// Whether the stack or resource was deleted.
    pub fn is_deleted(&self) -> bool {
        self.0 == "DELETE_COMPLETE"
    }

    /// Whether a creation, update or import succeeded.
    pub fn is_success(&self) -> bool {
        matches!(self.0.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE")
    }

    /// Whether a rollback succeeded.
    pub fn is_rolled_back(&self) -> bool {
        matches!(self.0.as_str(), "ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE")
    }

    /// Whether an event with this status ends a step. Counts like cdk: the start of an update's clean-up is the end of a step.
    pub fn ends_step(&self) -> bool {
        self.is_complete() || self.0.ends_with("_COMPLETE_CLEANUP_IN_PROGRESS") || self.0 == "DELETE_SKIPPED"
    }

    /// Whether the creation of a stack in this state has succeeded.
    pub fn is_created(&self) -> bool {
        !matches!(self.0.as_str(), "REVIEW_IN_PROGRESS" | "CREATE_IN_PROGRESS" | "CREATE_FAILED")
            && !self.0.starts_with("ROLLBACK_")
            && !matches!(self.0.as_str(), "DELETE_IN_PROGRESS" | "DELETE_COMPLETE")
    }

    /// What can be done with a stack, by the table in CloudFormation's guide.
    pub(crate) fn state(&self) -> StackState {
        match self.0.as_str() {
            "REVIEW_IN_PROGRESS" => StackState::InReview,
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => StackState::FailedCreation,
            "CREATE_FAILED" | "UPDATE_FAILED" => StackState::Failed,
            "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" => StackState::RollbackFailed,
            "DELETE_FAILED" => StackState::DeleteFailed,
            _ if self.is_in_progress() => StackState::InProgress,
            _ => StackState::Updatable,
        }
    }
}

impl From<&str> for StackStatus {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl PartialEq<str> for StackStatus {
    fn eq(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl PartialEq<&str> for StackStatus {
    fn eq(&self, name: &&str) -> bool {
        self.0 == *name
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_stack_has_its_row() {
        // Every value of StackStatus in CloudFormation's model.
        for (status, expected) in [
            ("CREATE_COMPLETE", StackState::Updatable),
            ("CREATE_FAILED", StackState::Failed),
            ("CREATE_IN_PROGRESS", StackState::InProgress),
            ("DELETE_FAILED", StackState::DeleteFailed),
            ("DELETE_IN_PROGRESS", StackState::InProgress),
            ("IMPORT_COMPLETE", StackState::Updatable),
            ("IMPORT_IN_PROGRESS", StackState::InProgress),
            ("IMPORT_ROLLBACK_COMPLETE", StackState::Updatable),
            ("IMPORT_ROLLBACK_FAILED", StackState::RollbackFailed),
            ("IMPORT_ROLLBACK_IN_PROGRESS", StackState::InProgress),
            ("REVIEW_IN_PROGRESS", StackState::InReview),
            ("ROLLBACK_COMPLETE", StackState::FailedCreation),
            ("ROLLBACK_FAILED", StackState::FailedCreation),
            ("ROLLBACK_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_COMPLETE", StackState::Updatable),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_FAILED", StackState::Failed),
            ("UPDATE_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_ROLLBACK_COMPLETE", StackState::Updatable),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_ROLLBACK_FAILED", StackState::RollbackFailed),
            ("UPDATE_ROLLBACK_IN_PROGRESS", StackState::InProgress),
        ] {
            assert_eq!(StackStatus::from(status).state(), expected, "{status}");
        }
    }
}
