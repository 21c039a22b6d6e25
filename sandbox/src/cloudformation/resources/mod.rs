//! The table of resource types: how each is created, updated and deleted, by calls of its service's public API.
//!
//! A type is a row here and a small file. Its properties are a struct that refuses unknown members by name, so that no property is
//! ignored.

use std::pin::Pin;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::model::PhysicalResource;
use super::replacement::{self, Replacement};
use crate::base::tags::Tag;
use crate::{Fault, FaultKind};

mod autoscaling;
mod cloudmap;
mod cloudwatch;
mod context;
mod custom_names;
mod ec2;
mod ecs;
mod ecs_service;
mod handler_faults;
mod iam;
mod iam_policies;
mod logs;
mod placeholders;
pub mod property_schema;
mod schema_check;
mod secretsmanager;
mod ssm;

pub use context::{CREATION_INITIATED, Creation, HandlerContext, STACK_ID_TAG};
pub use custom_names::conflict as custom_name_conflict;

/// A running handler.
pub type HandlerFuture<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

/// One resource type.
pub struct ResourceType {
    /// Such as `AWS::EC2::VPC`.
    pub name: &'static str,
    /// The attributes of `Fn::GetAtt`.
    pub attributes: &'static [&'static str],
    /// Paths of properties that AWS updates in place and the sandbox cannot: it replaces the resource. Those that AWS replaces
    /// are in [`replacement`].
    pub create_only: &'static [&'static str],
    /// Creates a physical resource.
    pub create: fn(HandlerContext, Value) -> HandlerFuture<HandlerOutput>,
    /// Waits until a created or updated one is stable, where that takes time.
    pub stabilize: Option<fn(HandlerContext, HandlerOutput) -> HandlerFuture<HandlerOutput>>,
    /// Updates one in place.
    pub update: fn(HandlerContext, PhysicalResource, Value) -> HandlerFuture<HandlerOutput>,
    /// Deletes one.
    pub delete: fn(HandlerContext, PhysicalResource) -> HandlerFuture<()>,
}

/// Types whose resources take no tags.
const UNTAGGED: &[&str] = &[
    "AWS::EC2::Route",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::RolePolicy",
    "AWS::Logs::LogStream",
    "AWS::IAM::InstanceProfile",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CDK::Metadata",
    "AWS::ServiceDiscovery::Instance",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::CloudFormation::WaitConditionHandle",
];

/// The physical resource that a handler has created or updated.
#[derive(Debug, Clone, Default)]
pub struct HandlerOutput {
    /// The physical id, which is the value of `Ref`.
    pub physical_id: String,
    /// The values of `Fn::GetAtt`.
    pub attributes: Map<String, Value>,
}

/// Every served type.
pub fn all() -> impl Iterator<Item = &'static ResourceType> {
    [
        ec2::TYPES,
        iam::TYPES,
        iam_policies::TYPES,
        ecs::TYPES,
        ecs_service::TYPES,
        cloudmap::TYPES,
        logs::TYPES,
        autoscaling::TYPES,
        cloudwatch::TYPES,
        ssm::TYPES,
        secretsmanager::TYPES,
        placeholders::TYPES,
    ]
    .into_iter()
    .flatten()
}

/// The type of a name.
pub fn find(name: &str) -> Option<&'static ResourceType> {
    all().find(|resource_type| resource_type.name == name)
}

impl ResourceType {
    /// Whether the stack's tags go on resources of this type.
    pub fn has_tags(&self) -> bool {
        !UNTAGGED.contains(&self.name)
    }

    /// Whether the change of a property recreates the resource; an absent property is null.
    pub fn recreation(&self, property: &str, old: &Value, new: &Value) -> Replacement {
        match replacement::recreation(self.name, property, old, new) {
            Replacement::Never if self.lacks_update_of(property, old, new) => Replacement::Always,
            by_schema => by_schema,
        }
    }

    /// Whether the change of a property replaces the resource in the sandbox.
    pub fn must_replace(&self, property: &str, old: &Value, new: &Value) -> bool {
        self.lacks_update_of(property, old, new)
            || replacement::recreation(self.name, property, old, new) == Replacement::Always
    }

    fn lacks_update_of(&self, property: &str, old: &Value, new: &Value) -> bool {
        self.create_only.iter().any(|path| replacement::touches(path, property, old, new))
    }
}

impl HandlerOutput {
    /// The output with this id, and the members of `attributes`.
    pub fn new(physical_id: &str, attributes: Value) -> Self {
        let Value::Object(attributes) = attributes else {
            return Self { physical_id: physical_id.to_owned(), ..Self::default() };
        };
        Self { physical_id: physical_id.to_owned(), attributes }
    }
}

impl PhysicalResource {
    /// The physical resource of a handler's output.
    pub fn new(resource_type: &str, output: HandlerOutput, properties: Value) -> Self {
        let HandlerOutput { physical_id, attributes } = output;
        Self { resource_type: resource_type.to_owned(), physical_id, attributes, properties, masked: None }
    }
}

impl From<&PhysicalResource> for HandlerOutput {
    fn from(physical: &PhysicalResource) -> Self {
        Self { physical_id: physical.physical_id.clone(), attributes: physical.attributes.clone() }
    }
}

/// The properties of a type that only has tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OnlyTags {
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Whether a fault means that the resource does not exist.
pub fn is_missing(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::NotFound | FaultKind::Inactive)
}

/// The result of a deletion, which also succeeds when the resource does not exist.
fn ignore_missing(result: Result<Value, Fault>) -> Result<(), Fault> {
    match result {
        Err(fault) if !is_missing(&fault) => Err(fault),
        _ => Ok(()),
    }
}

/// A string in a response, by its JSON pointer; empty when there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A row of the table, with boxed handlers.
macro_rules! resource_type {
    ($name:literal, attributes: $attributes:expr, create_only: $create_only:expr, $create:path, $update:path, $delete:path $(, stabilize: $stabilize:path)?) => {
        $crate::cloudformation::resources::ResourceType {
            name: $name,
            attributes: &$attributes,
            create_only: &$create_only,
            create: |context, properties| {
                Box::pin(async move {
                    let context = context.for_type($name);
                    let properties = context.prepare(properties).await?;
                    $create(context, properties).await
                })
            },
            update: |context, old, properties| {
                Box::pin(async move {
                    let context = context.for_type($name);
                    let properties = context.prepare(properties).await?;
                    let old = context.with_schema_types(old);
                    $update(context, old, properties).await
                })
            },
            delete: |context, old| {
                let context = context.for_type($name);
                let old = context.with_schema_types(old);
                Box::pin($delete(context, old))
            },
            stabilize: resource_type!(@stabilize $($stabilize)?),
        }
    };
    (@stabilize) => { None };
    (@stabilize $stabilize:path) => { Some(|context, output| Box::pin($stabilize(context, output))) };
}
use resource_type;

/// The update of a type whose properties are all create-only.
async fn nothing_to_update(
    _context: HandlerContext,
    old: PhysicalResource,
    _properties: Value,
) -> Result<HandlerOutput, Fault> {
    Ok(HandlerOutput::from(&old))
}
