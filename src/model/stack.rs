//! CloudFormation stacks: their events, resources, outputs and exports.

use jiff::Timestamp;
use serde::Deserialize;

use super::StackStatus;

/// A stack as DescribeStacks returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// StackName.
    pub name: String,
    pub arn: String,
    pub status: StackStatus,
    /// StackStatusReason.
    pub status_reason: Option<String>,
    /// LastUpdatedTime, or CreationTime if the stack was never updated.
    pub updated: Option<Timestamp>,
    /// Outputs, in AWS's order.
    pub outputs: Vec<Output>,
    /// Tags, key and value.
    pub tags: Vec<(String, String)>,
    /// Parameters, key and value; NoEcho values are masked.
    pub parameters: Vec<(String, String)>,
    pub notification_arns: Vec<String>,
    pub role_arn: Option<String>,
}

impl Stack {
    /// The account in the stack's ARN; empty if there is none.
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }
}

/// The name of the stack with this name or ARN (`arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID`).
pub(crate) fn stack_name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// An output of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// OutputKey.
    pub key: String,
    /// OutputValue.
    pub value: String,
}

/// A value that a stack exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub name: String,
    pub value: String,
    /// ExportingStackId: the stack's ARN.
    pub stack: String,
}

/// One event of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StackEvent {
    /// EventId: unique in the stack.
    pub id: String,
    /// The time by AWS's clock.
    pub timestamp: Timestamp,
    /// LogicalResourceId; the stack's own name for the stack itself.
    pub logical_id: String,
    /// PhysicalResourceId; empty before the resource exists.
    pub physical_id: String,
    pub resource_type: String,
    /// ResourceStatus.
    pub status: StackStatus,
    /// ResourceStatusReason.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// LogicalResourceId.
    pub logical_id: String,
    /// PhysicalResourceId; empty while it does not exist.
    pub physical_id: String,
    pub resource_type: String,
    /// ResourceStatus.
    pub status: StackStatus,
    /// ResourceStatusReason.
    pub reason: Option<String>,
}

impl StackResource {
    /// Whether the resource exists. CloudFormation keeps listing deleted resources, with their physical ids.
    pub fn exists(&self) -> bool {
        !self.physical_id.is_empty() && !self.status.is_deleted() && self.status != "CREATE_FAILED"
    }
}

/// The desired state of a stack: the input of CreateChangeSet, CreateStack and UpdateStack.
#[derive(Debug, Clone, Default)]
pub struct StackRequest<'a> {
    /// StackName.
    pub stack: &'a str,
    /// The template's text, at most 51,200 bytes.
    pub template: &'a str,
    /// Tags of the stack and its resources.
    pub tags: &'a [(String, String)],
    /// Parameters; `None` keeps the previous value.
    pub parameters: &'a [(String, Option<String>)],
    /// Capabilities, by CloudFormation's names.
    pub capabilities: &'a [&'static str],
    /// RoleARN: the role that CloudFormation assumes.
    pub role_arn: Option<&'a str>,
    /// NotificationARNs; `None` keeps those of the stack.
    pub notification_arns: Option<&'a [String]>,
}
