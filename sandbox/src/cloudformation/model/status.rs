//! The statuses of stacks, of their resources and of change sets. Responses and the store contain AWS's text of each.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StackStatus {
    CreateInProgress,
    CreateFailed,
    CreateComplete,
    RollbackInProgress,
    RollbackFailed,
    RollbackComplete,
    DeleteInProgress,
    DeleteFailed,
    DeleteComplete,
    UpdateInProgress,
    UpdateCompleteCleanupInProgress,
    UpdateComplete,
    UpdateFailed,
    UpdateRollbackInProgress,
    UpdateRollbackFailed,
    UpdateRollbackCompleteCleanupInProgress,
    UpdateRollbackComplete,
    ReviewInProgress,
    ImportInProgress,
    ImportComplete,
    ImportRollbackInProgress,
    ImportRollbackFailed,
    ImportRollbackComplete,
}

impl StackStatus {
    /// Whether the engine works on a stack of this status. A stack in review waits for its change set to be executed.
    pub(crate) fn is_in_progress(self) -> bool {
        matches!(
            self,
            Self::CreateInProgress
                | Self::RollbackInProgress
                | Self::DeleteInProgress
                | Self::UpdateInProgress
                | Self::UpdateCompleteCleanupInProgress
                | Self::UpdateRollbackInProgress
                | Self::UpdateRollbackCompleteCleanupInProgress
                | Self::ImportInProgress
                | Self::ImportRollbackInProgress
        )
    }

    /// Whether an update, its rollback or its clean-up is in progress: such a stack cannot be deleted.
    pub(crate) fn is_updating(self) -> bool {
        self.is_cleanup() || matches!(self, Self::UpdateInProgress | Self::UpdateRollbackInProgress)
    }

    /// Whether resources that an update replaced or removed are being deleted.
    pub(crate) fn is_cleanup(self) -> bool {
        matches!(self, Self::UpdateCompleteCleanupInProgress | Self::UpdateRollbackCompleteCleanupInProgress)
    }

    /// Whether a failed operation is being undone, clean-up included.
    pub(crate) fn is_rollback(self) -> bool {
        matches!(
            self,
            Self::RollbackInProgress
                | Self::UpdateRollbackInProgress
                | Self::UpdateRollbackCompleteCleanupInProgress
                | Self::ImportRollbackInProgress
        )
    }

    /// Whether the last operation failed, or its rollback did.
    pub(crate) fn is_failed(self) -> bool {
        matches!(
            self,
            Self::CreateFailed
                | Self::RollbackFailed
                | Self::DeleteFailed
                | Self::UpdateFailed
                | Self::UpdateRollbackFailed
                | Self::ImportRollbackFailed
        )
    }

    /// The status after an operation of this status, where it cannot continue. A clean-up that fails ends like one that succeeds.
    #[must_use]
    pub(crate) fn on_failure(self) -> Self {
        match self {
            Self::CreateInProgress => Self::CreateFailed,
            Self::RollbackInProgress => Self::RollbackFailed,
            Self::UpdateInProgress => Self::UpdateFailed,
            Self::UpdateRollbackInProgress => Self::UpdateRollbackFailed,
            Self::UpdateCompleteCleanupInProgress | Self::UpdateRollbackCompleteCleanupInProgress => {
                self.after_cleanup()
            }
            _ => Self::DeleteFailed,
        }
    }

    /// The status after a clean-up.
    #[must_use]
    pub(crate) fn after_cleanup(self) -> Self {
        if self == Self::UpdateCompleteCleanupInProgress { Self::UpdateComplete } else { Self::UpdateRollbackComplete }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceStatus {
    CreateInProgress,
    CreateFailed,
    CreateComplete,
    UpdateInProgress,
    UpdateFailed,
    UpdateComplete,
    DeleteInProgress,
    DeleteFailed,
    DeleteComplete,
    DeleteSkipped,
}

impl ResourceStatus {
    /// Whether the resource is being created, updated or deleted.
    pub fn is_in_progress(self) -> bool {
        matches!(self, Self::CreateInProgress | Self::UpdateInProgress | Self::DeleteInProgress)
    }

    /// Whether the last operation on the resource failed.
    pub fn is_failed(self) -> bool {
        matches!(self, Self::CreateFailed | Self::UpdateFailed | Self::DeleteFailed)
    }

    /// Whether the last operation on the resource succeeded.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::CreateComplete | Self::UpdateComplete | Self::DeleteComplete)
    }

    /// Whether an update has begun and has not succeeded.
    pub fn is_update_unfinished(self) -> bool {
        matches!(self, Self::UpdateInProgress | Self::UpdateFailed)
    }

    /// Whether the resource is being deleted, or was to be.
    pub fn is_deletion(self) -> bool {
        self.is_removed() || matches!(self, Self::DeleteInProgress | Self::DeleteFailed)
    }

    /// Whether the resource no longer belongs to its stack: deleted, or retained.
    pub fn is_removed(self) -> bool {
        matches!(self, Self::DeleteComplete | Self::DeleteSkipped)
    }

    /// The action that the status belongs to.
    pub fn action(self) -> ResourceAction {
        match self {
            Self::UpdateInProgress | Self::UpdateFailed | Self::UpdateComplete => ResourceAction::Update,
            _ => ResourceAction::Create,
        }
    }
}

/// What an operation on a stack does with a resource that the template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceAction {
    /// Creates a resource that is new to the stack.
    Create,
    /// Updates one, or replaces its physical resource.
    Update,
}

impl ResourceAction {
    /// The resource's status meanwhile.
    pub fn in_progress(self) -> ResourceStatus {
        match self {
            Self::Create => ResourceStatus::CreateInProgress,
            Self::Update => ResourceStatus::UpdateInProgress,
        }
    }

    /// The resource's status after a failure.
    pub fn failed(self) -> ResourceStatus {
        match self {
            Self::Create => ResourceStatus::CreateFailed,
            Self::Update => ResourceStatus::UpdateFailed,
        }
    }

    /// The resource's status after a success.
    pub fn complete(self) -> ResourceStatus {
        match self {
            Self::Create => ResourceStatus::CreateComplete,
            Self::Update => ResourceStatus::UpdateComplete,
        }
    }
}

/// Whether a change set could be created. It is computed before the response, so none is ever in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ChangeSetStatus {
    CreateComplete,
    Failed,
}

/// Whether a change set can be, or was, executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum ExecutionStatus {
    Unavailable,
    Available,
    ExecuteInProgress,
    ExecuteComplete,
    ExecuteFailed,
    Obsolete,
}

impl ExecutionStatus {
    /// Whether the change set's execution has ended.
    pub(crate) fn is_executed(self) -> bool {
        matches!(self, Self::ExecuteComplete | Self::ExecuteFailed)
    }
}

/// AWS's text of a status is what serde writes for it.
macro_rules! display_as_serialized {
    ($($Status:ty),*) => {$(
        impl fmt::Display for $Status {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.serialize(formatter)
            }
        }
    )*};
}
display_as_serialized!(StackStatus, ResourceStatus, ChangeSetStatus, ExecutionStatus);
