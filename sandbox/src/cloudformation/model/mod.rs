//! The stored state of CloudFormation: stacks, their resources and events, change sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::template::dynamic_references;
use crate::base::tags::Tag;

mod change_set;
mod deleted;
mod event;
mod no_echo;
mod resource;
mod state;
mod status;

pub(crate) use change_set::{ChangeList, ChangeSet};
pub(crate) use event::StackEvent;
pub(crate) use no_echo::{MASK, mask_fault, mask_hidden, mask_text};
pub(crate) use resource::{DeletionPolicy, PhysicalResource, Resource};
pub(crate) use state::State;
pub(crate) use status::{ChangeSetStatus, ExecutionStatus, ResourceAction, ResourceStatus, StackStatus};

/// A template parameter with its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TemplateParameter {
    /// The key in the template.
    pub key: String,
    /// The given value, or the default.
    pub value: String,
    /// For an SSM parameter type, the value of the SSM parameter.
    pub resolved: Option<String>,
    /// Whether responses, events and logs hide the value.
    pub no_echo: bool,
}

/// The definition of a stack: everything that an update replaces as a whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct StackDefinition {
    /// The template after its transforms.
    pub template_body: String,
    /// The template before its transforms, where it has any.
    #[serde(default)]
    pub original_body: Option<String>,
    /// The values of its dynamic references to SSM parameters.
    #[serde(default)]
    pub dynamic: dynamic_references::ResolvedReferences,
    /// The parameters, in the template's order.
    pub parameters: Vec<TemplateParameter>,
    /// The stack's tags.
    pub tags: Vec<Tag>,
    /// The acknowledged capabilities.
    pub capabilities: Vec<String>,
    /// The change set that it comes from.
    pub change_set_id: Option<String>,
    /// What follows when its operation fails.
    pub on_failure: OnFailure,
    /// `RetainExceptOnCreate`: whether a rollback also deletes new resources that the template retains.
    #[serde(default)]
    pub retain_except_on_create: bool,
    /// The service role.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// The notification topics; the sandbox sends nothing to them.
    #[serde(default)]
    pub notification_arns: Vec<String>,
}

impl StackDefinition {
    /// The template before its transforms.
    pub(crate) fn original_template(&self) -> &str {
        self.original_body.as_ref().unwrap_or(&self.template_body)
    }

    pub(crate) fn parameter(&self, key: &str) -> Option<&TemplateParameter> {
        self.parameters.iter().find(|parameter| parameter.key == key)
    }
}

/// What follows when an operation on a stack fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum OnFailure {
    /// The operation is rolled back.
    #[default]
    #[serde(alias = "ROLLBACK")]
    Rollback,
    /// A stack that could not be created is deleted.
    #[serde(alias = "DELETE")]
    Delete,
    /// The stack and its resources stay as they are.
    #[serde(alias = "DO_NOTHING")]
    DoNothing,
}

impl OnFailure {
    /// The value of `OnFailure` and `OnStackFailure`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Rollback => "ROLLBACK",
            Self::Delete => "DELETE",
            Self::DoNothing => "DO_NOTHING",
        }
    }
}

/// The requests that begin an operation on a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StackRequest {
    CreateStack,
    UpdateStack,
    ExecuteChangeSet,
    DeleteStack,
    /// `RollbackStack`, `ContinueUpdateRollback` or `CancelUpdateStack`.
    Rollback,
}

/// An operation on a stack, as `LastOperations` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackOperation {
    pub id: String,
    pub operation_type: OperationType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum OperationType {
    CreateStack,
    UpdateStack,
    DeleteStack,
    /// `RollbackStack`.
    Rollback,
    /// `ContinueUpdateRollback`.
    ContinueRollback,
}

impl StackRequest {
    /// The operation that the request begins on a stack of this status; `None` if it changes the operation in progress.
    pub(crate) fn operation_type(self, status: StackStatus) -> Option<OperationType> {
        match (self, status) {
            (Self::CreateStack, _) | (Self::ExecuteChangeSet, StackStatus::ReviewInProgress) => {
                Some(OperationType::CreateStack)
            }
            (Self::UpdateStack | Self::ExecuteChangeSet, _) => Some(OperationType::UpdateStack),
            (Self::DeleteStack, _) => Some(OperationType::DeleteStack),
            (Self::Rollback, StackStatus::UpdateRollbackFailed) => Some(OperationType::ContinueRollback),
            (Self::Rollback, StackStatus::UpdateInProgress) => None,
            (Self::Rollback, _) => Some(OperationType::Rollback),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackOutput {
    /// The key in the template.
    pub key: String,
    pub value: String,
    /// The description in the template.
    pub description: Option<String>,
    /// The name under which other stacks import it.
    pub export: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stack {
    /// The ARN.
    pub id: String,
    /// The name, unique among the stacks that are not deleted.
    pub name: String,
    /// The status of its latest operation.
    pub status: StackStatus,
    /// Why it has that status.
    pub status_reason: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When its latest update began.
    pub updated: Option<Timestamp>,
    /// When its deletion began.
    pub deleted: Option<Timestamp>,
    /// The current definition; during an operation, the one that it establishes.
    pub definition: StackDefinition,
    /// The definition before the update in progress, for its rollback.
    pub previous: Option<StackDefinition>,
    pub outputs: Vec<StackOutput>,
    /// The exports of other stacks that it uses.
    pub imports: Vec<String>,
    /// The exports of other stacks that the operation in progress uses.
    #[serde(default, rename = "importing")]
    pub pending_imports: Vec<String>,
    /// Whether it cannot be deleted.
    pub termination_protection: bool,
    /// `RetainResources` of the deletion in progress.
    #[serde(rename = "retain")]
    pub retain_resources: Vec<String>,
    /// The token of the request that began the latest operation.
    pub client_request_token: Option<String>,
    /// The request that began the latest operation.
    #[serde(default, rename = "requested")]
    pub started_by: Option<StackRequest>,
    /// The latest operation; `None` of a stack in review, and of one from an earlier version of the sandbox.
    #[serde(default)]
    pub last_operation: Option<StackOperation>,
    /// `TimeoutInMinutes` of its creation.
    #[serde(default)]
    pub timeout_minutes: Option<u32>,
    /// `ResourcesToSkip` of the rollback in progress.
    #[serde(default, rename = "skip")]
    pub resources_to_skip: Vec<String>,
    /// The description of a template that an earlier version of the sandbox did not keep.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it is deleted, and reduced to what lists and descriptions show of deleted stacks.
    #[serde(rename = "is_buried", default)]
    pub is_compacted: bool,
}

impl Stack {
    /// Whether it is deleted: deleted stacks are only found by their ARN.
    pub(crate) fn is_deleted(&self) -> bool {
        self.status == StackStatus::DeleteComplete
    }

    /// Whether a request with this token began the latest operation: then it is a retry, and gets the same response.
    pub(crate) fn was_started_by(&self, request: StackRequest, token: Option<&str>) -> bool {
        token.is_some() && self.client_request_token.as_deref() == token && self.started_by == Some(request)
    }
}
