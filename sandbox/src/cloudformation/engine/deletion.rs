//! Deletes resources: those of a whole stack, those that a failed creation made, and those that an update replaced or removed.

use super::graph::{self, reversed};
use super::phase::StackPhase;
use super::{find_type, status_reason};
use crate::Fault;
use crate::cloudformation::State;
use crate::cloudformation::model::{DeletionPolicy, PhysicalResource, Resource, ResourceStatus, StackStatus};
use crate::cloudformation::resources::is_missing;
use crate::cloudformation::template::Template;
use crate::cloudformation::template::template_check::Dependencies;
use crate::fault_injection::Verb;

/// Deletes every resource: the phase of `DELETE_IN_PROGRESS` and of `ROLLBACK_IN_PROGRESS`.
pub(super) async fn delete_stack(phase: &StackPhase) -> Result<(), Fault> {
    let rows = phase.resources().into_values().filter(|resource| !resource.status.is_removed());
    let order: Dependencies = rows.map(|resource| (resource.logical_id, resource.depends_on)).collect();
    let outcome = graph::run_all(phase, reversed(&order), |phase, name| Box::pin(delete(phase, name))).await?;
    if outcome.interrupted {
        return Ok(());
    }
    if !outcome.failed.is_empty() {
        let sentence = format!("The following resource(s) failed to delete: [{}]. ", outcome.failed.join(", "));
        return phase.finish(phase.status.on_failure(), Some(sentence), |_| {});
    }
    let status = match phase.status {
        StackStatus::RollbackInProgress => StackStatus::RollbackComplete,
        _ => StackStatus::DeleteComplete,
    };
    phase.finish(status, None, |stack| stack.imports.clear())
}

async fn delete(phase: StackPhase, name: String) -> Result<(), Fault> {
    let Some(mut resource) = phase.resource(&name) else { return Ok(()) };
    if resource.current.is_some() && is_retained(&phase, &resource)? {
        return phase.set_status(&mut resource, ResourceStatus::DeleteSkipped, None);
    }
    for physical in resource.pending_deletion.clone().into_iter().chain(resource.current.clone()) {
        phase.set_status(&mut resource, ResourceStatus::DeleteInProgress, None)?;
        if let Err(fault) = delete_physical(&phase, &name, physical).await {
            phase.set_status(&mut resource, ResourceStatus::DeleteFailed, Some(&status_reason(&fault)))?;
            return Err(fault);
        }
    }
    resource.pending_deletion.clear();
    phase.set_status(&mut resource, ResourceStatus::DeleteComplete, None)
}

/// Whether a resource stays. A rollback also deletes new resources whose policy is `RetainExceptOnCreate`.
fn is_retained(phase: &StackPhase, resource: &Resource) -> Result<bool, Fault> {
    let stack = phase.stack()?;
    let except_on_create =
        stack.definition.retain_except_on_create || resource.deletion_policy == DeletionPolicy::RetainExceptOnCreate;
    let policy_retains = resource.is_retained() && !(phase.status.is_rollback() && resource.is_new && except_on_create);
    Ok(policy_retains || stack.retain_resources.contains(&resource.logical_id))
}

/// Deletes a physical resource; one that does not exist any more counts as deleted.
pub(super) async fn delete_physical(phase: &StackPhase, name: &str, physical: PhysicalResource) -> Result<(), Fault> {
    let resource_type = find_type(&physical.resource_type)?;
    let context = phase.context(name, &[]);
    context.check_injected_fault(Verb::Delete, resource_type)?;
    match (resource_type.delete)(context, physical).await {
        Err(fault) if is_missing(&fault) => Ok(()),
        other => other,
    }
}

/// Deletes what an update replaced or removed: the phase of the two `CLEANUP_IN_PROGRESS` statuses.
pub(super) async fn clean_up(phase: &StackPhase) -> Result<(), Fault> {
    let stack = phase.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let active = phase.resolve(&stack.definition, &template)?.active;
    let is_affected = |resource: &Resource| {
        !active.contains_key(&resource.logical_id)
            || !resource.pending_deletion.is_empty()
            || !resource.retained.is_empty()
    };
    let affected = phase.resources().into_values().filter(is_affected);
    let order: Dependencies = affected.map(|resource| (resource.logical_id, resource.depends_on)).collect();
    let work = |phase: StackPhase, name: String| -> graph::ResourceFuture {
        if active.contains_key(&name) {
            Box::pin(delete_replaced(phase, name))
        } else {
            Box::pin(delete_removed(phase, name))
        }
    };
    let outcome = graph::run_all(phase, reversed(&order), work).await?;
    if outcome.interrupted {
        return Ok(());
    }
    let reason = (!outcome.failed.is_empty())
        .then(|| "Update successful. One or more resources could not be deleted.".to_owned());
    for resource in phase.resources().into_values().filter(|resource| resource.previous.is_some()) {
        phase.store_resource(Resource { previous: None, ..resource })?;
    }
    phase.finish(phase.status.after_cleanup(), reason, |_| {})
}

/// Deletes a resource that the template no longer has, and its row.
async fn delete_removed(phase: StackPhase, name: String) -> Result<(), Fault> {
    let is_physical = |resource: &Resource| resource.current.is_some() || !resource.pending_deletion.is_empty();
    if phase.resource(&name).is_some_and(|resource| !resource.status.is_removed() && is_physical(&resource)) {
        delete(phase.clone(), name.clone()).await?;
    }
    let key = phase.key(&name);
    phase.sandbox.store.write(|states| Ok(states.of_mut::<State>().resources.remove(&key))).map(drop)
}

/// Deletes the replaced physical resources of a resource that stays. The events have their physical ids.
async fn delete_replaced(phase: StackPhase, name: String) -> Result<(), Fault> {
    let Some(mut resource) = phase.resource(&name) else { return Ok(()) };
    for old in std::mem::take(&mut resource.retained) {
        let skipped = Resource { current: Some(old), ..resource.clone() };
        add_event(&phase, skipped, ResourceStatus::DeleteSkipped, None)?;
        phase.store_resource(resource.clone())?;
    }
    while let Some(old) = resource.pending_deletion.pop() {
        let deleted = Resource { current: Some(old.clone()), ..resource.clone() };
        add_event(&phase, deleted.clone(), ResourceStatus::DeleteInProgress, None)?;
        if let Err(fault) = delete_physical(&phase, &name, old).await {
            add_event(&phase, deleted, ResourceStatus::DeleteFailed, Some(status_reason(&fault)))?;
            return Err(fault);
        }
        add_event(&phase, deleted, ResourceStatus::DeleteComplete, None)?;
        phase.store_resource(resource.clone())?;
    }
    Ok(())
}

/// Adds an event of a resource whose stored row stays as it is.
fn add_event(
    phase: &StackPhase,
    resource: Resource,
    status: ResourceStatus,
    reason: Option<String>,
) -> Result<(), Fault> {
    let resource = Resource { status, reason, changed: phase.sandbox.clock.now(), ..resource };
    let key = phase.key(&resource.logical_id);
    phase.sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let stored = state.resources.get(&key).cloned();
        state.set_resource(&phase.stack_id, resource, None);
        if let Some(stored) = stored {
            state.store_resource(&phase.stack_id, stored);
        }
        Ok(())
    })
}
