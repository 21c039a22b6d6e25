//! What CloudFormation remembers: stacks, their resources and events, change sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::template::dynamic;
use crate::base::tags::Tag;

mod change_set;
mod deleted;
mod event;
mod resource;
mod secrets;
mod state;

pub use change_set::{ChangeSet, Planned};
pub use event::Event;
pub use resource::{Incarnation, Resource};
pub use secrets::{MASK, mask_hidden, mask_text, without_hidden_values};
pub use state::State;

/// A parameter's value; of an SSM parameter type, also what it stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its key in the template.
    pub key: String,
    /// What was given, or the default.
    pub value: String,
    /// What an SSM parameter of that name holds.
    pub resolved: Option<String>,
    /// Whether it is hidden in answers.
    pub no_echo: bool,
}

/// What a stack is made of: everything that an update replaces as a whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Definition {
    /// The template, with its transforms carried out.
    pub template_body: String,
    /// The template as it was given, when a transform made another of it.
    #[serde(default)]
    pub original_body: Option<String>,
    /// What its dynamic references to SSM parameters stand for.
    #[serde(default)]
    pub dynamic: dynamic::Values,
    /// The parameters, in the template's order.
    pub parameters: Vec<Parameter>,
    /// The stack's tags.
    pub tags: Vec<Tag>,
    /// The capabilities that were acknowledged.
    pub capabilities: Vec<String>,
    /// The change set that brought it.
    pub change_set_id: Option<String>,
    /// What to do when a creation fails.
    pub on_failure: OnFailure,
    /// Whether a rollback also deletes what the operation made and the template retains.
    #[serde(default)]
    pub retain_except_on_create: bool,
    /// The role that CloudFormation was asked to act as.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// The topics that were to be told of events.
    #[serde(default)]
    pub notification_arns: Vec<String>,
}

impl Definition {
    /// The template as it was given.
    pub fn original_template(&self) -> &str {
        self.original_body.as_ref().unwrap_or(&self.template_body)
    }
}

/// What happens to a stack whose operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnFailure {
    /// Everything is taken back.
    #[default]
    Rollback,
    /// A stack that could not be created is deleted.
    Delete,
    /// It stays as it is.
    DoNothing,
}

/// The requests that begin an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// `CreateStack`.
    CreateStack,
    /// `UpdateStack`.
    UpdateStack,
    /// `ExecuteChangeSet`.
    ExecuteChangeSet,
    /// `DeleteStack`.
    DeleteStack,
    /// Those that take a stack back.
    Rollback,
}

/// An output of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its key in the template.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What it is.
    pub description: Option<String>,
    /// The name that other stacks import it by.
    pub export: Option<String>,
}

/// A stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name: unique among the stacks that are not deleted.
    pub name: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
    /// Why it has that status.
    pub status_reason: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last updated.
    pub updated: Option<Timestamp>,
    /// When its deletion began.
    pub deleted: Option<Timestamp>,
    /// What it is made of, or is becoming.
    pub definition: Definition,
    /// What it was made of before the update that is under way.
    pub previous: Option<Definition>,
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// The exports of other stacks that it uses.
    pub imports: Vec<String>,
    /// The exports of other stacks that the operation under way uses.
    #[serde(default)]
    pub importing: Vec<String>,
    /// Whether it refuses to be deleted.
    pub termination_protection: bool,
    /// Resources that the deletion under way leaves where they are.
    pub retain: Vec<String>,
    /// The token of the request that began the operation under way.
    pub client_request_token: Option<String>,
    /// The kind of that request.
    #[serde(default)]
    pub requested: Option<Request>,
    /// How many minutes the creation may take.
    #[serde(default)]
    pub timeout_minutes: Option<u32>,
    /// Resources that the rollback under way takes as restored.
    #[serde(default)]
    pub skip: Vec<String>,
    /// The description of its template, where an earlier version deleted it and forgot the template.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether it is deleted, and forgotten as far as it need not be told of any more.
    #[serde(default)]
    pub is_buried: bool,
}

impl Stack {
    /// Whether it is gone: deleted stacks are only found by their id.
    pub fn is_deleted(&self) -> bool {
        self.status == "DELETE_COMPLETE"
    }

    /// Whether the operation that was begun last is the one that a request with this token asks for: then the request is a
    /// repetition, and is answered as it was before.
    pub fn has_begun(&self, request: Request, token: Option<&str>) -> bool {
        token.is_some() && self.client_request_token.as_deref() == token && self.requested == Some(request)
    }
}
