//! Towards what the template says: creates, updates and replaces, then the outputs.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::graph::{self, Outcome};
use super::step::{Goal, converge};
use super::{Operation, outputs};
use crate::Fault;
use crate::cloudformation::model::{Action, OnFailure, Stack, StackStatus};
use crate::cloudformation::template::Template;
use crate::cloudformation::template::attributes;
use crate::cloudformation::template::parameters::existence;

/// Runs the phase.
pub async fn run(operation: &Operation) -> Result<(), Fault> {
    let stack = operation.stack()?;
    let template = Template::parse(&stack.definition.template_body)?;
    let (live, missing) = {
        let target = operation.target(&stack.definition, &template)?;
        let unknown = || attributes::unknown(&template, &target.scope);
        let missing = outputs::claim_imports(operation, &target)?.or_else(unknown);
        (target.live, missing)
    };
    let named = existence::missing(&operation.sandbox, &template, &stack.definition.parameters).await?;
    if let Some(reason) = named.or(missing) {
        return fail(operation, &format!("{reason} "), stack.definition.on_failure);
    }
    let goal = Arc::new(Goal { stack, template, live });
    let Goal { stack, template, live } = &*goal;
    let work = |operation, name| -> graph::Work { Box::pin(converge(operation, name, Arc::clone(&goal))) };
    let keep_going = stack.definition.on_failure == OnFailure::DoNothing;
    let mut outcome = graph::run_until(operation, live.clone(), keep_going, deadline(operation, stack), work).await;
    cancel(operation, &mut outcome)?;
    if outcome.interrupted {
        return Ok(());
    }
    if outcome.timed_out {
        return fail(operation, "Stack creation time exceeded the specified timeout. ", stack.definition.on_failure);
    }
    if !outcome.failed.is_empty() {
        return failed(operation, &outcome, stack.definition.on_failure);
    }
    let target = operation.target(&stack.definition, template)?;
    match outputs::evaluate(operation, &target) {
        Err(problem) => fail(operation, &format!("{} ", problem.trim_end()), stack.definition.on_failure),
        Ok((outputs, imports)) => {
            let status = if is_creation(operation) {
                StackStatus::CreateComplete
            } else {
                StackStatus::UpdateCompleteCleanupInProgress
            };
            operation.finish(status, None, |stack| {
                stack.outputs = outputs;
                stack.imports = imports;
                stack.previous = None;
            })
        }
    }
}

/// The end of the time that a creation may take; an update may take any.
async fn deadline(operation: &Operation, stack: &Stack) {
    let Some(minutes) = stack.timeout_minutes.filter(|_| is_creation(operation)) else {
        return std::future::pending().await;
    };
    let clock = &operation.sandbox.clock;
    let whole = clock.shortened(Duration::from_secs(u64::from(minutes) * 60));
    let gone = clock.now().duration_since(stack.updated.unwrap_or(stack.created)).unsigned_abs();
    tokio::time::sleep(whole.saturating_sub(gone)).await;
}

fn is_creation(operation: &Operation) -> bool {
    operation.phase == StackStatus::CreateInProgress
}

/// Says of what was under way that it is no longer, and forgets what it had begun to make. What nothing had been done to
/// yet is as it was, and nothing is said of it.
fn cancel(operation: &Operation, outcome: &mut Outcome) -> Result<(), Fault> {
    for name in std::mem::take(&mut outcome.cancelled) {
        operation.abandon(&name)?;
        let in_progress = operation.resource(&name).filter(|resource| resource.status.is_in_progress());
        let Some(mut resource) = in_progress else { continue };
        let action = resource.status.action();
        let sentence = match action {
            Action::Create => "Resource creation cancelled",
            Action::Update => "Resource update cancelled",
        };
        operation.set(&mut resource, action.failed(), Some(sentence))?;
        outcome.cancelled.push(name);
    }
    Ok(())
}

fn failed(operation: &Operation, outcome: &Outcome, on_failure: OnFailure) -> Result<(), Fault> {
    let resources = operation.resources();
    let (mut created, mut updated) = (Vec::new(), Vec::new());
    for name in outcome.failed.iter().chain(&outcome.cancelled) {
        let Some(resource) = resources.get(name) else { continue };
        match resource.status.action() {
            Action::Create => created.push(name.as_str()),
            Action::Update => updated.push(name.as_str()),
        }
    }
    fail(operation, &could_not(&created, &updated), on_failure)
}

fn could_not(created: &[&str], updated: &[&str]) -> String {
    let mut sentence = String::new();
    for (names, what) in [(created, "create"), (updated, "update")] {
        if !names.is_empty() {
            let _ = write!(sentence, "The following resource(s) failed to {what}: [{}]. ", names.join(", "));
        }
    }
    sentence
}

/// Gives the stack the status that follows a failure.
fn fail(operation: &Operation, reason: &str, on_failure: OnFailure) -> Result<(), Fault> {
    let (status, reason) = match (is_creation(operation), on_failure) {
        (true, OnFailure::Rollback) => {
            (StackStatus::RollbackInProgress, format!("{reason}Rollback requested by user."))
        }
        (true, OnFailure::Delete) => (StackStatus::DeleteInProgress, format!("{reason}Delete requested by user.")),
        (true, OnFailure::DoNothing) => (StackStatus::CreateFailed, reason.to_owned()),
        (false, OnFailure::DoNothing) => (StackStatus::UpdateFailed, reason.to_owned()),
        (false, _) => (StackStatus::UpdateRollbackInProgress, reason.to_owned()),
    };
    operation.finish(status, Some(reason), |_| {})
}
