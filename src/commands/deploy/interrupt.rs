//! Ctrl-C while stacks are deployed: what has not begun is taken back, what CloudFormation works on is the user's to decide.

use super::stack::CHANGE_SET;
use super::stage::{Shared, Underway};
use crate::aws::Aws;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{self, DeployEvent, Operation};

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

/// Takes back what CloudFormation works on.
pub async fn cancel(shared: &Shared<'_>) -> Result<(), CliError> {
    shared.cancel();
    for (name, operation, arn) in running(shared) {
        let message = match operation {
            Operation::Update if ops::cancel(shared.aws, &arn).await? => "the update is cancelled and rolled back",
            Operation::Update => "it is too late to cancel the update; it goes on to its end",
            Operation::Create => {
                shared.aws.delete_stack(&arn).await?;
                "what was created is deleted"
            }
            Operation::RollBack | Operation::Delete => "this cannot be cancelled; it goes on to its end",
        };
        shared.show(DeployEvent::Note { message: format!("{name}: {message}") });
    }
    Ok(())
}

/// Takes back what was only prepared, and says what goes on.
pub async fn leave(underway: Vec<(String, Underway)>, aws: &Aws) -> CliError {
    let mut running = Vec::new();
    for (name, what) in underway {
        match what {
            Underway::Running(..) => running.push(name),
            Underway::Preparing => {
                if let Err(error) = ops::give_up(aws, &name, CHANGE_SET).await {
                    return error.into();
                }
            }
        }
    }
    if running.is_empty() {
        return CliError::new(Exit::Interrupted, "interrupted; nothing has changed that is not told above");
    }
    CliError::new(Exit::Interrupted, format!("interrupted; CloudFormation goes on with {}", running.join(", ")))
        .hint("`ecsws deploy` follows it and goes on")
}

fn running(shared: &Shared<'_>) -> Vec<(String, Operation, String)> {
    let running = shared.underway().into_iter().filter_map(|(name, underway)| match underway {
        Underway::Running(operation, arn) => Some((name, operation, arn)),
        Underway::Preparing => None,
    });
    running.collect()
}
