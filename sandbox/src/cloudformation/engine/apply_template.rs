//! Creates, updates and replaces resources as the template declares, then evaluates the outputs.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::graph::{self, GraphResult};
use super::outputs;
use super::phase::StackPhase;
use super::resource_operation::{TargetState, reconcile};
use crate::Fault;
use crate::cloudformation::model::{OnFailure, ResourceAction, Stack, StackStatus};
use crate::cloudformation::template::parameters::aws_specific_types;
use crate::cloudformation::template::{Template, attribute_check};

/// Runs the phase of `CREATE_IN_PROGRESS` and of `UPDATE_IN_PROGRESS`.
pub(super) async fn run(phase: &StackPhase) -> Result<(), Fault> {
    let stack = phase.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let (active, problem) = {
        let resolved = phase.resolve(&stack.definition, &template)?;
        let unknown_attribute = || attribute_check::unknown(&template, &resolved.scope);
        let problem = outputs::reserve_imports(phase, &resolved)?.or_else(unknown_attribute);
        (resolved.active, problem)
    };
    let missing = aws_specific_types::missing(&phase.sandbox, &template, &stack.definition.parameters).await?;
    if let Some(reason) = missing.or(problem) {
        return fail(phase, &format!("{reason} "), stack.definition.on_failure);
    }
    let target = Arc::new(TargetState { stack, template, active });
    let TargetState { stack, template, active } = &*target;
    let work = |phase, name| -> graph::ResourceFuture { Box::pin(reconcile(phase, name, Arc::clone(&target))) };
    let on_failure = stack.definition.on_failure;
    let keep_going = on_failure == OnFailure::DoNothing;
    let mut outcome = graph::run_until(phase, active.clone(), keep_going, timeout(phase, stack), work).await;
    cancel(phase, &mut outcome)?;
    if outcome.interrupted {
        return Ok(());
    }
    if outcome.timed_out {
        return fail(phase, "Stack creation time exceeded the specified timeout. ", on_failure);
    }
    if !outcome.failed.is_empty() {
        return fail(phase, &failed_resources(phase, &outcome), on_failure);
    }
    match outputs::evaluate(phase, &phase.resolve(&stack.definition, template)?) {
        Err(problem) => fail(phase, &format!("{} ", problem.trim_end()), on_failure),
        Ok((outputs, imports)) => {
            let status = if is_creation(phase) {
                StackStatus::CreateComplete
            } else {
                StackStatus::UpdateCompleteCleanupInProgress
            };
            phase.finish(status, None, |stack| {
                stack.outputs = outputs;
                stack.imports = imports;
                stack.previous = None;
            })
        }
    }
}

/// Waits until a creation has taken its `TimeoutInMinutes`. Never returns for an update or without a timeout.
async fn timeout(phase: &StackPhase, stack: &Stack) {
    let Some(minutes) = stack.timeout_minutes.filter(|_| is_creation(phase)) else {
        return std::future::pending().await;
    };
    let clock = &phase.sandbox.clock;
    let timeout = clock.shortened(Duration::from_secs(u64::from(minutes) * 60));
    let elapsed = clock.now().duration_since(stack.updated.unwrap_or(stack.created)).unsigned_abs();
    tokio::time::sleep(timeout.saturating_sub(elapsed)).await;
}

fn is_creation(phase: &StackPhase) -> bool {
    phase.status == StackStatus::CreateInProgress
}

/// Marks the resources as failed whose work was cancelled. Those whose work had not changed their status yet stay as they were,
/// and do not count as cancelled.
fn cancel(phase: &StackPhase, outcome: &mut GraphResult) -> Result<(), Fault> {
    for name in std::mem::take(&mut outcome.cancelled) {
        phase.discard_creation(&name)?;
        let in_progress = phase.resource(&name).filter(|resource| resource.status.is_in_progress());
        let Some(mut resource) = in_progress else { continue };
        let action = resource.status.action();
        let sentence = match action {
            ResourceAction::Create => "Resource creation cancelled",
            ResourceAction::Update => "Resource update cancelled",
        };
        phase.set_status(&mut resource, action.failed(), Some(sentence))?;
        outcome.cancelled.push(name);
    }
    Ok(())
}

/// The reason of a stack's failure that names the resources that failed or were cancelled.
fn failed_resources(phase: &StackPhase, outcome: &GraphResult) -> String {
    let resources = phase.resources();
    let (mut created, mut updated) = (Vec::new(), Vec::new());
    for name in outcome.failed.iter().chain(&outcome.cancelled) {
        let Some(resource) = resources.get(name) else { continue };
        match resource.status.action() {
            ResourceAction::Create => created.push(name.as_str()),
            ResourceAction::Update => updated.push(name.as_str()),
        }
    }
    let mut sentence = String::new();
    for (names, verb) in [(created, "create"), (updated, "update")] {
        if !names.is_empty() {
            let _ = write!(sentence, "The following resource(s) failed to {verb}: [{}]. ", names.join(", "));
        }
    }
    sentence
}

/// Ends the phase with the status that follows a failure.
fn fail(phase: &StackPhase, reason: &str, on_failure: OnFailure) -> Result<(), Fault> {
    let (status, requested) = match (is_creation(phase), on_failure) {
        (true, OnFailure::Rollback) => (StackStatus::RollbackInProgress, "Rollback requested by user."),
        (true, OnFailure::Delete) => (StackStatus::DeleteInProgress, "Delete requested by user."),
        (true, OnFailure::DoNothing) => (StackStatus::CreateFailed, ""),
        (false, OnFailure::DoNothing) => (StackStatus::UpdateFailed, ""),
        (false, _) => (StackStatus::UpdateRollbackInProgress, ""),
    };
    phase.finish(status, Some(format!("{reason}{requested}")), |_| {})
}
