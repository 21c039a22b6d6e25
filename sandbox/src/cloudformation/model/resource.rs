//! The resources of stacks, and the physical resources behind them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ResourceStatus;

/// A physical resource: what a handler has created in another service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhysicalResource {
    /// The resource type, such as `AWS::EC2::VPC`.
    #[serde(rename = "kind")]
    pub resource_type: String,
    /// The physical id, which is also the value of `Ref`.
    pub physical_id: String,
    /// The values of `Fn::GetAtt`.
    pub attributes: Map<String, Value>,
    /// The resolved properties.
    pub properties: Value,
    /// The properties as responses and events show them, if they contain parameters with `NoEcho`.
    #[serde(default)]
    pub masked: Option<Value>,
}

impl PhysicalResource {
    /// The properties as responses and events show them.
    pub fn visible_properties(&self) -> &Value {
        self.masked.as_ref().unwrap_or(&self.properties)
    }
}

/// What happens to a physical resource that its template no longer has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
    Snapshot,
    /// Retained, unless the stack operation that created it is rolled back.
    RetainExceptOnCreate,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "it is the ResourceType of the API")]
pub(crate) struct Resource {
    /// The name in the template.
    pub logical_id: String,
    /// The resource type, such as `AWS::EC2::VPC`.
    #[serde(rename = "kind")]
    pub resource_type: String,
    /// The status of the latest operation on it.
    pub status: ResourceStatus,
    /// Why it has that status.
    pub reason: Option<String>,
    /// When it got that status.
    pub changed: Timestamp,
    /// The physical resource.
    pub current: Option<PhysicalResource>,
    /// The physical resource before the update in progress, for its rollback.
    pub previous: Option<PhysicalResource>,
    /// Replaced physical resources that the clean-up deletes.
    #[serde(rename = "garbage")]
    pub pending_deletion: Vec<PhysicalResource>,
    /// Replaced physical resources that `UpdateReplacePolicy` retains: the clean-up only reports them.
    #[serde(rename = "kept", default)]
    pub retained: Vec<PhysicalResource>,
    /// The resources that are created before it and deleted after it.
    pub depends_on: Vec<String>,
    pub deletion_policy: DeletionPolicy,
    /// `UpdateReplacePolicy`, which is not `RetainExceptOnCreate`.
    pub update_replace_policy: DeletionPolicy,
    /// The resolved `Metadata`.
    pub metadata: Value,
    /// Whether its handler has created `current` and was not yet finished: after a crash it is deleted and created again.
    #[serde(rename = "half_made", default)]
    pub create_incomplete: bool,
    /// Whether the operation in progress created it.
    #[serde(default)]
    pub is_new: bool,
}

impl Resource {
    /// Makes a new physical resource the current one. A replaced one is left to the clean-up.
    pub(crate) fn set_current(&mut self, new: PhysicalResource) {
        let old = self.current.replace(new);
        let replaced = old.filter(|old| self.current.as_ref().is_some_and(|new| new.physical_id != old.physical_id));
        let policy_deletes = self.update_replace_policy == DeletionPolicy::Delete;
        let list = if policy_deletes { &mut self.pending_deletion } else { &mut self.retained };
        list.extend(replaced.filter(|old| !list.contains(old)));
    }

    /// Removes a physical resource from those that the clean-up deletes or reports.
    pub(crate) fn keep_physical(&mut self, physical_id: &str) {
        self.pending_deletion.retain(|resource| resource.physical_id != physical_id);
        self.retained.retain(|resource| resource.physical_id != physical_id);
    }

    /// Whether it stays when its stack is deleted or its template no longer has it.
    pub(crate) fn is_retained(&self) -> bool {
        matches!(self.deletion_policy, DeletionPolicy::Retain | DeletionPolicy::RetainExceptOnCreate)
    }
}
