//! Stack events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::clock::epoch_seconds;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StackEvent {
    /// The event's id.
    pub id: String,
    /// When it happened.
    pub time: Timestamp,
    /// The resource's name in the template, or the stack's name.
    pub logical_id: String,
    /// The physical id; empty before there is one.
    pub physical_id: String,
    #[serde(rename = "kind")]
    pub resource_type: String,
    /// AWS's text of the new status.
    pub status: String,
    /// Why it has that status.
    pub reason: Option<String>,
    /// The resolved properties, as JSON text.
    pub properties: Option<String>,
    /// The token of the request that began the operation.
    pub client_request_token: Option<String>,
}

impl StackEvent {
    /// The event as `DescribeStackEvents` lists it.
    pub(crate) fn to_output(&self, stack_id: &str, stack_name: &str) -> Value {
        json!({
            "StackId": stack_id,
            "EventId": self.id,
            "StackName": stack_name,
            "LogicalResourceId": self.logical_id,
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.resource_type,
            "Timestamp": epoch_seconds(self.time),
            "ResourceStatus": self.status,
            "ResourceStatusReason": self.reason,
            "ResourceProperties": self.properties,
            "ClientRequestToken": self.client_request_token,
        })
    }
}
