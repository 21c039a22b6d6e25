//! Change sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OnFailure;
use super::{ChangeSetStatus, ExecutionStatus, StackDefinition};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChangeSet {
    /// The ARN.
    pub id: String,
    /// The name, unique in its stack.
    pub name: String,
    /// The stack's ARN.
    pub stack_id: String,
    pub stack_name: String,
    /// `Description`, as the request has it.
    pub description: Option<String>,
    /// Whether its execution creates the stack.
    pub creates: bool,
    /// Whether it could be created.
    pub status: ChangeSetStatus,
    /// Why it has that status.
    pub status_reason: Option<String>,
    /// Whether it can be executed.
    pub execution_status: ExecutionStatus,
    /// When it was created.
    pub created: Timestamp,
    /// The stack's definition once it is executed.
    pub definition: StackDefinition,
    /// The changes, as responses list them.
    pub planned: ChangeList,
    /// `OnStackFailure`, as the request has it.
    pub on_stack_failure: Option<OnFailure>,
    /// `IncludeNestedStacks`, as the request has it.
    pub include_nested_stacks: bool,
}

/// The changes of a change set, in the two forms of `DescribeChangeSet`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ChangeList {
    /// Without property values.
    #[serde(rename = "plain")]
    pub without_values: Vec<Value>,
    /// With `IncludePropertyValues`.
    #[serde(rename = "full")]
    pub with_values: Vec<Value>,
    /// Why property values may be incomplete.
    pub warning: Option<String>,
}
