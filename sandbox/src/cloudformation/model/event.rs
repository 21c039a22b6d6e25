//! The events of stacks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::clock::epoch_seconds;

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
            "Timestamp": epoch_seconds(self.time),
            "ResourceStatus": self.status,
            "ResourceStatusReason": self.reason,
            "ResourceProperties": self.properties,
            "ClientRequestToken": self.client_request_token,
        })
    }
}
