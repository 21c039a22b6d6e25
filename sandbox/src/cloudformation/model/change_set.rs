//! Change sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChangeSetStatus, ExecutionStatus, OnFailure, StackDefinition, State};

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

/// How many executed change sets of a stack are kept. AWS describes them by their ARNs, also once the stack is deleted (recorded:
/// localstack's test_name_conflicts).
const MAX_EXECUTED: usize = 5;

impl State {
    /// The latest change set of a stack with a name.
    pub(crate) fn change_set(&self, stack_id: &str, name: &str) -> Option<&ChangeSet> {
        let has_name = |change_set: &&ChangeSet| change_set.stack_id == stack_id && change_set.name == name;
        self.change_sets.values().filter(has_name).max_by_key(|change_set| change_set.created)
    }

    /// Makes room for another change set of a stack.
    pub(crate) fn remove_oldest_executed(&mut self, stack_id: &str) {
        let of_stack = self.change_sets.values().filter(|change_set| change_set.stack_id == stack_id);
        let executed = of_stack.filter(|change_set| change_set.execution_status.is_executed());
        let mut executed: Vec<_> = executed.map(|change_set| (change_set.created, change_set.id.clone())).collect();
        executed.sort_unstable();
        let surplus = (executed.len() + 1).saturating_sub(MAX_EXECUTED);
        for (_, id) in executed.drain(..surplus) {
            self.change_sets.remove(&id);
        }
    }
}
