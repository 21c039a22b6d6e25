//! Moves stacks from one status to the next. All progress is in the world, so that an operation goes on after a restart:
//! each phase can be begun again at any point, and only does what is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::model::{Definition, Resource, Stack};
use super::resources::{self, Context, ResourceType};
use super::template::check::{Dependencies, live_dependencies};
use super::template::resolve::{Known, Progress, Scope};
use super::template::{Template, kind_of, parameters};
use crate::base::ids;
use crate::base::supervisor;
use crate::base::tags::Tag;
use crate::cloudformation::State;
use crate::store::World;
use crate::{Fault, Sandbox};

mod forward;
mod graph;
mod outputs;
mod removal;
mod rollback;
mod step;
#[cfg(test)]
mod tests;

pub use step::changed_properties;

/// How long to wait before a phase that the disk stopped is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Goes on with every operation that an earlier process did not end.
pub fn resume(sandbox: &Arc<Sandbox>) {
    // What a creation had inserted when the process ended belongs to nothing: it is made anew.
    let undone = sandbox.world.write(|world| {
        let attempts: Vec<String> =
            world.of::<State>().attempts.iter().map(|(resource, _)| resource.to_owned()).collect();
        for resource in &attempts {
            undo_attempt(world, resource);
        }
        world.of_mut::<State>().bury_deleted();
        Ok(())
    });
    // A disk that refuses to write now refuses what follows too, and that is tried again.
    drop(undone);
    let unfinished = sandbox.world.read(|world| {
        let stacks = world.of::<State>().stacks.values();
        stacks.filter(|stack| is_moving(&stack.status)).map(|stack| stack.id.clone()).collect::<Vec<_>>()
    });
    for id in unfinished {
        start(sandbox, id);
    }
}

/// Takes out what the creation of a resource has inserted, if it did not come to be known.
fn undo_attempt(world: &mut World, resource: &str) {
    if let Some(rows) = world.of_mut::<State>().attempts.remove(resource) {
        world.remove_rows(&rows);
    }
}

/// Whether a stack of this status has an operation under way.
pub fn is_moving(status: &str) -> bool {
    status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS"
}

/// Begins to move a stack; the caller has just given it a status from which it moves.
pub fn start(sandbox: &Arc<Sandbox>, stack_id: String) {
    let moving = Arc::clone(sandbox);
    sandbox.spawn(async move {
        while let Some(operation) = Operation::of(&moving, &stack_id) {
            let result = match supervisor::catch(operation.advance()).await {
                // Trying again does not help, as with a stored template that this version does not take any more.
                Ok(Err(fault)) if !fault.is_internal() => {
                    operation.finish(operation.failed_status(), Some(fault.message), |_| {})
                }
                Ok(result) => result,
                Err(panic) => {
                    moving
                        .log
                        .write(&format!("the operation on stack {} is tried again: {panic}", operation.stack_name));
                    Err(Fault::internal(panic))
                }
            };
            if result.is_err() {
                moving.clock.sleep(RETRY).await;
            }
            // Whoever moves the stack again from here starts a mover of their own: this one must not see that status.
            if operation.at_rest.load(Ordering::Acquire) {
                return;
            }
        }
    });
}

/// One phase of a stack's operation.
#[derive(Debug, Clone)]
struct Operation {
    sandbox: Arc<Sandbox>,
    stack_id: String,
    stack_name: String,
    phase: String,
    /// Whether this phase has brought the stack to rest.
    at_rest: Arc<AtomicBool>,
}

impl Operation {
    /// The phase that a stack is in; `None` when it is at rest.
    fn of(sandbox: &Arc<Sandbox>, stack_id: &str) -> Option<Self> {
        let (stack_name, phase) = sandbox.world.read(|world| {
            let stack = world.of::<State>().stacks.get(stack_id)?;
            Some((stack.name.clone(), stack.status.clone()))
        })?;
        let (sandbox, stack_id) = (Arc::clone(sandbox), stack_id.to_owned());
        let operation = Self { sandbox, stack_id, stack_name, phase, at_rest: Arc::default() };
        is_moving(&operation.phase).then_some(operation)
    }

    async fn advance(&self) -> Result<(), Fault> {
        match self.phase.as_str() {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" => forward::run(self).await,
            "UPDATE_ROLLBACK_IN_PROGRESS" => rollback::run(self).await,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
                removal::clean_up(self).await
            }
            _ => removal::delete(self).await,
        }
    }

    /// The status of a stack whose phase cannot go on.
    fn failed_status(&self) -> &'static str {
        match self.phase.as_str() {
            "CREATE_IN_PROGRESS" => "CREATE_FAILED",
            "ROLLBACK_IN_PROGRESS" => "ROLLBACK_FAILED",
            "UPDATE_IN_PROGRESS" => "UPDATE_FAILED",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_IN_PROGRESS" => "UPDATE_ROLLBACK_FAILED",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_ROLLBACK_COMPLETE",
            _ => "DELETE_FAILED",
        }
    }

    /// Whether nobody has given the stack another status meanwhile.
    fn is_current(&self) -> bool {
        self.sandbox.world.read(|world| {
            world.of::<State>().stacks.get(&self.stack_id).is_some_and(|stack| stack.status == self.phase)
        })
    }

    fn stack(&self) -> Result<Stack, Fault> {
        let found = self.sandbox.world.read(|world| world.of::<State>().stacks.get(&self.stack_id).cloned());
        found.ok_or_else(|| Fault::internal("a stack under way is gone"))
    }

    fn resources(&self) -> BTreeMap<String, Resource> {
        self.sandbox.world.read(|world| world.of::<State>().resources_of(&self.stack_id))
    }

    fn resource(&self, name: &str) -> Option<Resource> {
        let key = format!("{}|{name}", self.stack_id);
        self.sandbox.world.read(|world| world.of::<State>().resources.get(&key).cloned())
    }

    /// Ends the phase: `change` is made to the stack together with the status.
    fn finish(&self, status: &str, reason: Option<String>, change: impl FnOnce(&mut Stack)) -> Result<(), Fault> {
        let now = self.sandbox.clock.now();
        let ended = self.sandbox.world.write(|world| {
            let current =
                world.of_mut::<State>().stacks.get_mut(&self.stack_id).filter(|stack| stack.status == self.phase);
            let Some(stack) = current else { return Ok(false) };
            change(stack);
            if !is_moving(status) {
                stack.importing.clear();
            }
            world.of_mut::<State>().set_status(&self.stack_id, status, reason, now);
            Ok(true)
        })?;
        self.at_rest.store(ended && !is_moving(status), Ordering::Release);
        Ok(())
    }

    /// Forgets what the unfinished creation of a resource has made.
    fn abandon(&self, name: &str) -> Result<(), Fault> {
        self.sandbox.world.write(|world| {
            undo_attempt(world, &format!("{}|{name}", self.stack_id));
            Ok(())
        })
    }

    /// Stores a resource with a status and its event.
    fn set(&self, resource: &mut Resource, status: &str, reason: Option<&str>) -> Result<(), Fault> {
        self.set_with(resource, status, reason, None)
    }

    fn set_with(
        &self,
        resource: &mut Resource,
        status: &str,
        reason: Option<&str>,
        properties: Option<&serde_json::Value>,
    ) -> Result<(), Fault> {
        status.clone_into(&mut resource.status);
        resource.reason = reason.map(str::to_owned);
        resource.changed = self.sandbox.clock.now();
        let stored = resource.clone();
        self.sandbox.world.write(|world| {
            world.of_mut::<State>().set_resource(&self.stack_id, stored, properties);
            Ok(())
        })
    }

    fn context(&self, logical_id: &str, tags: &[Tag]) -> Context {
        let added = [
            ("aws:cloudformation:stack-name", self.stack_name.as_str()),
            ("aws:cloudformation:logical-id", logical_id),
            (resources::STACK_ID_TAG, self.stack_id.as_str()),
        ];
        let added = added.map(|(key, value)| Tag { key: key.to_owned(), value: value.to_owned() });
        Context {
            sandbox: Arc::clone(&self.sandbox),
            stack_name: self.stack_name.clone(),
            logical_id: logical_id.to_owned(),
            kind: "",
            tags: tags.iter().cloned().chain(added).collect(),
            making: None,
        }
    }

    /// What is to be, as the definition says.
    fn target<'a>(&'a self, definition: &Definition, template: &'a Template) -> Result<Target<'a>, Fault> {
        let scope = self.scope(definition, template, self.resources());
        let live = live_dependencies(template, &scope)?;
        Ok(Target { template, scope, live })
    }

    /// What a template's references stand for, where these are the resources that are there.
    fn scope<'a>(
        &'a self,
        definition: &Definition,
        template: &'a Template,
        resources: BTreeMap<String, Resource>,
    ) -> Scope<'a> {
        let exports = self.sandbox.world.read(|world| world.of::<State>().exports());
        let known = |resource: Resource| {
            let current = resource.current?;
            Some((resource.logical_id, Known::Resource(current.physical_id, current.attributes)))
        };
        Scope {
            template,
            config: &self.sandbox.config,
            stack_name: &self.stack_name,
            stack_id: &self.stack_id,
            parameters: parameters::scope(template, &definition.parameters),
            resources: resources.into_values().filter_map(known).collect(),
            exports,
            dynamic: definition.dynamic.clone(),
            notification_arns: definition.notification_arns.clone(),
            progress: Progress::default(),
        }
    }

    /// What the references of one resource stand for. Only what it depends on is looked up: a look at every resource for every
    /// resource would keep other callers waiting in large stacks.
    fn scope_of<'a>(&'a self, definition: &Definition, template: &'a Template, depends_on: &[String]) -> Scope<'a> {
        let resource = |name: &String| Some((name.clone(), self.resource(name)?));
        self.scope(definition, template, depends_on.iter().filter_map(resource).collect())
    }
}

/// What a stack is to be.
struct Target<'a> {
    template: &'a Template,
    scope: Scope<'a>,
    live: Dependencies,
}

fn type_of(name: &str) -> Result<&'static ResourceType, Fault> {
    resources::find(name).ok_or_else(|| Fault::not_implemented(&format!("the resource type {name}")))
}

/// A fault as a resource's reason: with the words around it that CloudFormation's handlers put there.
fn reason(fault: &Fault) -> String {
    if fault.message.starts_with("Properties validation failed") || fault.code == "Template" {
        return fault.message.clone();
    }
    let code = match fault.code.as_str() {
        code if code.contains("AlreadyExists") || code.contains("Duplicate") => "AlreadyExists",
        code if code.contains("NotFound") || code == "NoSuchEntity" => "NotFound",
        code if code.contains("LimitExceeded") => "ServiceLimitExceeded",
        "NotStabilized" => "NotStabilized",
        "GeneralServiceException" => "GeneralServiceException",
        code if code.contains("LimitExceeded") => "ServiceLimitExceeded",
        _ => "InvalidRequest",
    };
    format!(
        "Resource handler returned message: \"{}\" (RequestToken: {}, HandlerErrorCode: {code})",
        fault.message,
        ids::uuid()
    )
}

/// The deletion policy of a template's resource.
fn policy_of(resource: &serde_json::Value, member: &str) -> String {
    resource[member].as_str().unwrap_or("Delete").to_owned()
}

/// The type of a template's resource.
fn kind(template: &Template, name: &str) -> String {
    template.resources().get(name).map_or_else(String::new, |resource| kind_of(resource).to_owned())
}
