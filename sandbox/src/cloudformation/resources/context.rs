//! What a handler knows of whose resource it makes, and what it calls.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Made, ResourceType, fit, refusal, schema};
use crate::base::ids;
use crate::base::tags::{self, Tag, TagMap};
use crate::cloudformation::State;
use crate::cloudformation::model::Incarnation;
use crate::cloudformation::template::dynamic;
use crate::faults::Verb;
use crate::protocol::lenient::{self, Misfit};
use crate::store::on_behalf_of;
use crate::{Fault, Sandbox};

/// The reason of the event with which a physical resource is there.
pub const CREATION_INITIATED: &str = "Resource creation Initiated";

/// The tag that names the stack whose resource something is.
pub const STACK_ID_TAG: &str = "aws:cloudformation:stack-id";

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
    /// The properties as answers show them, where they are not to be shown as they are.
    pub masked: Option<Value>,
    /// The status of its events.
    pub status: &'static str,
}

impl Context {
    /// For a handler of a type.
    #[must_use]
    pub fn of(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Fails where a fault for tests says so: with its words as the whole reason.
    pub fn strike(&self, verb: Verb, kind: &ResourceType) -> Result<(), Fault> {
        let reason = self.sandbox.faults.next_for_resource(&self.stack_name, &self.logical_id, kind.name, verb);
        reason.map_or(Ok(()), |reason| Err(Fault::client("Template", reason)))
    }

    /// Calls another service's operation, after the work that waits for this thread: most operations never wait for anything, and
    /// a large stack would keep other callers waiting.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        tokio::task::yield_now().await;
        let call = self.sandbox.call(service, operation, input);
        let answer = match &self.making {
            Some(_) => on_behalf_of(self.maker(), call).await,
            None => call.await,
        };
        answer.map_err(|fault| refusal::told(service, fault))
    }

    /// The key of the stack's resource in tables.
    fn maker(&self) -> String {
        format!("{}|{}", self.stack_id(), self.logical_id)
    }

    /// Tells that the physical resource is there, before all that belongs to it is: should the rest fail, or never come, it
    /// is known what to delete.
    pub fn initiated(&self, made: &Made) -> Result<(), Fault> {
        let Some(Making { kind, properties, masked, status }) = &self.making else { return Ok(()) };
        let now = self.sandbox.clock.now();
        self.sandbox.world.write(|world| {
            let state = world.of_mut::<State>();
            let Some(mut row) = state.resources.get(&self.maker()).cloned() else { return Ok(()) };
            let new = Incarnation::new(kind, made.clone(), properties.clone());
            row.become_made(Incarnation { masked: masked.clone(), ..new });
            row.half_made = true;
            (*status).clone_into(&mut row.status);
            row.reason = Some(CREATION_INITIATED.to_owned());
            row.changed = now;
            state.set_resource(self.stack_id(), row, None);
            Ok(())
        })
    }

    /// Properties as a handler takes them: with the secrets that they refer to, which no state holds, with the types of the
    /// type's schema, and without tags that only CloudFormation may give.
    pub async fn prepared(&self, properties: Value) -> Result<Value, Fault> {
        let revealed = dynamic::reveal(&self.sandbox, properties).await?;
        let (fitted, violations) = fit::fit(self.kind, revealed);
        if violations.is_empty() {
            return tags::check_properties(self.kind, &fitted).map(|()| fitted);
        }
        Err(self.misfit(&violations.join("\n")))
    }

    /// What there is of a resource, its properties with the types of the schema.
    pub fn fitted(&self, old: Incarnation) -> Incarnation {
        Incarnation { properties: fit::fit(self.kind, old.properties).0, ..old }
    }

    fn misfit(&self, lines: &str) -> Fault {
        let message = format!("Properties validation failed for resource {} with message:\n{lines}", self.logical_id);
        Fault::client("ValidationError", message)
    }

    /// The ARN of the stack.
    pub fn stack_id(&self) -> &str {
        self.tags.iter().find(|tag| tag.key == STACK_ID_TAG).map_or("", |tag| tag.value.as_str())
    }

    /// The typed properties, or the fault that names what does not fit. What the schema knows and the handler does not is
    /// what the sandbox does not serve.
    pub fn properties<T: DeserializeOwned>(&self, properties: Value) -> Result<T, Fault> {
        lenient::from_value(properties).map_err(|misfit| {
            let what = match misfit {
                Misfit::Unknown(name) if schema::of(self.kind).is_some() => {
                    return Fault::not_implemented(&format!("{} with the property {name}", self.kind));
                }
                Misfit::Missing(name) => format!("required key [{name}] not found"),
                Misfit::Unknown(name) => format!("extraneous key [{name}] is not permitted"),
                beyond @ Misfit::Beyond(..) => beyond.to_string(),
                Misfit::Other(text) => text,
            };
            self.misfit(&format!("#: {what}"))
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

    /// The same as a map.
    pub fn tag_map(&self, own: &[Tag]) -> TagMap {
        tags::to_map(self.all_tags(own))
    }

    /// The same as a list of `key` and `value`.
    pub fn lower_case_tags(&self, own: &[Tag]) -> Value {
        tags::lower_case::to_value(&self.all_tags(own))
    }
}
