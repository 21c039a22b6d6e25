//! Back to what the stack was before a failed update.

use super::graph;
use super::{Operation, reason, type_of};
use crate::Fault;
use crate::cloudformation::model::{Definition, Incarnation, Resource, ResourceStatus, StackStatus};
use crate::cloudformation::resources::Made;
use crate::faults::Verb;

/// Runs the phase: restores what was touched; what was made goes in the clean-up.
pub async fn run(operation: &Operation) -> Result<(), Fault> {
    let is_touched =
        |row: &Resource| row.current.is_some() && (row.previous.is_some() || row.status.is_update_unfinished());
    let touched = operation.resources().into_values().filter(is_touched);
    let order = touched.map(|resource| (resource.logical_id, resource.depends_on)).collect();
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
            let retain_except_on_create = stack.definition.retain_except_on_create;
            // The clean-up still has to know what this rollback was told.
            stack.definition = Definition { retain_except_on_create, ..previous };
        }
        stack.skip.clear();
    })
}

async fn restore(operation: Operation, name: String) -> Result<(), Fault> {
    let Some(mut row) = operation.resource(&name) else { return Ok(()) };
    let Some(current) = row.current.clone() else { return Ok(()) };
    // Of what failed before anything was done to it, nothing is to be restored.
    let Some(previous) = row.previous.clone() else {
        return operation.set(&mut row, ResourceStatus::UpdateComplete, None);
    };
    if operation.stack()?.skip.contains(&name) {
        row.previous = None;
        return operation.set(&mut row, ResourceStatus::UpdateComplete, None);
    }
    if current.physical_id != previous.physical_id {
        row.garbage.retain(|one| one.physical_id != previous.physical_id);
        row.kept.retain(|one| one.physical_id != previous.physical_id);
        row.garbage.push(current);
        row.kind.clone_from(&previous.kind);
        row.current = Some(previous);
        row.half_made = false;
        operation.set(&mut row, ResourceStatus::UpdateInProgress, None)?;
        row.previous = None;
        return operation.set(&mut row, ResourceStatus::UpdateComplete, None);
    }
    operation.set_with(&mut row, ResourceStatus::UpdateInProgress, None, Some(previous.shown()))?;
    match set_back(&operation, &name, current, &previous).await {
        Ok(()) => {
            row.current = Some(previous);
            row.previous = None;
            row.half_made = false;
            operation.set(&mut row, ResourceStatus::UpdateComplete, None)
        }
        Err(fault) => {
            operation.set(&mut row, ResourceStatus::UpdateFailed, Some(&reason(&fault)))?;
            Err(fault)
        }
    }
}

async fn set_back(
    operation: &Operation,
    name: &str,
    current: Incarnation,
    previous: &Incarnation,
) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let tags = stack.previous.as_ref().unwrap_or(&stack.definition).tags.clone();
    let (kind, context) = (type_of(&current.kind)?, operation.context(name, &tags));
    context.strike(Verb::Update, kind)?;
    let made: Made = (kind.update)(context.clone(), current, previous.properties.clone()).await?;
    if let Some(stable) = kind.stable {
        stable(context, made).await?;
    }
    Ok(())
}
