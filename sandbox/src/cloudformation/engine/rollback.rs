//! Rolls back a failed update: restores the resources that it changed. The resources that it created are deleted by the clean-up.

use super::graph;
use super::phase::StackPhase;
use super::{find_type, status_reason};
use crate::Fault;
use crate::cloudformation::model::{PhysicalResource, Resource, ResourceStatus, StackDefinition, StackStatus};
use crate::fault_injection::Verb;

/// Runs the phase of `UPDATE_ROLLBACK_IN_PROGRESS`.
pub(super) async fn run(phase: &StackPhase) -> Result<(), Fault> {
    let is_changed = |resource: &Resource| {
        resource.current.is_some() && (resource.previous.is_some() || resource.status.is_update_unfinished())
    };
    let changed = phase.resources().into_values().filter(is_changed);
    let order = changed.map(|resource| (resource.logical_id, resource.depends_on)).collect();
    let outcome = graph::run_all(phase, order, |phase, name| Box::pin(restore(phase, name))).await?;
    if outcome.interrupted {
        return Ok(());
    }
    if !outcome.failed.is_empty() {
        let sentence = format!("The following resource(s) failed to update: [{}]. ", outcome.failed.join(", "));
        return phase.finish(StackStatus::UpdateRollbackFailed, Some(sentence), |_| {});
    }
    phase.finish(StackStatus::UpdateRollbackCompleteCleanupInProgress, None, |stack| {
        if let Some(previous) = stack.previous.take() {
            // The clean-up depends on it.
            let retain_except_on_create = stack.definition.retain_except_on_create;
            stack.definition = StackDefinition { retain_except_on_create, ..previous };
        }
        stack.resources_to_skip.clear();
    })
}

async fn restore(phase: StackPhase, name: String) -> Result<(), Fault> {
    let Some(mut resource) = phase.resource(&name) else { return Ok(()) };
    let Some(current) = resource.current.clone() else { return Ok(()) };
    // Without a previous one, the update failed before it changed anything.
    let Some(previous) = resource.previous.clone() else {
        return phase.set_status(&mut resource, ResourceStatus::UpdateComplete, None);
    };
    if phase.stack()?.resources_to_skip.contains(&name) {
        resource.previous = None;
        return phase.set_status(&mut resource, ResourceStatus::UpdateComplete, None);
    }
    if current.physical_id != previous.physical_id {
        resource.keep_physical(&previous.physical_id);
        resource.pending_deletion.push(current);
        resource.resource_type.clone_from(&previous.resource_type);
        resource.current = Some(previous);
        resource.create_incomplete = false;
        phase.set_status(&mut resource, ResourceStatus::UpdateInProgress, None)?;
        resource.previous = None;
        return phase.set_status(&mut resource, ResourceStatus::UpdateComplete, None);
    }
    let properties = previous.visible_properties();
    phase.set_status_with(&mut resource, ResourceStatus::UpdateInProgress, None, Some(properties))?;
    match update_to_previous(&phase, &name, current, &previous).await {
        Ok(()) => {
            resource.current = Some(previous);
            resource.previous = None;
            resource.create_incomplete = false;
            phase.set_status(&mut resource, ResourceStatus::UpdateComplete, None)
        }
        Err(fault) => {
            phase.set_status(&mut resource, ResourceStatus::UpdateFailed, Some(&status_reason(&fault)))?;
            Err(fault)
        }
    }
}

async fn update_to_previous(
    phase: &StackPhase,
    name: &str,
    current: PhysicalResource,
    previous: &PhysicalResource,
) -> Result<(), Fault> {
    let stack = phase.stack()?;
    let tags = stack.previous.as_ref().unwrap_or(&stack.definition).tags.clone();
    let (resource_type, context) = (find_type(&current.resource_type)?, phase.context(name, &tags));
    context.check_injected_fault(Verb::Update, resource_type)?;
    let output = (resource_type.update)(context.clone(), current, previous.properties.clone()).await?;
    if let Some(stabilize) = resource_type.stabilize {
        stabilize(context, output).await?;
    }
    Ok(())
}
