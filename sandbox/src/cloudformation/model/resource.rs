//! The resources of stacks, and what there physically is of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ResourceStatus;

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
    /// The properties as answers show them, where parameters with `NoEcho` went into them.
    #[serde(default)]
    pub masked: Option<Value>,
}

impl Incarnation {
    /// The properties as answers show them.
    pub fn shown(&self) -> &Value {
        self.masked.as_ref().unwrap_or(&self.properties)
    }
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// Where it is in its life.
    pub status: ResourceStatus,
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
    /// Physical resources that were replaced and stay where they are: the clean-up says so.
    #[serde(default)]
    pub kept: Vec<Incarnation>,
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
        let replaced = old.filter(|old| self.current.as_ref().is_some_and(|new| new.physical_id != old.physical_id));
        let left = if self.update_replace_policy == "Delete" { &mut self.garbage } else { &mut self.kept };
        left.extend(replaced.filter(|old| !left.contains(old)));
    }

    /// Whether the deletion of the stack, or its own removal from the template, leaves it where it is.
    pub fn is_retained(&self) -> bool {
        matches!(self.deletion_policy.as_str(), "Retain" | "RetainExceptOnCreate")
    }
}
