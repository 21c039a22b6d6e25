//! One resource's way to what the template says.

use std::sync::Arc;

use serde_json::Value;

use super::removal::destroy;
use super::{Operation, kind, policy_of, reason, type_of};
use crate::Fault;
use crate::cloudformation::State;
use crate::cloudformation::model::{Action, Incarnation, OnFailure, Resource, ResourceStatus, Stack, mask_hidden};
use crate::cloudformation::resources::{self, CREATION_INITIATED, Context, Made, Making, ResourceType};
use crate::cloudformation::template::check::Dependencies;
use crate::cloudformation::template::resolve::Scope;
use crate::cloudformation::template::{Template, template_fault};
use crate::faults::Verb;

/// Why an update that disables rollbacks replaces nothing (AWS's sentence, as in aws/aws-sam-cli issue 4585).
const UNREPLACED: &str = "Replacement type updates not supported on stack with disable-rollback.";

/// One resource's way to what the template says.
struct Step {
    operation: Operation,
    context: Context,
    kind: &'static ResourceType,
    row: Resource,
    wanted: Value,
    /// `wanted` as events show it, where parameters that are not to be shown went into it.
    masked: Option<Value>,
    /// Whether the update changes the stack's tags.
    retagged: bool,
    goal: Arc<Goal>,
}

/// What all resources of a stack go to.
pub struct Goal {
    /// The stack as it was when its operation's phase began.
    pub stack: Stack,
    /// Its template.
    pub template: Template,
    /// The resources that are to be, with what they need.
    pub live: Dependencies,
}

/// Makes, changes or replaces a resource, if it is not as it is to be.
pub async fn converge(operation: Operation, name: String, goal: Arc<Goal>) -> Result<(), Fault> {
    let Goal { stack, template, live } = &*goal;
    let (mut row, wanted, masked) = {
        let depends_on = live.get(&name).map_or(&[][..], Vec::as_slice);
        let scope = operation.scope_of(&stack.definition, template, depends_on);
        let hidden = stack.definition.hidden_parameters();
        let properties = &template.resources()[&name]["Properties"];
        let masked = (!hidden.is_empty()).then(|| scope.resolve_masked(properties, &hidden));
        (row(&operation, &goal, &scope, &name), resolved(template, &scope, &name), masked)
    };
    let context = operation.context(&name, &stack.definition.tags);
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(problem) => {
            let action = if row.current.is_some() { Action::Update } else { Action::Create };
            operation.set(&mut row, action.failed(), Some(&problem))?;
            return Err(template_fault(problem));
        }
    };
    let kind = type_of(&kind(template, &name))?;
    let retagged = stack.previous.as_ref().is_some_and(|previous| previous.tags != stack.definition.tags);
    let masked = masked.filter(|masked| !masked.is_null());
    let mut step = Step { operation, context, kind, row, wanted, masked, retagged, goal: Arc::clone(&goal) };
    let result = step.run().await;
    if let Err(fault) = &result {
        step.operation.abandon(&name)?;
        // Of one that is as it was, only the storing of what the template says of it can have failed.
        if !step.row.status.is_complete() {
            step.say(step.row.status.action().failed(), Some(&reason(fault)))?;
        }
    }
    result
}

/// The stored row, with what the template says of its policies, or a new one.
fn row(operation: &Operation, goal: &Goal, scope: &Scope<'_>, name: &str) -> Resource {
    let declared = &goal.template.resources()[name];
    let stored = operation.resource(name).filter(|row| row.current.is_some() || !row.status.is_deletion());
    let fresh = Resource {
        logical_id: name.to_owned(),
        kind: kind(&goal.template, name),
        status: ResourceStatus::CreateInProgress,
        reason: None,
        changed: operation.sandbox.clock.now(),
        current: None,
        previous: None,
        garbage: Vec::new(),
        kept: Vec::new(),
        depends_on: Vec::new(),
        deletion_policy: String::new(),
        update_replace_policy: String::new(),
        metadata: Value::Null,
        half_made: false,
        is_new: true,
    };
    Resource {
        depends_on: goal.live.get(name).cloned().unwrap_or_default(),
        deletion_policy: policy_of(declared, "DeletionPolicy"),
        update_replace_policy: policy_of(declared, "UpdateReplacePolicy"),
        metadata: scope.resolve(&declared["Metadata"]).ok().flatten().unwrap_or_default(),
        ..stored.unwrap_or(fresh)
    }
}

fn resolved(template: &Template, scope: &Scope<'_>, name: &str) -> Result<Value, String> {
    let properties = &template.resources()[name]["Properties"];
    let resolved = scope.resolve(properties)?.unwrap_or_default();
    Ok(if resolved.is_null() { Value::Object(serde_json::Map::new()) } else { resolved })
}

impl Step {
    async fn run(&mut self) -> Result<(), Fault> {
        self.take_back_half().await?;
        let Some(current) = self.row.current.clone() else { return self.create(Action::Create).await };
        if self.is_made(&current) {
            let action = self.row.status.action();
            if self.row.status.is_failed() {
                self.say(action.in_progress(), None)?;
            }
            return self.settle(action, Made::from(&current)).await;
        }
        if self.row.status == ResourceStatus::CreateFailed {
            destroy(&self.operation, &self.row.logical_id, current).await?;
            self.row.current = None;
            return self.create(Action::Create).await;
        }
        if current.kind != self.kind.name || needs_replacement(self.kind, &current.properties, &self.wanted) {
            self.refuse(resources::refusal_to_replace(self.kind.name, &current.properties, &self.wanted))?;
            self.refuse(self.keeps_what_fails().then(|| UNREPLACED.to_owned()))?;
            return self.replace(current).await;
        }
        let is_unfinished = self.row.status.is_update_unfinished();
        let is_half_changed = is_unfinished && self.row.previous.is_some();
        if current.properties != self.wanted || (self.retagged && self.kind.has_tags()) || is_half_changed {
            return self.update(current).await;
        }
        // The same value may come from a parameter that is not to be shown any more, or is now.
        if let Some(current) = &mut self.row.current {
            current.masked.clone_from(&self.masked);
        }
        // It failed before anything was done to it, and nothing is to be done to it any more.
        if is_unfinished { self.say(ResourceStatus::UpdateComplete, None) } else { self.store() }
    }

    /// Whether an earlier attempt made the physical resource that is asked for, so that it only has to be waited for. That
    /// attempt may have failed: when the disk was full, the resource's failure was stored and the stack's was not.
    fn is_made(&self, current: &Incarnation) -> bool {
        let is_wanted = current.kind == self.kind.name && current.properties == self.wanted;
        let is_new = || self.row.previous.as_ref().is_some_and(|old| old.physical_id != current.physical_id);
        match self.row.status {
            ResourceStatus::CreateInProgress => true,
            ResourceStatus::CreateFailed => is_wanted,
            ResourceStatus::UpdateInProgress | ResourceStatus::UpdateFailed => is_wanted && is_new(),
            _ => false,
        }
    }

    /// What a crash left half made is made anew.
    async fn take_back_half(&mut self) -> Result<(), Fault> {
        if let Some(half) = self.row.current.clone().filter(|_| self.row.half_made) {
            destroy(&self.operation, &self.row.logical_id, half).await?;
            self.row.current.clone_from(&self.row.previous);
            self.row.garbage.retain(|one| Some(one) != self.row.previous.as_ref());
            self.row.kept.retain(|one| Some(one) != self.row.previous.as_ref());
            self.row.half_made = false;
            self.store()?;
        }
        Ok(())
    }

    /// What could not be taken back is not begun: the old resource would go before it is known that the new one stays.
    fn keeps_what_fails(&self) -> bool {
        self.goal.stack.definition.on_failure == OnFailure::DoNothing
    }

    /// Fails the update for a reason, if there is one, before anything is done to the resource.
    fn refuse(&mut self, reason: Option<String>) -> Result<(), Fault> {
        match reason {
            None => Ok(()),
            Some(reason) => {
                self.row.status = ResourceStatus::UpdateInProgress;
                Err(template_fault(reason))
            }
        }
    }

    /// Keeps what the template says of a resource that does not change itself.
    fn store(&self) -> Result<(), Fault> {
        if self.operation.resource(&self.row.logical_id).as_ref() == Some(&self.row) {
            return Ok(());
        }
        let (row, stack_id) = (self.row.clone(), &self.operation.stack_id);
        self.operation.sandbox.world.write(|world| {
            world.of_mut::<State>().keep_resource(stack_id, row);
            Ok(())
        })
    }

    fn say(&mut self, status: ResourceStatus, reason: Option<&str>) -> Result<(), Fault> {
        let shown = self.masked.as_ref().unwrap_or(&self.wanted);
        let reason = reason.map(|reason| mask_hidden(reason, &self.wanted, shown));
        self.operation.set_with(&mut self.row, status, reason.as_deref(), Some(shown))
    }

    async fn create(&mut self, action: Action) -> Result<(), Fault> {
        let status = action.in_progress();
        if action == Action::Create {
            self.say(status, None)?;
        }
        self.context.strike(Verb::Create, self.kind)?;
        let making =
            Some(Making { kind: self.kind.name, properties: self.wanted.clone(), masked: self.masked.clone(), status });
        let context = Context { making, ..self.context.clone() };
        let made = (self.kind.create)(context, self.wanted.clone()).await;
        // The handler may have told that it is there already.
        self.row = self.operation.resource(&self.row.logical_id).unwrap_or_else(|| self.row.clone());
        let made = made?;
        self.kind.name.clone_into(&mut self.row.kind);
        self.row.become_made(self.incarnation(made.clone()));
        if std::mem::take(&mut self.row.half_made) {
            self.store()?;
        } else {
            self.say(status, Some(CREATION_INITIATED))?;
        }
        self.settle(action, made).await
    }

    fn incarnation(&self, made: Made) -> Incarnation {
        Incarnation { masked: self.masked.clone(), ..Incarnation::new(self.kind.name, made, self.wanted.clone()) }
    }

    /// Waits until it is as asked, and says so.
    async fn settle(&mut self, action: Action, made: Made) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        let made = match self.kind.stable {
            Some(stable) => stable(self.context.clone(), made).await?,
            None => made,
        };
        self.row.current = Some(self.incarnation(made));
        self.say(action.complete(), None)
    }

    async fn update(&mut self, current: Incarnation) -> Result<(), Fault> {
        self.row.previous.get_or_insert_with(|| current.clone());
        self.say(ResourceStatus::UpdateInProgress, None)?;
        self.context.strike(Verb::Update, self.kind)?;
        let made = (self.kind.update)(self.context.clone(), current, self.wanted.clone()).await?;
        self.settle(Action::Update, made).await
    }

    /// Makes the new one first; the old one goes in the clean-up.
    async fn replace(&mut self, current: Incarnation) -> Result<(), Fault> {
        let sentence = "Requested update requires the creation of a new physical resource; hence creating one.";
        self.row.previous.get_or_insert(current);
        self.say(ResourceStatus::UpdateInProgress, Some(sentence))?;
        self.create(Action::Update).await
    }
}

/// Whether a property that only creation can set has changed.
pub fn needs_replacement(kind: &ResourceType, old: &Value, new: &Value) -> bool {
    changed_properties(old, new).iter().any(|name| kind.must_replace(name, &old[name], &new[name]))
}

/// The names of the properties that differ.
pub fn changed_properties(old: &Value, new: &Value) -> Vec<String> {
    let names =
        |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut all = names(old);
    all.extend(names(new).into_iter().filter(|name| old.get(name).is_none()));
    all.into_iter().filter(|name| old.get(name) != new.get(name)).collect()
}
