//! Deletes resources: those of a whole stack, those that a failed creation made, and those that an update replaced or removed.

use super::graph::{self, reversed};
use super::phase::StackPhase;
use super::{find_type, status_reason};
use crate::Fault;
use crate::cloudformation::State;
use crate::cloudformation::model::{DeletionPolicy, PhysicalResource, Resource, ResourceStatus, StackStatus};
use crate::cloudformation::resources::is_missing;
use crate::cloudformation::template::Template;
use crate::cloudformation::template::check::Dependencies;
use crate::fault_injection::Verb;

/// Deletes every resource: the phase of `DELETE_IN_PROGRESS` and of `ROLLBACK_IN_PROGRESS`.
pub(super) async fn delete_stack(operation: &StackPhase) -> Result<(), Fault> {
    let rows = operation.resources().into_values().filter(|row| !row.status.is_removed());
    let order: Dependencies = rows.map(|row| (row.logical_id, row.depends_on)).collect();
    let outcome =
        graph::run_all(operation, reversed(&order), |operation, name| Box::pin(delete(operation, name))).await?;
    if outcome.interrupted {
        return Ok(());
    }
    if !outcome.failed.is_empty() {
        let sentence = format!("The following resource(s) failed to delete: [{}]. ", outcome.failed.join(", "));
        return operation.finish(operation.phase.on_failure(), Some(sentence), |_| {});
    }
    let status = match operation.phase {
        StackStatus::RollbackInProgress => StackStatus::RollbackComplete,
        _ => StackStatus::DeleteComplete,
    };
    operation.finish(status, None, |stack| stack.imports.clear())
}

async fn delete(operation: StackPhase, name: String) -> Result<(), Fault> {
    let Some(mut row) = operation.resource(&name) else { return Ok(()) };
    if row.current.is_some() && is_retained(&operation, &row)? {
        return operation.set_status(&mut row, ResourceStatus::DeleteSkipped, None);
    }
    for physical in row.pending_deletion.clone().into_iter().chain(row.current.clone()) {
        operation.set_status(&mut row, ResourceStatus::DeleteInProgress, None)?;
        if let Err(fault) = delete_physical(&operation, &name, physical).await {
            operation.set_status(&mut row, ResourceStatus::DeleteFailed, Some(&status_reason(&fault)))?;
            return Err(fault);
        }
    }
    row.pending_deletion.clear();
    operation.set_status(&mut row, ResourceStatus::DeleteComplete, None)
}

/// Whether a resource stays. A rollback also deletes new resources whose policy is `RetainExceptOnCreate`.
fn is_retained(operation: &StackPhase, row: &Resource) -> Result<bool, Fault> {
    let stack = operation.stack()?;
    let except_on_create =
        stack.definition.retain_except_on_create || row.deletion_policy == DeletionPolicy::RetainExceptOnCreate;
    let policy_retains = row.is_retained() && !(operation.phase.is_rollback() && row.is_new && except_on_create);
    Ok(policy_retains || stack.retain.contains(&row.logical_id))
}

/// Deletes a physical resource; one that does not exist any more counts as deleted.
pub(super) async fn delete_physical(
    operation: &StackPhase,
    name: &str,
    physical: PhysicalResource,
) -> Result<(), Fault> {
    let resource_type = find_type(&physical.resource_type)?;
    let context = operation.context(name, &[]);
    context.check_injected_fault(Verb::Delete, resource_type)?;
    match (resource_type.delete)(context, physical).await {
        Err(fault) if is_missing(&fault) => Ok(()),
        other => other,
    }
}

/// Deletes what an update replaced or removed: the phase of the two `CLEANUP_IN_PROGRESS` statuses.
pub(super) async fn clean_up(operation: &StackPhase) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let active = operation.resolve(&stack.definition, &template)?.active;
    let is_affected = |row: &Resource| {
        !active.contains_key(&row.logical_id) || !row.pending_deletion.is_empty() || !row.retained.is_empty()
    };
    let affected = operation.resources().into_values().filter(is_affected);
    let order: Dependencies = affected.map(|row| (row.logical_id, row.depends_on)).collect();
    let work = |operation: StackPhase, name: String| -> graph::Work {
        if active.contains_key(&name) {
            Box::pin(delete_replaced(operation, name))
        } else {
            Box::pin(delete_removed(operation, name))
        }
    };
    let outcome = graph::run_all(operation, reversed(&order), work).await?;
    if outcome.interrupted {
        return Ok(());
    }
    let reason = (!outcome.failed.is_empty())
        .then(|| "Update successful. One or more resources could not be deleted.".to_owned());
    for row in operation.resources().into_values().filter(|row| row.previous.is_some()) {
        operation.store_resource(Resource { previous: None, ..row })?;
    }
    operation.finish(operation.phase.after_cleanup(), reason, |_| {})
}

/// Deletes a resource that the template no longer has, and its row.
async fn delete_removed(operation: StackPhase, name: String) -> Result<(), Fault> {
    let is_physical = |row: &Resource| row.current.is_some() || !row.pending_deletion.is_empty();
    if operation.resource(&name).is_some_and(|row| !row.status.is_removed() && is_physical(&row)) {
        delete(operation.clone(), name.clone()).await?;
    }
    let key = operation.key(&name);
    operation.sandbox.store.write(|states| Ok(states.of_mut::<State>().resources.remove(&key))).map(drop)
}

/// Deletes the replaced physical resources of a resource that stays. The events have their physical ids.
async fn delete_replaced(operation: StackPhase, name: String) -> Result<(), Fault> {
    let Some(mut row) = operation.resource(&name) else { return Ok(()) };
    for old in std::mem::take(&mut row.retained) {
        let skipped = Resource { current: Some(old), ..row.clone() };
        add_event(&operation, skipped, ResourceStatus::DeleteSkipped, None)?;
        operation.store_resource(row.clone())?;
    }
    while let Some(old) = row.pending_deletion.pop() {
        let deleted = Resource { current: Some(old.clone()), ..row.clone() };
        add_event(&operation, deleted.clone(), ResourceStatus::DeleteInProgress, None)?;
        if let Err(fault) = delete_physical(&operation, &name, old).await {
            add_event(&operation, deleted, ResourceStatus::DeleteFailed, Some(status_reason(&fault)))?;
            return Err(fault);
        }
        add_event(&operation, deleted, ResourceStatus::DeleteComplete, None)?;
        operation.store_resource(row.clone())?;
    }
    Ok(())
}

/// Adds an event of a resource whose stored row stays as it is.
fn add_event(
    operation: &StackPhase,
    resource: Resource,
    status: ResourceStatus,
    reason: Option<String>,
) -> Result<(), Fault> {
    let resource = Resource { status, reason, changed: operation.sandbox.clock.now(), ..resource };
    let key = operation.key(&resource.logical_id);
    operation.sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let stored = state.resources.get(&key).cloned();
        state.set_resource(&operation.stack_id, resource, None);
        if let Some(stored) = stored {
            state.store_resource(&operation.stack_id, stored);
        }
        Ok(())
    })
}
