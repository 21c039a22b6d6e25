//! The table of resource types: how each is made, changed and deleted, by calls of its service's public API.
//!
//! A type is a row here and a small file beside. Its properties are a typed struct that knows all of them: what it does
//! not know is refused by name, never ignored.

#![expect(clippy::struct_field_names, reason = "properties have the names that CloudFormation gave them")]

use std::pin::Pin;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::model::{Incarnation, Tag};
use super::replacement::{self, Recreation};
use super::template::dynamic;
use crate::sandbox::faults::Verb;
use crate::sandbox::wire::lenient::{self, Misfit};
use crate::sandbox::world::{ids, made_for};
use crate::sandbox::{Fault, Sandbox};

mod autoscaling;
mod cloudmap;
mod cloudwatch;
mod ec2;
mod ecs;
mod ecs_service;
mod iam;
mod iam_policies;
mod logs;
mod markers;
pub mod schema;
mod secretsmanager;
mod sns;
mod ssm;

/// A handler at work.
pub type Work<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

/// One resource type.
pub struct ResourceType {
    /// Such as `AWS::EC2::VPC`.
    pub name: &'static str,
    /// What `Fn::GetAtt` may ask for.
    pub attributes: &'static [&'static str],
    /// Properties that the sandbox can only set with a new resource, besides those of the table that all types are in;
    /// `["*"]` stands for all.
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

/// The reason of the event with which a physical resource is there.
pub const CREATION_INITIATED: &str = "Resource creation Initiated";

/// The tag that names the stack whose resource something is.
pub const STACK_ID_TAG: &str = "aws:cloudformation:stack-id";

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
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CDK::Metadata",
    "AWS::ServiceDiscovery::Instance",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::CloudFormation::WaitConditionHandle",
];

/// What a handler knows of whose resource it makes.
#[derive(Debug, Clone)]
pub struct Context {
    /// The sandbox, for calls.
    pub sandbox: Arc<Sandbox>,
    /// The resource's type, such as `AWS::EC2::VPC`, once a handler of it is at work.
    pub kind: &'static str,
    /// The stack's name.
    pub stack_name: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// The stack's tags and those that CloudFormation adds.
    pub tags: Vec<Tag>,
    /// What is being made; `None` when something is changed or deleted.
    pub making: Option<Making>,
}

/// A creation under way.
#[derive(Debug, Clone)]
pub struct Making {
    /// The type.
    pub kind: &'static str,
    /// The resolved properties.
    pub properties: Value,
    /// The status of its events.
    pub status: &'static str,
}

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
        sns::TYPES,
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
        if self.create_only.iter().any(|name| *name == "*" || *name == property) {
            return Recreation::Always;
        }
        replacement::recreation(self.name, property, old, new)
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
        Self { kind: kind.to_owned(), physical_id, attributes, properties }
    }
}

impl From<&Incarnation> for Made {
    fn from(incarnation: &Incarnation) -> Self {
        Self { physical_id: incarnation.physical_id.clone(), attributes: incarnation.attributes.clone() }
    }
}

impl Context {
    /// For a handler of a type.
    fn of(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Fails where a fault for tests says so: with its words as the whole reason.
    pub fn strike(&self, verb: Verb, kind: &ResourceType) -> Result<(), Fault> {
        let reason = self.sandbox.faults.strike_resource(&self.stack_name, &self.logical_id, kind.name, verb);
        reason.map_or(Ok(()), |reason| Err(Fault::client("Template", reason)))
    }

    /// Calls another service's operation.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        let call = self.sandbox.call(service, operation, input);
        match &self.making {
            Some(_) => made_for(self.maker(), call).await,
            None => call.await,
        }
    }

    /// The key of the stack's resource in tables.
    fn maker(&self) -> String {
        format!("{}|{}", self.stack_id(), self.logical_id)
    }

    /// Tells that the physical resource is there, before all that belongs to it is: should the rest fail, or never come, it
    /// is known what to delete.
    pub fn initiated(&self, made: &Made) -> Result<(), Fault> {
        let Some(Making { kind, properties, status }) = &self.making else { return Ok(()) };
        let now = self.sandbox.clock.now();
        self.sandbox.world.write(|world| {
            let state = &mut world.cloudformation;
            let Some(mut row) = state.resources.get(&self.maker()).cloned() else { return Ok(()) };
            row.become_made(Incarnation::new(kind, made.clone(), properties.clone()));
            row.half_made = true;
            (*status).clone_into(&mut row.status);
            row.reason = Some(CREATION_INITIATED.to_owned());
            row.changed = now;
            state.set_resource(self.stack_id(), row, None);
            Ok(())
        })
    }

    /// Properties with the secrets that they refer to: no state holds these.
    pub async fn revealed(&self, properties: Value) -> Result<Value, Fault> {
        dynamic::reveal(&self.sandbox, properties).await
    }

    /// The ARN of the stack.
    pub fn stack_id(&self) -> &str {
        self.tags.iter().find(|tag| tag.key == STACK_ID_TAG).map_or("", |tag| tag.value.as_str())
    }

    /// The typed properties, or the fault that names what does not fit.
    pub fn properties<T: DeserializeOwned>(&self, properties: Value) -> Result<T, Fault> {
        lenient::from_value(properties).map_err(|misfit| {
            let what = match misfit {
                Misfit::Unknown(name) if schema::has_property(self.kind, &name) => {
                    return Fault::not_implemented(&format!("{} with the property {name}", self.kind));
                }
                Misfit::Missing(name) => format!("required key [{name}] not found"),
                Misfit::Unknown(name) => format!("extraneous key [{name}] is not permitted"),
                Misfit::Other(text) => text,
            };
            let message =
                format!("Properties validation failed for resource {} with message:\n#: {what}", self.logical_id);
            Fault::client("ValidationError", message)
        })
    }

    /// A name for a resource that was given none: `stack-LogicalId-1A2B3C4D5E6F`, cut to `longest` characters.
    pub fn generated_name(&self, longest: usize) -> String {
        let mut name = format!("{}-{}", self.stack_name, self.logical_id);
        name.truncate(longest - 13);
        format!("{name}-{}", ids::upper(12))
    }

    /// The resource's own tags and the stack's, as a list of `Key` and `Value`.
    pub fn all_tags(&self, own: &[Tag]) -> Vec<Tag> {
        let inherited = self.tags.iter().filter(|tag| !own.iter().any(|one| one.key == tag.key));
        own.iter().chain(inherited).cloned().collect()
    }

    /// The same, with the keys in lower case, as ECS has them.
    pub fn lower_case_tags(&self, own: &[Tag]) -> Value {
        self.all_tags(own).iter().map(|Tag { key, value }| json!({ "key": key, "value": value })).collect()
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
        $crate::sandbox::services::cloudformation::resources::ResourceType {
            name: $name,
            attributes: &$attributes,
            create_only: &$create_only,
            create: |context, properties| {
                Box::pin(async move {
                    let context = context.of($name);
                    let properties = context.revealed(properties).await?;
                    $create(context, properties).await
                })
            },
            update: |context, old, properties| {
                Box::pin(async move {
                    let context = context.of($name);
                    let properties = context.revealed(properties).await?;
                    $update(context, old, properties).await
                })
            },
            delete: |context, old| Box::pin($delete(context.of($name), old)),
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
