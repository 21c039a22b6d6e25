//! Deletes: a whole stack, what a failed creation made, and what an update left over.

use super::graph::{self, reversed};
use super::{Operation, reason, type_of};
use crate::Fault;
use crate::cloudformation::State;
use crate::cloudformation::model::{Incarnation, Resource, ResourceStatus, StackStatus};
use crate::cloudformation::resources::is_gone;
use crate::cloudformation::template::Template;
use crate::cloudformation::template::check::Dependencies;
use crate::faults::Verb;

/// Deletes every resource: the phase of DELETE_IN_PROGRESS and of ROLLBACK_IN_PROGRESS.
pub async fn delete(operation: &Operation) -> Result<(), Fault> {
    let rows = operation.resources().into_values().filter(|row| !row.status.is_removed());
    let order: Dependencies = rows.map(|row| (row.logical_id, row.depends_on)).collect();
    let outcome =
        graph::run_all(operation, reversed(&order), |operation, name| Box::pin(remove(operation, name))).await?;
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

async fn remove(operation: Operation, name: String) -> Result<(), Fault> {
    let Some(mut row) = operation.resource(&name) else { return Ok(()) };
    if row.current.is_some() && is_kept(&operation, &row)? {
        return operation.set(&mut row, ResourceStatus::DeleteSkipped, None);
    }
    for incarnation in row.garbage.clone().into_iter().chain(row.current.clone()) {
        operation.set(&mut row, ResourceStatus::DeleteInProgress, None)?;
        if let Err(fault) = destroy(&operation, &name, incarnation).await {
            operation.set(&mut row, ResourceStatus::DeleteFailed, Some(&reason(&fault)))?;
            return Err(fault);
        }
    }
    row.garbage.clear();
    operation.set(&mut row, ResourceStatus::DeleteComplete, None)
}

/// Whether a resource is left where it is. What a failed operation has just made goes in spite of some policies.
fn is_kept(operation: &Operation, row: &Resource) -> Result<bool, Fault> {
    let stack = operation.stack()?;
    let is_rollback = operation.phase.is_rollback();
    let goes_with_rollback = stack.definition.retain_except_on_create || row.deletion_policy == "RetainExceptOnCreate";
    let is_retained = row.is_retained() && !(is_rollback && row.is_new && goes_with_rollback);
    Ok(is_retained || stack.retain.contains(&row.logical_id))
}

/// Deletes a physical resource; one that is already gone is as good.
pub async fn destroy(operation: &Operation, name: &str, incarnation: Incarnation) -> Result<(), Fault> {
    let kind = type_of(&incarnation.kind)?;
    let context = operation.context(name, &[]);
    context.strike(Verb::Delete, kind)?;
    match (kind.delete)(context, incarnation).await {
        Err(fault) if is_gone(&fault) => Ok(()),
        other => other,
    }
}

/// Deletes what an update replaced or no longer names: the phase of the CLEANUP statuses.
pub async fn clean_up(operation: &Operation) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let live = operation.target(&stack.definition, &template)?.live;
    let left = operation
        .resources()
        .into_values()
        .filter(|row| !live.contains_key(&row.logical_id) || !row.garbage.is_empty() || !row.kept.is_empty());
    let order: Dependencies = left.map(|row| (row.logical_id, row.depends_on)).collect();
    let work = |operation: Operation, name: String| {
        let is_live = live.contains_key(&name);
        let work: graph::Work = Box::pin(async move {
            if is_live { sweep(operation, name).await } else { drop_resource(operation, name).await }
        });
        work
    };
    let outcome = graph::run_all(operation, reversed(&order), work).await?;
    if outcome.interrupted {
        return Ok(());
    }
    let reason = (!outcome.failed.is_empty())
        .then(|| "Update successful. One or more resources could not be deleted.".to_owned());
    settle(operation)?;
    operation.finish(operation.phase.after_cleanup(), reason, |_| {})
}

/// A resource that the template no longer names.
async fn drop_resource(operation: Operation, name: String) -> Result<(), Fault> {
    if let Some(row) = operation.resource(&name).filter(|row| !row.status.is_removed()) {
        let is_made = row.current.is_some() || !row.garbage.is_empty();
        if is_made {
            remove(operation.clone(), name.clone()).await?;
        }
    }
    let key = format!("{}|{name}", operation.stack_id);
    operation.sandbox.world.write(|world| Ok(world.of_mut::<State>().resources.remove(&key))).map(drop)
}

/// What replacement left over of a resource that stays; its events name the old physical resource.
async fn sweep(operation: Operation, name: String) -> Result<(), Fault> {
    let Some(mut row) = operation.resource(&name) else { return Ok(()) };
    let (current, status) = (row.current.clone(), row.status);
    for old in std::mem::take(&mut row.kept) {
        announce(&operation, &Resource { current: Some(old), ..row.clone() }, ResourceStatus::DeleteSkipped, None)?;
        keep(&operation, row.clone())?;
    }
    while let Some(old) = row.garbage.pop() {
        row.current = Some(old.clone());
        announce(&operation, &row, ResourceStatus::DeleteInProgress, None)?;
        if let Err(fault) = destroy(&operation, &name, old).await {
            announce(&operation, &row, ResourceStatus::DeleteFailed, Some(reason(&fault)))?;
            return Err(fault);
        }
        announce(&operation, &row, ResourceStatus::DeleteComplete, None)?;
        row.current.clone_from(&current);
        row.status = status;
        keep(&operation, row.clone())?;
    }
    Ok(())
}

/// An event of a resource that leaves its row as it is.
fn announce(
    operation: &Operation,
    row: &Resource,
    status: ResourceStatus,
    reason: Option<String>,
) -> Result<(), Fault> {
    let changed = operation.sandbox.clock.now();
    let told = Resource { status, reason, changed, ..row.clone() };
    operation.sandbox.world.write(|world| {
        let key = format!("{}|{}", operation.stack_id, row.logical_id);
        let stored = world.of::<State>().resources.get(&key).cloned();
        world.of_mut::<State>().set_resource(&operation.stack_id, told, None);
        if let Some(stored) = stored {
            world.of_mut::<State>().keep_resource(&operation.stack_id, stored);
        }
        Ok(())
    })
}

fn keep(operation: &Operation, row: Resource) -> Result<(), Fault> {
    operation.sandbox.world.write(|world| {
        world.of_mut::<State>().keep_resource(&operation.stack_id, row);
        Ok(())
    })
}

/// Forgets what only the update that has ended needed to know.
fn settle(operation: &Operation) -> Result<(), Fault> {
    for row in operation.resources().into_values().filter(|row| row.previous.is_some()) {
        keep(operation, Resource { previous: None, ..row })?;
    }
    Ok(())
}
