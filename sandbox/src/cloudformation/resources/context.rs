//! The context of a resource handler: data about its resource, and the calls that it makes.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{HandlerOutput, ResourceType, handler_faults, property_schema, schema_check};
use crate::base::ids;
use crate::base::tags::{self, Tag, TagMap};
use crate::cloudformation::State;
use crate::cloudformation::model::{PhysicalResource, ResourceStatus};
use crate::cloudformation::template::{dynamic_references, template_fault};
use crate::fault_injection::Verb;
use crate::protocol::coerce::{self, InputError};
use crate::store::on_behalf_of;
use crate::{Fault, Sandbox};

/// The reason of the event of a new physical resource.
pub const CREATION_INITIATED: &str = "Resource creation Initiated";

/// The tag with the ARN of a resource's stack.
pub const STACK_ID_TAG: &str = "aws:cloudformation:stack-id";

/// Data about a resource, for its handler.
#[derive(Debug, Clone)]
pub struct HandlerContext {
    /// The sandbox, for calls.
    pub sandbox: Arc<Sandbox>,
    /// The resource's type, such as `AWS::EC2::VPC`; empty until a handler is called.
    pub resource_type: &'static str,
    pub stack_name: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// The stack's tags and those that CloudFormation adds.
    pub tags: Vec<Tag>,
    /// The creation in progress; `None` for an update or a deletion.
    pub creation: Option<Creation>,
}

/// The creation of a physical resource.
#[derive(Debug, Clone)]
pub struct Creation {
    pub resource_type: &'static str,
    /// The resolved properties.
    pub properties: Value,
    /// The properties as responses and events show them, if they contain parameters with `NoEcho`.
    pub masked: Option<Value>,
    /// The resource's status meanwhile.
    pub status: ResourceStatus,
}

impl HandlerContext {
    /// The context for a handler of a type.
    #[must_use]
    pub fn for_type(self, resource_type: &'static str) -> Self {
        Self { resource_type, ..self }
    }

    /// Fails if a fault is injected for this resource.
    pub fn check_injected_fault(&self, verb: Verb, resource_type: &ResourceType) -> Result<(), Fault> {
        let reason =
            self.sandbox.fault_injector.next_for_resource(&self.stack_name, &self.logical_id, resource_type.name, verb);
        reason.map_or(Ok(()), |reason| Err(template_fault(reason)))
    }

    /// Calls an operation of another service. It yields first: most operations never wait for anything, and a large stack would keep
    /// other callers waiting.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        tokio::task::yield_now().await;
        let call = self.sandbox.call(service, operation, input);
        let response = match &self.creation {
            Some(_) => on_behalf_of(self.resource_key(), call).await,
            None => call.await,
        };
        response.map_err(|fault| handler_faults::as_sdk_exception(service, fault))
    }

    /// The key of the resource in the tables.
    fn resource_key(&self) -> String {
        format!("{}|{}", self.stack_id(), self.logical_id)
    }

    /// Stores a new physical resource before the handler has finished it, so that it is deleted if the rest fails or is interrupted.
    pub fn store_unfinished(&self, output: &HandlerOutput) -> Result<(), Fault> {
        let Some(Creation { resource_type, properties, masked, status }) = &self.creation else { return Ok(()) };
        let now = self.sandbox.clock.now();
        self.sandbox.store.write(|states| {
            let state = states.of_mut::<State>();
            let Some(mut resource) = state.resources.get(&self.resource_key()).cloned() else { return Ok(()) };
            let new = PhysicalResource::new(resource_type, output.clone(), properties.clone());
            resource.set_current(PhysicalResource { masked: masked.clone(), ..new });
            resource.create_incomplete = true;
            resource.status = *status;
            resource.reason = Some(CREATION_INITIATED.to_owned());
            resource.changed = now;
            state.set_resource(self.stack_id(), resource, None);
            Ok(())
        })
    }

    /// Prepares the properties of a template for a handler: replaces references to secrets, converts scalars to the types of the
    /// schema, and refuses what violates the schema, and reserved tags.
    pub async fn prepare(&self, properties: Value) -> Result<Value, Fault> {
        let properties = dynamic_references::replace_secrets(&self.sandbox, properties).await?;
        let (properties, violations) = schema_check::convert(self.resource_type, properties);
        if violations.is_empty() {
            return tags::check_properties(self.resource_type, &properties).map(|()| properties);
        }
        Err(self.validation_fault(&violations.join("\n")))
    }

    /// A physical resource with its properties converted to the types of the schema.
    pub fn with_schema_types(&self, physical: PhysicalResource) -> PhysicalResource {
        PhysicalResource { properties: schema_check::convert(self.resource_type, physical.properties).0, ..physical }
    }

    fn validation_fault(&self, lines: &str) -> Fault {
        let message = format!("Properties validation failed for resource {} with message:\n{lines}", self.logical_id);
        template_fault(message)
    }

    /// The ARN of the stack.
    pub fn stack_id(&self) -> &str {
        self.tags.iter().find(|tag| tag.key == STACK_ID_TAG).map_or("", |tag| tag.value.as_str())
    }

    /// Deserializes the properties. A property of the schema that the handler does not have is one that the sandbox does not serve.
    pub fn properties<T: DeserializeOwned>(&self, properties: Value) -> Result<T, Fault> {
        coerce::from_value(properties).map_err(|error| {
            let violation = match error {
                InputError::Unknown(name) if property_schema::find(self.resource_type).is_some() => {
                    return Fault::not_implemented(&format!("{} with the property {name}", self.resource_type));
                }
                InputError::Missing(name) => format!("required key [{name}] not found"),
                InputError::Unknown(name) => format!("extraneous key [{name}] is not permitted"),
                error => error.to_string(),
            };
            self.validation_fault(&format!("#: {violation}"))
        })
    }

    /// A name for a resource without a custom one: `stack-LogicalId-1A2B3C4D5E6F`, cut to `max_length` characters.
    pub fn generated_name(&self, max_length: usize) -> String {
        let mut name = format!("{}-{}", self.stack_name, self.logical_id);
        name.truncate(max_length - 13);
        format!("{name}-{}", ids::random_upper(12))
    }

    /// The resource's own tags and the stack's, as a list of `Key` and `Value`.
    pub fn all_tags(&self, own: &[Tag]) -> Vec<Tag> {
        let inherited = self.tags.iter().filter(|tag| !own.iter().any(|own_tag| own_tag.key == tag.key));
        own.iter().chain(inherited).cloned().collect()
    }

    /// The tags of [`Self::all_tags`], as a map.
    pub fn tag_map(&self, own: &[Tag]) -> TagMap {
        tags::to_map(self.all_tags(own))
    }

    /// The keys of a resource's current tags that neither the resource nor the stack has any more.
    pub fn removed_tag_keys<'a>(&self, current: &'a Value, own: &[Tag]) -> Vec<&'a str> {
        let is_kept = |key: &str| own.iter().chain(&self.tags).any(|tag| tag.key == key);
        tags::keys(current).into_iter().filter(|key| !is_kept(key)).collect()
    }

    /// The tags of [`Self::all_tags`], as a list of `key` and `value`.
    pub fn lower_case_tags(&self, own: &[Tag]) -> Value {
        tags::lower_case::to_value(&self.all_tags(own))
    }
}
