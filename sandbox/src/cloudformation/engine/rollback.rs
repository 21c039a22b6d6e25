//! Rolls back a failed update: restores the resources that it changed. The resources that it created are deleted by the clean-up.

use super::graph;
use super::phase::StackPhase;
use super::{find_type, status_reason};
use crate::Fault;
use crate::cloudformation::model::{Definition, PhysicalResource, Resource, ResourceStatus, StackStatus};
use crate::fault_injection::Verb;

/// Runs the phase of `UPDATE_ROLLBACK_IN_PROGRESS`.
pub(super) async fn run(operation: &StackPhase) -> Result<(), Fault> {
    let is_changed =
        |row: &Resource| row.current.is_some() && (row.previous.is_some() || row.status.is_update_unfinished());
    let changed = operation.resources().into_values().filter(is_changed);
    let order = changed.map(|resource| (resource.logical_id, resource.depends_on)).collect();
    let outcome = graph::run_all(operation, order, |operation, name| Box::pin(restore(operation, name))).await?;
    if outcome.interrupted {
        return Ok(());
    }
    if !outcome.failed.is_empty() {
        let sentence = format!("The following resource(s) failed to update: [{}]. ", outcome.failed.join(", "));
        return operation.finish(StackStatus::UpdateRollbackFailed, Some(sentence), |_| {});
    }
    operation.finish(StackStatus::UpdateRollbackCompleteCleanupInProgress, None, |stack| {
        if let Some(previous) = stack.previous.take() {
            // The clean-up depends on it.
            let retain_except_on_create = stack.definition.retain_except_on_create;
            stack.definition = Definition { retain_except_on_create, ..previous };
        }
        stack.skip.clear();
    })
}

async fn restore(operation: StackPhase, name: String) -> Result<(), Fault> {
    let Some(mut row) = operation.resource(&name) else { return Ok(()) };
    let Some(current) = row.current.clone() else { return Ok(()) };
    // Without a previous one, the update failed before it changed anything.
    let Some(previous) = row.previous.clone() else {
        return operation.set_status(&mut row, ResourceStatus::UpdateComplete, None);
    };
    if operation.stack()?.skip.contains(&name) {
        row.previous = None;
        return operation.set_status(&mut row, ResourceStatus::UpdateComplete, None);
    }
    if current.physical_id != previous.physical_id {
        row.keep_physical(&previous.physical_id);
        row.pending_deletion.push(current);
        row.resource_type.clone_from(&previous.resource_type);
        row.current = Some(previous);
        row.create_incomplete = false;
        operation.set_status(&mut row, ResourceStatus::UpdateInProgress, None)?;
        row.previous = None;
        return operation.set_status(&mut row, ResourceStatus::UpdateComplete, None);
    }
    let properties = previous.visible_properties();
    operation.set_status_with(&mut row, ResourceStatus::UpdateInProgress, None, Some(properties))?;
    match update_to_previous(&operation, &name, current, &previous).await {
        Ok(()) => {
            row.current = Some(previous);
            row.previous = None;
            row.create_incomplete = false;
            operation.set_status(&mut row, ResourceStatus::UpdateComplete, None)
        }
        Err(fault) => {
            operation.set_status(&mut row, ResourceStatus::UpdateFailed, Some(&status_reason(&fault)))?;
            Err(fault)
        }
    }
}

async fn update_to_previous(
    operation: &StackPhase,
    name: &str,
    current: PhysicalResource,
    previous: &PhysicalResource,
) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let tags = stack.previous.as_ref().unwrap_or(&stack.definition).tags.clone();
    let (resource_type, context) = (find_type(&current.resource_type)?, operation.context(name, &tags));
    context.check_injected_fault(Verb::Update, resource_type)?;
    let output = (resource_type.update)(context.clone(), current, previous.properties.clone()).await?;
    if let Some(stabilize) = resource_type.stabilize {
        stabilize(context, output).await?;
    }
    Ok(())
}
