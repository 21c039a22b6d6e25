//! What CloudFormation remembers: stacks, their resources and events, change sets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::template::dynamic;
use crate::sandbox::world::clock::iso8601;
use crate::sandbox::world::table::state;

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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// What deletion does: `Delete` or `Retain`.
    pub deletion_policy: String,
    /// What replacement does with the old one: `Delete` or `Retain`.
    pub update_replace_policy: String,
    /// Its `Metadata`, as the template has it.
    pub metadata: Value,
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
    /// What would change, in the form of the answer.
    pub changes: Vec<Value>,
}

state! {
    /// What the service remembers.
    pub struct State {
        /// Stacks by ARN.
        pub stacks: Table<Stack> = "cloudformation.stacks",
        /// Resources by `stack ARN|logical id`.
        pub resources: Table<Resource> = "cloudformation.resources",
        /// Events by `stack ARN|number`.
        pub events: Table<Event> = "cloudformation.events",
        /// Change sets by ARN.
        pub change_sets: Table<ChangeSet> = "cloudformation.change_sets",
    }
}

impl State {
    /// The stack of an ARN, or the one of a name that is not deleted.
    pub fn find(&self, name_or_id: &str) -> Option<&Stack> {
        self.stacks
            .get(name_or_id)
            .or_else(|| self.stacks.values().find(|stack| stack.name == name_or_id && !stack.is_deleted()))
    }

    /// A stack's resources by logical id.
    pub fn resources_of(&self, stack_id: &str) -> BTreeMap<String, Resource> {
        let rows = self.resources.with_prefix(stack_id).filter(|(key, _)| key[stack_id.len()..].starts_with('|'));
        rows.map(|(_, resource)| (resource.logical_id.clone(), resource.clone())).collect()
    }

    /// The stack that exports a name, and the value.
    pub fn export(&self, name: &str) -> Option<(&Stack, &str)> {
        self.stacks.values().filter(|stack| !stack.is_deleted()).find_map(|stack| {
            let output = stack.outputs.iter().find(|output| output.export.as_deref() == Some(name))?;
            Some((stack, output.value.as_str()))
        })
    }

    /// The names of the stacks that use an export.
    pub fn importers(&self, export: &str) -> Vec<&str> {
        let live = self.stacks.values().filter(|stack| !stack.is_deleted());
        live.filter(|stack| stack.imports.iter().any(|name| name == export)).map(|stack| stack.name.as_str()).collect()
    }

    /// Notes an event at the end of a stack's events.
    pub fn add_event(&mut self, stack_id: &str, event: Event) {
        let number = self.events.with_prefix(stack_id).count();
        self.events.insert(format!("{stack_id}|{number:08}"), event);
    }

    /// Gives a stack a status, with its event.
    pub fn set_status(&mut self, stack_id: &str, status: &str, reason: Option<String>, time: Timestamp) {
        let Some(stack) = self.stacks.get_mut(stack_id) else { return };
        status.clone_into(&mut stack.status);
        stack.status_reason.clone_from(&reason);
        let event = Event {
            id: crate::sandbox::world::ids::uuid(),
            time,
            logical_id: stack.name.clone(),
            physical_id: stack.id.clone(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_owned(),
            reason,
            properties: None,
            client_request_token: stack.client_request_token.clone(),
        };
        self.add_event(stack_id, event);
    }

    /// Stores a resource, with the event of its status; `properties` are those that the event tells.
    pub fn set_resource(&mut self, stack_id: &str, resource: Resource, properties: Option<&Value>) {
        let millis = resource.changed.as_millisecond();
        let event = Event {
            id: format!("{}-{}-{millis}", resource.logical_id, resource.status),
            time: resource.changed,
            logical_id: resource.logical_id.clone(),
            physical_id: resource.current.as_ref().map_or_else(String::new, |current| current.physical_id.clone()),
            kind: resource.kind.clone(),
            status: resource.status.clone(),
            reason: resource.reason.clone(),
            properties: properties
                .or(resource.current.as_ref().map(|current| &current.properties))
                .map(Value::to_string),
            client_request_token: self.stacks.get(stack_id).and_then(|stack| stack.client_request_token.clone()),
        };
        self.add_event(stack_id, event);
        self.keep_resource(stack_id, resource);
    }

    /// Stores a resource without an event.
    pub fn keep_resource(&mut self, stack_id: &str, resource: Resource) {
        self.resources.insert(format!("{stack_id}|{}", resource.logical_id), resource);
    }
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
