//! CloudFormation change sets.

use jiff::Timestamp;

/// The type of a change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSetKind {
    /// Create the stack.
    Create,
    Update,
}

/// A change set as DescribeChangeSet returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    pub arn: String,
    /// Status: `CREATE_COMPLETE`, `FAILED`, …
    pub status: String,
    /// StatusReason.
    pub reason: Option<String>,
    /// ExecutionStatus: `AVAILABLE`, `EXECUTE_IN_PROGRESS`, …
    pub execution_status: String,
    /// The resources that it changes.
    pub changes: Vec<PlannedChange>,
}

/// A change set as ListChangeSets returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetSummary {
    pub name: String,
    pub arn: String,
    /// CreationTime.
    pub created: Option<Timestamp>,
    /// ExecutionStatus: `AVAILABLE`, `EXECUTE_COMPLETE`, …
    pub execution_status: String,
}

/// A resource's change in a change set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlannedChange {
    /// LogicalResourceId.
    pub logical_id: String,
    /// Replacement: `True`, `False` or `Conditional`.
    pub replacement: Option<String>,
    /// The properties that change, with RequiresRecreation: `Always`, `Conditionally` or `Never`.
    pub properties: Vec<(String, String)>,
    /// The properties that change in the template itself: ChangeSource DirectModification.
    pub direct: Vec<String>,
}

impl ChangeSet {
    /// Whether it failed because there is nothing to change, for which CloudFormation has two messages.
    pub fn is_empty(&self) -> bool {
        self.status == "FAILED"
            && self.reason.as_deref().is_some_and(|reason| {
                reason.starts_with("The submitted information didn't contain changes.")
                    || reason.starts_with("No updates are to be performed")
            })
    }
}
