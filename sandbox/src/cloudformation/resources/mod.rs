//! The table of resource types: how each is made, changed and deleted, by calls of its service's public API.
//!
//! A type is a row here and a small file beside. Its properties are a typed struct that knows all of them: what it does
//! not know is refused by name, never ignored.

#![expect(clippy::struct_field_names, reason = "properties have the names that CloudFormation gave them")]

use std::pin::Pin;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::model::Incarnation;
use super::replacement::{self, Recreation};
use crate::Fault;
use crate::base::tags::Tag;

mod autoscaling;
mod cloudmap;
mod cloudwatch;
mod context;
mod ec2;
mod ecs;
mod ecs_service;
mod fit;
mod iam;
mod iam_policies;
mod logs;
mod markers;
mod names;
mod refusal;
pub mod schema;
mod secretsmanager;
mod ssm;

pub use context::{CREATION_INITIATED, Context, Making, STACK_ID_TAG};
pub use names::refusal as refusal_to_replace;

/// A handler at work.
pub type Work<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

/// One resource type.
pub struct ResourceType {
    /// Such as `AWS::EC2::VPC`.
    pub name: &'static str,
    /// What `Fn::GetAtt` may ask for.
    pub attributes: &'static [&'static str],
    /// Paths of properties that AWS can change in place and the sandbox cannot: it replaces the resource instead. What AWS
    /// replaces is in [`replacement`].
    pub create_only: &'static [&'static str],
    /// Makes one.
    pub create: fn(Context, Value) -> Work<Made>,
    /// Waits until a made or changed one is as asked, when that takes time.
    pub stable: Option<fn(Context, Made) -> Work<Made>>,
    /// Changes one in place.
    pub update: fn(Context, Incarnation, Value) -> Work<Made>,
    /// Deletes one.
    pub delete: fn(Context, Incarnation) -> Work<()>,
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

/// A physical resource that there is now.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Its id, which `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
}

/// Every type that is served.
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
        markers::TYPES,
    ]
    .into_iter()
    .flatten()
}

/// The type of a name.
pub fn find(name: &str) -> Option<&'static ResourceType> {
    all().find(|kind| kind.name == name)
}

impl ResourceType {
    /// Whether the stack's tags go on resources of this type.
    pub fn has_tags(&self) -> bool {
        !UNTAGGED.contains(&self.name)
    }

    /// What the change of a property asks for; null stands for a property that is not there.
    pub fn recreation(&self, property: &str, old: &Value, new: &Value) -> Recreation {
        match replacement::recreation(self.name, property, old, new) {
            Recreation::Never if self.lacks_update_of(property, old, new) => Recreation::Always,
            by_schema => by_schema,
        }
    }

    /// Whether the change of a property takes a new resource here.
    pub fn must_replace(&self, property: &str, old: &Value, new: &Value) -> bool {
        self.lacks_update_of(property, old, new)
            || replacement::recreation(self.name, property, old, new) == Recreation::Always
    }

    fn lacks_update_of(&self, property: &str, old: &Value, new: &Value) -> bool {
        self.create_only.iter().any(|path| replacement::touches(path, property, old, new))
    }
}

impl Made {
    /// A resource with an id and attributes.
    pub fn new(physical_id: &str, attributes: Value) -> Self {
        let Value::Object(attributes) = attributes else {
            return Self { physical_id: physical_id.to_owned(), ..Self::default() };
        };
        Self { physical_id: physical_id.to_owned(), attributes }
    }
}

impl Incarnation {
    /// What a handler made, of its type and properties.
    pub fn new(kind: &str, made: Made, properties: Value) -> Self {
        let Made { physical_id, attributes } = made;
        Self { kind: kind.to_owned(), physical_id, attributes, properties, masked: None }
    }
}

impl From<&Incarnation> for Made {
    fn from(incarnation: &Incarnation) -> Self {
        Self { physical_id: incarnation.physical_id.clone(), attributes: incarnation.attributes.clone() }
    }
}

/// The properties of a type that has none but tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OnlyTags {
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Whether a fault says that what was to be changed or deleted is not there.
pub fn is_gone(fault: &Fault) -> bool {
    fault.code.contains("NotFound") || matches!(fault.code.as_str(), "NoSuchEntity" | "ServiceNotActiveException")
}

/// The outcome of a deletion, where what is already gone is as good.
fn gone(result: Result<Value, Fault>) -> Result<(), Fault> {
    match result {
        Err(fault) if !is_gone(&fault) => Err(fault),
        _ => Ok(()),
    }
}

/// A text member of an answer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A row of a type's table, with its functions boxed.
macro_rules! resource_type {
    ($name:literal, attributes: $attributes:expr, create_only: $create_only:expr, $create:path, $update:path, $delete:path $(, stable: $stable:path)?) => {
        $crate::cloudformation::resources::ResourceType {
            name: $name,
            attributes: &$attributes,
            create_only: &$create_only,
            create: |context, properties| {
                Box::pin(async move {
                    let context = context.of($name);
                    let properties = context.prepared(properties).await?;
                    $create(context, properties).await
                })
            },
            update: |context, old, properties| {
                Box::pin(async move {
                    let context = context.of($name);
                    let properties = context.prepared(properties).await?;
                    let old = context.fitted(old);
                    $update(context, old, properties).await
                })
            },
            delete: |context, old| {
                let context = context.of($name);
                let old = context.fitted(old);
                Box::pin($delete(context, old))
            },
            stable: resource_type!(@stable $($stable)?),
        }
    };
    (@stable) => { None };
    (@stable $stable:path) => { Some(|context, made| Box::pin($stable(context, made))) };
}
use resource_type;

/// The update of a type all of whose properties are create-only: nothing is left to change but what the world does not show.
async fn nothing_to_update(_context: Context, old: Incarnation, _properties: Value) -> Result<Made, Fault> {
    Ok(Made::from(&old))
}
