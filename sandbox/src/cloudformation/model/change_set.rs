//! Change sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChangeSetStatus, Definition, ExecutionStatus};

/// A change set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeSet {
    /// Its ARN.
    pub id: String,
    /// Its name: unique in its stack.
    pub name: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// The stack's name.
    pub stack_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it makes the stack.
    pub creates: bool,
    /// Whether it could be created.
    pub status: ChangeSetStatus,
    /// Why it has that status.
    pub status_reason: Option<String>,
    /// Whether it can be executed.
    pub execution_status: ExecutionStatus,
    /// When it was made.
    pub created: Timestamp,
    /// What the stack becomes.
    pub definition: Definition,
    /// What would change.
    pub planned: Planned,
    /// `OnStackFailure`, as it was given.
    pub on_stack_failure: Option<String>,
    /// Whether nested stacks were to be looked at too.
    pub include_nested_stacks: bool,
}

/// What would change, in the forms of the answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Planned {
    /// Without the values of properties.
    pub plain: Vec<Value>,
    /// With them.
    pub full: Vec<Value>,
    /// What the form with values cannot tell.
    pub warning: Option<String>,
}
