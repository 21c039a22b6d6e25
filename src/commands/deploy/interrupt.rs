//! Ctrl-C during a deploy: change sets that were not executed are deleted, and the user decides about operations in progress.

use crate::error::{CliError, follow_hint};
use crate::exit::Exit;
use crate::hint::RepeatedCommand;
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

/// Asks what to do if operations are in progress and there is a terminal; otherwise they are left.
pub(super) async fn decide(phases: &StackPhases<'_>, ui: &mut Ui) -> Decision {
    let in_progress = phases.in_progress();
    if in_progress.is_empty() || !ui.can_ask() {
        return Decision::Leave;
    }
    ui.note(&format!("\nCloudFormation is still changing {}. What now?", in_progress.join(", ")));
    match ui.choose("action", &[CANCEL, LEAVE, CONTINUE]).await {
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

/// Discards change sets that were not executed. Returns the error that says what continues in AWS.
pub(super) async fn leave(phases: &StackPhases<'_>) -> CliError {
    let in_progress = phases.in_progress();
    let waiting = phases.waiting_for_services();
    let mut error = if !in_progress.is_empty() {
        interrupted(&format!("CloudFormation continues with {}", in_progress.join(", ")))
            .hint(follow_hint(RepeatedCommand::deploy(in_progress)))
    } else if !waiting.is_empty() {
        interrupted(&format!("{} deployed; services not steady yet", waiting.join(", ")))
    } else {
        interrupted("nothing has changed beyond what is shown above")
    };
    for failure in phases.discard_change_sets().await {
        error.diagnostics.extend(CliError::from(failure).diagnostics);
    }
    error
}

fn interrupted(what: &str) -> CliError {
    CliError::new(Exit::Interrupted, format!("interrupted; {what}"))
}
