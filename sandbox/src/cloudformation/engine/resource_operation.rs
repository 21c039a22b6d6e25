//! Brings one resource of a stack to the state that the template declares.

use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::deletion::delete_physical;
use super::phase::StackPhase;
use super::{find_type, status_reason};
use crate::Fault;
use crate::cloudformation::model::{
    DeletionPolicy, OnFailure, PhysicalResource, Resource, ResourceAction, ResourceStatus, Stack, mask_hidden,
};
use crate::cloudformation::resources::{
    CREATION_INITIATED, Creation, HandlerContext, HandlerOutput, ResourceType, custom_name_conflict,
};
use crate::cloudformation::template::evaluation_scope::EvaluationScope;
use crate::cloudformation::template::template_check::Dependencies;
use crate::cloudformation::template::{Template, policies, template_fault, type_of};
use crate::fault_injection::Verb;

/// Why an update that disables rollbacks replaces nothing (AWS's sentence, as in aws/aws-sam-cli issue 4585).
const REPLACEMENT_NOT_SUPPORTED: &str = "Replacement type updates not supported on stack with disable-rollback.";

/// The state that an operation brings all resources of a stack to.
pub(super) struct TargetState {
    /// The stack as it was at the beginning of the phase.
    pub stack: Stack,
    /// The template of its definition.
    pub template: Template,
    /// The resources whose conditions hold, with their dependencies.
    pub active: Dependencies,
}

struct ResourceOperation {
    phase: StackPhase,
    context: HandlerContext,
    resource_type: &'static ResourceType,
    resource: Resource,
    /// The resolved properties of the template.
    desired: Value,
    /// `desired` as responses and events show it, if it contains parameters with `NoEcho`.
    masked: Option<Value>,
    /// Whether the update changes the stack's tags.
    stack_tags_changed: bool,
    target: Arc<TargetState>,
}

/// Creates, updates or replaces a resource, unless it is in the target state already.
pub(super) async fn reconcile(phase: StackPhase, name: String, target: Arc<TargetState>) -> Result<(), Fault> {
    let TargetState { stack, template, active } = &*target;
    let declared = &template.resources()[&name];
    let (mut resource, desired, masked) = {
        let depends_on = active.get(&name).map_or(&[][..], Vec::as_slice);
        let scope = phase.scope_of(&stack.definition, template, depends_on);
        let hidden = stack.definition.hidden_parameters();
        let masked = (!hidden.is_empty()).then(|| scope.resolve_masked(&declared["Properties"], &hidden));
        (target_resource(&phase, &target, &scope, &name), desired_properties(declared, &scope), masked)
    };
    let context = phase.context(&name, &stack.definition.tags);
    let desired = match desired {
        Ok(desired) => desired,
        Err(problem) => {
            let action = if resource.current.is_some() { ResourceAction::Update } else { ResourceAction::Create };
            phase.set_status(&mut resource, action.failed(), Some(&problem))?;
            return Err(template_fault(problem));
        }
    };
    let resource_type = find_type(type_of(declared))?;
    let stack_tags_changed = stack.previous.as_ref().is_some_and(|previous| previous.tags != stack.definition.tags);
    let masked = masked.filter(|masked| !masked.is_null());
    let target = Arc::clone(&target);
    let mut operation =
        ResourceOperation { phase, context, resource_type, resource, desired, masked, stack_tags_changed, target };
    let result = operation.run().await;
    if let Err(fault) = &result {
        operation.phase.discard_creation(&name)?;
        // A resource that is still complete was not touched: its new status could not be stored.
        if !operation.resource.status.is_complete() {
            operation.set_status(operation.resource.status.action().failed(), Some(&status_reason(fault)))?;
        }
    }
    result
}

/// The stored resource or a new one, with the attributes that the template declares.
fn target_resource(phase: &StackPhase, target: &TargetState, scope: &EvaluationScope<'_>, name: &str) -> Resource {
    let declared = &target.template.resources()[name];
    let policy = |name| DeletionPolicy::deserialize(policies::value(scope, declared, name)).unwrap_or_default();
    let stored = phase.resource(name).filter(|resource| resource.current.is_some() || !resource.status.is_deletion());
    let new = || Resource {
        logical_id: name.to_owned(),
        resource_type: type_of(declared).to_owned(),
        status: ResourceStatus::CreateInProgress,
        reason: None,
        changed: phase.sandbox.clock.now(),
        current: None,
        previous: None,
        pending_deletion: Vec::new(),
        retained: Vec::new(),
        depends_on: Vec::new(),
        deletion_policy: DeletionPolicy::default(),
        update_replace_policy: DeletionPolicy::default(),
        metadata: Value::Null,
        create_incomplete: false,
        is_new: true,
    };
    Resource {
        depends_on: target.active.get(name).cloned().unwrap_or_default(),
        deletion_policy: policy("DeletionPolicy"),
        update_replace_policy: policy("UpdateReplacePolicy"),
        metadata: scope.resolve(&declared["Metadata"]).ok().flatten().unwrap_or_default(),
        ..stored.unwrap_or_else(new)
    }
}

fn desired_properties(declared: &Value, scope: &EvaluationScope<'_>) -> Result<Value, String> {
    let resolved = scope.resolve(&declared["Properties"])?.unwrap_or_default();
    Ok(if resolved.is_null() { Map::new().into() } else { resolved })
}

impl ResourceOperation {
    async fn run(&mut self) -> Result<(), Fault> {
        self.discard_incomplete_creation().await?;
        let Some(current) = self.resource.current.clone() else { return self.create(ResourceAction::Create).await };
        if self.is_created(&current) {
            let action = self.resource.status.action();
            if self.resource.status.is_failed() {
                self.set_status(action.in_progress(), None)?;
            }
            return self.complete(action, HandlerOutput::from(&current)).await;
        }
        if self.resource.status == ResourceStatus::CreateFailed {
            delete_physical(&self.phase, &self.resource.logical_id, current).await?;
            self.resource.current = None;
            return self.create(ResourceAction::Create).await;
        }
        if current.resource_type != self.resource_type.name
            || needs_replacement(self.resource_type, &current.properties, &self.desired)
        {
            self.check_replaceable(&current)?;
            return self.replace(current).await;
        }
        let is_unfinished = self.resource.status.is_update_unfinished();
        let is_partly_updated = is_unfinished && self.resource.previous.is_some();
        let gets_other_tags = self.stack_tags_changed && self.resource_type.has_tags();
        if current.properties != self.desired || gets_other_tags || is_partly_updated {
            return self.update(current).await;
        }
        // The template may have hidden or revealed a parameter without changing the value.
        if let Some(current) = &mut self.resource.current {
            current.masked.clone_from(&self.masked);
        }
        // An update that failed before it changed anything, and is not needed any more.
        if is_unfinished { self.set_status(ResourceStatus::UpdateComplete, None) } else { self.store_row() }
    }

    /// Whether an interrupted attempt has created the desired physical resource, which only has to become stable. The attempt may
    /// have failed: with a full disk, the resource's failure was stored and the stack's was not.
    fn is_created(&self, current: &PhysicalResource) -> bool {
        let is_desired = current.resource_type == self.resource_type.name && current.properties == self.desired;
        let is_replacement =
            || self.resource.previous.as_ref().is_some_and(|previous| previous.physical_id != current.physical_id);
        match self.resource.status {
            ResourceStatus::CreateInProgress => true,
            ResourceStatus::CreateFailed => is_desired,
            ResourceStatus::UpdateInProgress | ResourceStatus::UpdateFailed => is_desired && is_replacement(),
            _ => false,
        }
    }

    /// Deletes what a crash interrupted in its creation; it is created again.
    async fn discard_incomplete_creation(&mut self) -> Result<(), Fault> {
        if let Some(incomplete) = self.resource.current.clone().filter(|_| self.resource.create_incomplete) {
            delete_physical(&self.phase, &self.resource.logical_id, incomplete).await?;
            self.resource.current.clone_from(&self.resource.previous);
            if let Some(previous) = &self.resource.previous {
                let physical_id = previous.physical_id.clone();
                self.resource.keep_physical(&physical_id);
            }
            self.resource.create_incomplete = false;
            self.store_row()?;
        }
        Ok(())
    }

    /// Refuses a replacement before anything is changed.
    fn check_replaceable(&mut self, current: &PhysicalResource) -> Result<(), Fault> {
        // Without a rollback, the old resource would be deleted before it is known that the new one stays.
        let is_rollback_disabled = self.target.stack.definition.on_failure == OnFailure::DoNothing;
        let reason = custom_name_conflict(self.resource_type.name, &current.properties, &self.desired)
            .or_else(|| is_rollback_disabled.then(|| REPLACEMENT_NOT_SUPPORTED.to_owned()));
        match reason {
            None => Ok(()),
            Some(reason) => {
                self.resource.status = ResourceStatus::UpdateInProgress;
                Err(template_fault(reason))
            }
        }
    }

    /// Stores the row of a resource that needs no operation, if the template has changed it.
    fn store_row(&self) -> Result<(), Fault> {
        if self.phase.resource(&self.resource.logical_id).as_ref() == Some(&self.resource) {
            return Ok(());
        }
        self.phase.store_resource(self.resource.clone())
    }

    fn set_status(&mut self, status: ResourceStatus, reason: Option<&str>) -> Result<(), Fault> {
        let visible = self.masked.as_ref().unwrap_or(&self.desired);
        let reason = reason.map(|reason| mask_hidden(reason, &self.desired, visible));
        self.phase.set_status_with(&mut self.resource, status, reason.as_deref(), Some(visible))
    }

    /// Creates a physical resource; `action` is `Update` for a replacement.
    async fn create(&mut self, action: ResourceAction) -> Result<(), Fault> {
        let status = action.in_progress();
        if action == ResourceAction::Create {
            self.set_status(status, None)?;
        }
        self.context.check_injected_fault(Verb::Create, self.resource_type)?;
        let (properties, masked) = (self.desired.clone(), self.masked.clone());
        let creation = Some(Creation { resource_type: self.resource_type.name, properties, masked, status });
        let context = HandlerContext { creation, ..self.context.clone() };
        let created = (self.resource_type.create)(context, self.desired.clone()).await;
        // The handler may have stored the physical resource before it was finished.
        self.resource = self.phase.resource(&self.resource.logical_id).unwrap_or_else(|| self.resource.clone());
        let output = created?;
        self.resource_type.name.clone_into(&mut self.resource.resource_type);
        self.resource.set_current(self.physical_resource(output.clone()));
        if std::mem::take(&mut self.resource.create_incomplete) {
            self.store_row()?;
        } else {
            self.set_status(status, Some(CREATION_INITIATED))?;
        }
        self.complete(action, output).await
    }

    fn physical_resource(&self, output: HandlerOutput) -> PhysicalResource {
        let unmasked = PhysicalResource::new(self.resource_type.name, output, self.desired.clone());
        PhysicalResource { masked: self.masked.clone(), ..unmasked }
    }

    /// Waits until the physical resource is stable, and completes the operation.
    async fn complete(&mut self, action: ResourceAction, output: HandlerOutput) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        let output = match self.resource_type.stabilize {
            Some(stabilize) => stabilize(self.context.clone(), output).await?,
            None => output,
        };
        self.resource.current = Some(self.physical_resource(output));
        self.set_status(action.complete(), None)
    }

    async fn update(&mut self, current: PhysicalResource) -> Result<(), Fault> {
        self.resource.previous.get_or_insert_with(|| current.clone());
        self.set_status(ResourceStatus::UpdateInProgress, None)?;
        self.context.check_injected_fault(Verb::Update, self.resource_type)?;
        let output = (self.resource_type.update)(self.context.clone(), current, self.desired.clone()).await?;
        self.complete(ResourceAction::Update, output).await
    }

    /// Creates the new physical resource; the clean-up deletes the old one.
    async fn replace(&mut self, current: PhysicalResource) -> Result<(), Fault> {
        let sentence = "Requested update requires the creation of a new physical resource; hence creating one.";
        self.resource.previous.get_or_insert(current);
        self.set_status(ResourceStatus::UpdateInProgress, Some(sentence))?;
        self.create(ResourceAction::Update).await
    }
}

/// Whether a property has changed that only the creation of a resource can set.
fn needs_replacement(resource_type: &ResourceType, old: &Value, new: &Value) -> bool {
    changed_properties(old, new).iter().any(|name| resource_type.must_replace(name, &old[name], &new[name]))
}

/// The names of the properties that differ.
pub(crate) fn changed_properties(old: &Value, new: &Value) -> Vec<String> {
    let names =
        |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut all = names(old);
    all.extend(names(new).into_iter().filter(|name| old.get(name).is_none()));
    all.into_iter().filter(|name| old.get(name) != new.get(name)).collect()
}
