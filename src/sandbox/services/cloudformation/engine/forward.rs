//! Towards what the template says: creates, updates and replaces, then the outputs.

use std::fmt::Write as _;

use serde_json::Value;

use super::graph::{self, Outcome};
use super::{Operation, Target, incarnation, kind, outputs, policy, reason, type_of};
use crate::sandbox::Fault;
use crate::sandbox::services::cloudformation::model::{Incarnation, OnFailure, Resource};
use crate::sandbox::services::cloudformation::resources::{Context, Made, ResourceType};
use crate::sandbox::services::cloudformation::template::Template;
use crate::sandbox::services::cloudformation::template::check::unknown_attribute;
use crate::sandbox::services::cloudformation::template::parameters::existence;

/// Runs the phase.
pub async fn run(operation: &Operation) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let (live, missing) = {
        let target = operation.target(&stack.definition, &template)?;
        let missing = outputs::missing_import(&target).or_else(|| unknown_attribute(&template, &target.scope));
        (target.live, missing)
    };
    let named = existence::missing(&operation.sandbox, &template, &stack.definition.parameters).await?;
    if let Some(reason) = named.or(missing) {
        return fail(operation, &reason, stack.definition.on_failure);
    }
    let outcome = graph::run(operation, live, false, |operation, name| Box::pin(converge(operation, name))).await;
    if outcome.interrupted {
        return Ok(());
    }
    if !outcome.failed.is_empty() {
        return failed(operation, &outcome, stack.definition.on_failure);
    }
    let target = operation.target(&stack.definition, &template)?;
    match outputs::evaluate(operation, &target) {
        Err(problem) => fail(operation, &problem, stack.definition.on_failure),
        Ok((outputs, imports)) => {
            let status = if is_creation(operation) { "CREATE_COMPLETE" } else { "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" };
            operation.finish(status, None, |stack| {
                stack.outputs = outputs;
                stack.imports = imports;
                stack.previous = None;
            })
        }
    }
}

fn is_creation(operation: &Operation) -> bool {
    operation.phase == "CREATE_IN_PROGRESS"
}

fn failed(operation: &Operation, outcome: &Outcome, on_failure: OnFailure) -> Result<(), Fault> {
    let resources = operation.resources();
    let (mut created, mut updated) = (Vec::new(), Vec::new());
    for name in &outcome.cancelled {
        let Some(mut resource) = resources.get(name).cloned() else { continue };
        let verb = verb(&resource);
        let sentence = if verb == "UPDATE" { "Resource update cancelled" } else { "Resource creation cancelled" };
        operation.set(&mut resource, &format!("{verb}_FAILED"), Some(sentence))?;
    }
    for name in outcome.failed.iter().chain(&outcome.cancelled) {
        let Some(resource) = resources.get(name) else { continue };
        if verb(resource) == "UPDATE" { updated.push(name.as_str()) } else { created.push(name.as_str()) }
    }
    let mut sentence = String::new();
    for (names, what) in [(created, "create"), (updated, "update")] {
        if !names.is_empty() {
            let _ = write!(sentence, "The following resource(s) failed to {what}: [{}]. ", names.join(", "));
        }
    }
    fail(operation, sentence.trim_end(), on_failure)
}

/// Whether a resource was being made or changed.
fn verb(resource: &Resource) -> &'static str {
    if resource.status.starts_with("UPDATE") { "UPDATE" } else { "CREATE" }
}

/// Gives the stack the status that follows a failure.
fn fail(operation: &Operation, reason: &str, on_failure: OnFailure) -> Result<(), Fault> {
    let (status, reason) = match (is_creation(operation), on_failure) {
        (true, OnFailure::Rollback) => ("ROLLBACK_IN_PROGRESS", format!("{reason} Rollback requested by user.")),
        (true, OnFailure::Delete) => ("DELETE_IN_PROGRESS", format!("{reason} Delete requested by user.")),
        (true, OnFailure::DoNothing) => ("CREATE_FAILED", reason.to_owned()),
        (false, OnFailure::DoNothing) => ("UPDATE_FAILED", reason.to_owned()),
        (false, _) => ("UPDATE_ROLLBACK_IN_PROGRESS", reason.to_owned()),
    };
    operation.finish(status, Some(reason), |_| {})
}

/// One resource's way to what the template says.
struct Step {
    operation: Operation,
    context: Context,
    kind: &'static ResourceType,
    row: Resource,
    wanted: Value,
    /// Whether the update changes the stack's tags.
    retagged: bool,
}

async fn converge(operation: Operation, name: String) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let (mut row, wanted) = {
        let target = operation.target(&stack.definition, &template)?;
        (row(&operation, &target, &name), resolved(&target, &name))
    };
    let context = operation.context(&name, &stack.definition.tags);
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(problem) => {
            let verb = if row.current.is_some() { "UPDATE" } else { "CREATE" };
            operation.set(&mut row, &format!("{verb}_FAILED"), Some(&problem))?;
            return Err(Fault::client("Template", problem));
        }
    };
    let kind = type_of(&kind(&template, &name))?;
    let retagged = stack.previous.as_ref().is_some_and(|previous| previous.tags != stack.definition.tags);
    let mut step = Step { operation, context, kind, row, wanted, retagged };
    let result = step.run().await;
    if let Err(fault) = &result {
        let status = format!("{}_FAILED", verb(&step.row));
        step.operation.set_with(&mut step.row, &status, Some(&reason(fault)), Some(&step.wanted))?;
    }
    result
}

/// The stored row, with what the template says of its policies, or a new one.
fn row(operation: &Operation, target: &Target<'_>, name: &str) -> Resource {
    let declared = &target.template.resources()[name];
    let stored = operation.resource(name).filter(|row| row.current.is_some() || !row.status.starts_with("DELETE"));
    let fresh = Resource {
        logical_id: name.to_owned(),
        kind: kind(target.template, name),
        status: String::new(),
        reason: None,
        changed: operation.sandbox.clock.now(),
        current: None,
        previous: None,
        garbage: Vec::new(),
        depends_on: Vec::new(),
        deletion_policy: String::new(),
        update_replace_policy: String::new(),
        metadata: Value::Null,
    };
    Resource {
        depends_on: target.live.get(name).cloned().unwrap_or_default(),
        deletion_policy: policy(declared, "DeletionPolicy"),
        update_replace_policy: policy(declared, "UpdateReplacePolicy"),
        metadata: declared["Metadata"].clone(),
        ..stored.unwrap_or(fresh)
    }
}

fn resolved(target: &Target<'_>, name: &str) -> Result<Value, String> {
    let properties = &target.template.resources()[name]["Properties"];
    let resolved = target.scope.resolve(properties)?.unwrap_or_default();
    Ok(if resolved.is_null() { Value::Object(serde_json::Map::new()) } else { resolved })
}

impl Step {
    async fn run(&mut self) -> Result<(), Fault> {
        let Some(current) = self.row.current.clone() else { return self.create("CREATE").await };
        if self.row.status == "CREATE_IN_PROGRESS"
            || (self.row.status == "UPDATE_IN_PROGRESS" && current.properties == self.wanted)
        {
            let verb = verb(&self.row);
            return self.settle(verb, Made::from(&current)).await;
        }
        if current.kind != self.kind.name || needs_replacement(self.kind, &current.properties, &self.wanted) {
            return self.replace(current).await;
        }
        if current.properties != self.wanted || (self.retagged && self.kind.has_tags()) {
            return self.update(current).await;
        }
        self.store()
    }

    /// Keeps what the template says of a resource that does not change itself.
    fn store(&self) -> Result<(), Fault> {
        let (row, stack_id) = (self.row.clone(), &self.operation.stack_id);
        self.operation.sandbox.world.write(|world| {
            world.cloudformation.keep_resource(stack_id, row);
            Ok(())
        })
    }

    fn say(&mut self, status: &str, reason: Option<&str>) -> Result<(), Fault> {
        self.operation.set_with(&mut self.row, status, reason, Some(&self.wanted))
    }

    async fn create(&mut self, verb: &str) -> Result<(), Fault> {
        if verb == "CREATE" {
            self.say("CREATE_IN_PROGRESS", None)?;
        }
        let made = (self.kind.create)(self.context.clone(), self.wanted.clone()).await?;
        self.kind.name.clone_into(&mut self.row.kind);
        self.row.current = Some(incarnation(self.kind.name, made.clone(), self.wanted.clone()));
        self.say(&format!("{verb}_IN_PROGRESS"), Some("Resource creation Initiated"))?;
        self.settle(verb, made).await
    }

    /// Waits until it is as asked, and says so.
    async fn settle(&mut self, verb: &str, made: Made) -> Result<(), Fault> {
        let made = match self.kind.stable {
            Some(stable) => stable(self.context.clone(), made).await?,
            None => made,
        };
        self.row.current = Some(incarnation(self.kind.name, made, self.wanted.clone()));
        self.say(&format!("{verb}_COMPLETE"), None)
    }

    async fn update(&mut self, current: Incarnation) -> Result<(), Fault> {
        self.row.previous.get_or_insert_with(|| current.clone());
        self.say("UPDATE_IN_PROGRESS", None)?;
        let made = (self.kind.update)(self.context.clone(), current, self.wanted.clone()).await?;
        self.settle("UPDATE", made).await
    }

    /// Makes the new one first; the old one goes in the clean-up.
    async fn replace(&mut self, current: Incarnation) -> Result<(), Fault> {
        let sentence = "Requested update requires the creation of a new physical resource; hence creating one.";
        self.say("UPDATE_IN_PROGRESS", Some(sentence))?;
        self.row.previous.get_or_insert_with(|| current.clone());
        if self.row.update_replace_policy == "Delete" && !self.row.garbage.contains(&current) {
            self.row.garbage.push(current);
        }
        self.create("UPDATE").await
    }
}

/// Whether a property that only creation can set has changed.
pub fn needs_replacement(kind: &ResourceType, old: &Value, new: &Value) -> bool {
    changed_properties(old, new).iter().any(|name| kind.is_create_only(name))
}

/// The names of the properties that differ.
pub fn changed_properties(old: &Value, new: &Value) -> Vec<String> {
    let names =
        |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut all = names(old);
    all.extend(names(new).into_iter().filter(|name| old.get(name).is_none()));
    all.into_iter().filter(|name| old.get(name) != new.get(name)).collect()
}
