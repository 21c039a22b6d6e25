//! Ctrl-C while stacks are deployed: what has not begun is taken back, what CloudFormation works on is the user's to decide.

use std::collections::BTreeMap;

use super::stack::CHANGE_SET;
use super::stage::{Shared, Underway};
use crate::aws::Aws;
use crate::error::{CliError, FOLLOWS};
use crate::exit::Exit;
use crate::hint::{Hint, Repetition};
use crate::ops::{self, DeployEvent, Operation, OpsError};

/// What becomes of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It goes on in CloudFormation, unwatched.
    Leave,
    /// It is cancelled, and followed until it is taken back.
    Cancel,
    /// Nothing has changed.
    GoOn,
}

const CANCEL: &str = "cancel: updates are rolled back, new stacks are deleted";
const LEAVE: &str = "leave it running in CloudFormation";
const GO_ON: &str = "go on watching";

/// Asks where somebody can answer, if CloudFormation is at work.
pub async fn decide(shared: &Shared<'_>) -> Decision {
    let running = running(shared);
    // Whoever is being asked something else just now wants to get out.
    let Some(mut stage) = shared.try_stage().filter(|stage| !running.is_empty() && stage.ctx.ui.can_ask()) else {
        return Decision::Leave;
    };
    stage.view.end();
    let names: Vec<&str> = running.iter().map(|(name, ..)| name.as_str()).collect();
    stage.ctx.ui.note(&format!("\nCloudFormation is at work on {}. What shall become of it?", names.join(", ")));
    match stage.ctx.ui.choose("way", &[CANCEL, LEAVE, GO_ON]).await {
        Ok(CANCEL) => Decision::Cancel,
        Ok(GO_ON) => Decision::GoOn,
        _ => Decision::Leave,
    }
}

/// Takes back what CloudFormation works on; what cannot be is said.
pub async fn cancel(shared: &Shared<'_>) {
    shared.cancel();
    for (name, operation, arn) in running(shared) {
        let told = match take_back(shared.aws, operation, &arn).await {
            Ok(told) => told.to_owned(),
            Err(error) => CliError::from(error).summary(),
        };
        shared.show(DeployEvent::Note { message: format!("{name}: {told}") });
    }
}

async fn take_back(aws: &Aws, operation: Operation, stack: &str) -> Result<&'static str, OpsError> {
    Ok(match operation {
        Operation::Update if ops::cancel(aws, stack).await? => "the update is cancelled and rolled back",
        Operation::Update => "it is too late to cancel the update; it goes on to its end",
        Operation::Create => {
            aws.delete_stack(stack).await?;
            "what was created is deleted"
        }
        Operation::RollBack | Operation::Delete => "this cannot be cancelled; it goes on to its end",
    })
}

/// Takes back what was only prepared, and says what goes on.
pub async fn leave(underway: &BTreeMap<String, Underway>, aws: &Aws) -> CliError {
    let of = |wanted: fn(&Underway) -> bool| {
        let names = underway.iter().filter(|(_, what)| wanted(what)).map(|(name, _)| name.as_str());
        names.collect::<Vec<_>>()
    };
    let mut error = match of(|what| matches!(what, Underway::Running(..))) {
        none if none.is_empty() => match of(|what| *what == Underway::Settling) {
            none if none.is_empty() => interrupted("nothing has changed that is not told above"),
            settling => interrupted(&format!("{} is deployed, and ECS goes on with its tasks", settling.join(", "))),
        },
        running => interrupted(&format!("CloudFormation goes on with {}", running.join(", ")))
            .hint(Hint::repeat(Repetition::deploy(running)).text(FOLLOWS)),
    };
    for name in of(|what| *what == Underway::Preparing) {
        if let Err(left) = ops::discard(aws, name, CHANGE_SET).await {
            error.reports.extend(CliError::from(left).reports);
        }
    }
    error
}

fn interrupted(what: &str) -> CliError {
    CliError::new(Exit::Interrupted, format!("interrupted; {what}"))
}

fn running(shared: &Shared<'_>) -> Vec<(String, Operation, String)> {
    let running = shared.underway().into_iter().filter_map(|(name, underway)| match underway {
        Underway::Running(operation, arn) => Some((name, operation, arn)),
        Underway::Preparing | Underway::Settling => None,
    });
    running.collect()
}
