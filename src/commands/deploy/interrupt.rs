//! Ctrl-C during a deploy: change sets that were not executed are deleted, and the user decides about operations in progress.

use crate::context::{Listener, Signal};
use crate::diagnostic::Diagnostic;
use crate::error::{CliError, follow_hint};
use crate::exit::Exit;
use crate::hint::RepeatedCommand;
use crate::model::{StackState, StackStatus};
use crate::ops::{OpsError, StackPhases};
use crate::render::Ui;

/// What the user decides about the operations in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Leave them running in CloudFormation, and stop following them.
    Leave,
    /// Cancel them, and follow until they are undone.
    Cancel,
    /// Keep following them.
    Continue,
}

const CANCEL: &str = "cancel: updates are rolled back, new stacks are deleted";
const LEAVE: &str = "leave it running in CloudFormation";
const CONTINUE: &str = "keep following it";

/// Asks what to do if operations are in progress and there is a user; otherwise they are left.
pub(super) async fn decide(signal: Signal, phases: &StackPhases<'_>, ui: &mut Ui) -> Decision {
    let in_progress = phases.in_progress();
    if in_progress.is_empty() || signal != Signal::Interrupt || !ui.can_ask() {
        return Decision::Leave;
    }
    ui.note(&format!("\nCloudFormation is still changing {}. What now?", in_progress.join(", ")));
    // The operation of another deploy is only cancelled on request.
    let actions = if phases.can_cancel() { [CANCEL, LEAVE, CONTINUE].as_slice() } else { &[LEAVE, CONTINUE] };
    match ui.choose("action", actions).await {
        Ok(CANCEL) => Decision::Cancel,
        Ok(CONTINUE) => Decision::Continue,
        _ => Decision::Leave,
    }
}

/// Cancels the operations in progress, and passes the result for each stack to `note`.
pub(super) async fn cancel(phases: &StackPhases<'_>, mut note: impl FnMut(String)) {
    let on_cancelled = |name: &str, result: Result<&'static str, OpsError>| {
        let text = result.map_or_else(|error| CliError::from(error).summary(), ToOwned::to_owned);
        note(format!("{name}: {text}"));
    };
    phases.cancel(on_cancelled).await;
}

/// Deletes change sets that were not executed, unless there is no time for it. Returns the error that says what continues in AWS.
pub(super) async fn leave(
    phases: &StackPhases<'_>,
    cleans_up: bool,
    interrupts: &mut Listener,
    ui: &mut Ui,
) -> CliError {
    let names: Vec<&str> = phases.unfinished().into_iter().collect();
    let mut stacks = Vec::new();
    if !names.is_empty() {
        ui.note(&format!("interrupted; checking {} …", names.join(", ")));
        let checked = if cleans_up { interrupts.clean_up(phases.clean_up()).await } else { None };
        let Some(checked) = checked else {
            let message =
                format!("not checked: {} may still change or have an unexecuted change set", names.join(", "));
            return interrupted(&message).hint(follow_hint(RepeatedCommand::deploy(names)));
        };
        stacks = checked;
    }
    let is_in_progress = |status: &StackStatus| status.state() == StackState::InProgress;
    let in_progress = stacks.iter().filter(|(_, now)| matches!(now, Ok(Some(status)) if is_in_progress(status)));
    let in_progress: Vec<&str> = in_progress.map(|(name, _)| *name).collect();
    let waiting = phases.waiting_for_services();
    let mut error = if !in_progress.is_empty() {
        interrupted(&format!("CloudFormation continues with {}", in_progress.join(", ")))
            .hint(follow_hint(RepeatedCommand::deploy(in_progress)))
    } else if !waiting.is_empty() {
        interrupted(&format!("{} deployed; services not steady yet", waiting.join(", ")))
    } else {
        interrupted("nothing has changed beyond what is shown above")
    };
    for (name, result) in stacks {
        match result {
            // It was executed, and ended before it was checked.
            Ok(Some(status)) if phases.in_progress().contains(&name) && !is_in_progress(&status) => {
                error.diagnostics.push(Diagnostic::new(format!("stack `{name}` is {status}")));
            }
            Ok(_) => {}
            Err(failure) => error.diagnostics.extend(CliError::from(failure).diagnostics),
        }
    }
    error
}

fn interrupted(what: &str) -> CliError {
    CliError::new(Exit::Interrupted, format!("interrupted; {what}"))
}
