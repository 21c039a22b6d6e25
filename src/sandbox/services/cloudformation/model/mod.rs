//! What CloudFormation remembers: stacks, their resources and events, change sets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::template::dynamic;
use crate::sandbox::world::clock::iso8601;

mod deleted;
mod state;

pub use state::State;

/// A tag of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

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
    /// Whether it refuses to be deleted.
    pub termination_protection: bool,
    /// Resources that the deletion under way leaves where they are.
    pub retain: Vec<String>,
    /// The token of the request that began the operation under way.
    pub client_request_token: Option<String>,
    /// How many minutes the creation may take.
    #[serde(default)]
    pub timeout_minutes: Option<u32>,
    /// The policy that says what updates may change.
    #[serde(default)]
    pub policy: Option<String>,
    /// The policy in its place for the update under way.
    #[serde(default)]
    pub policy_during_update: Option<String>,
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
}

/// A physical resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Its type.
    pub kind: String,
    /// Its id, which is also what `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
    /// The resolved properties that it was made with.
    pub properties: Value,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
    /// Why it has that status.
    pub reason: Option<String>,
    /// When its status changed.
    pub changed: Timestamp,
    /// What there is of it.
    pub current: Option<Incarnation>,
    /// What there was of it before the update that is under way touched it.
    pub previous: Option<Incarnation>,
    /// Physical resources that the clean-up has to delete.
    pub garbage: Vec<Incarnation>,
    /// The resources that have to be there before it.
    pub depends_on: Vec<String>,
    /// What deletion does: `Delete`, `Retain` or `RetainExceptOnCreate`.
    pub deletion_policy: String,
    /// What replacement does with the old one: `Delete` or `Retain`.
    pub update_replace_policy: String,
    /// Its resolved `Metadata`.
    pub metadata: Value,
    /// Whether its creation has begun and is not known to have ended: it may be half there.
    #[serde(default)]
    pub half_made: bool,
    /// Whether the operation under way made it.
    #[serde(default)]
    pub is_new: bool,
}

impl Resource {
    /// A new physical resource takes the place of the current one, which the clean-up deletes unless the template keeps it.
    pub fn become_made(&mut self, new: Incarnation) {
        let old = self.current.replace(new);
        if let Some(old) = old.filter(|old| self.current.as_ref().is_some_and(|new| new.physical_id != old.physical_id))
            && self.update_replace_policy == "Delete"
            && !self.garbage.contains(&old)
        {
            self.garbage.push(old);
        }
    }

    /// Whether the deletion of the stack, or its own removal from the template, leaves it where it is.
    pub fn is_retained(&self) -> bool {
        matches!(self.deletion_policy.as_str(), "Retain" | "RetainExceptOnCreate")
    }
}

/// A stack event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// When it happened.
    pub time: Timestamp,
    /// The resource's name in the template, or the stack's.
    pub logical_id: String,
    /// The physical id; empty before there is one.
    pub physical_id: String,
    /// The resource's type.
    pub kind: String,
    /// The new status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// The resolved properties.
    pub properties: Option<String>,
    /// The token of the operation's request.
    pub client_request_token: Option<String>,
}

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
    /// `CREATE_COMPLETE` or `FAILED`.
    pub status: String,
    /// Why it has that status.
    pub status_reason: Option<String>,
    /// Such as `AVAILABLE`.
    pub execution_status: String,
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

impl Event {
    /// The event in the form of an answer.
    pub fn described(&self, stack_id: &str, stack_name: &str) -> Value {
        json!({
            "StackId": stack_id,
            "EventId": self.id,
            "StackName": stack_name,
            "LogicalResourceId": self.logical_id,
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.kind,
            "Timestamp": iso8601(self.time),
            "ResourceStatus": self.status,
            "ResourceStatusReason": self.reason,
            "ResourceProperties": self.properties,
            "ClientRequestToken": self.client_request_token,
        })
    }
}
