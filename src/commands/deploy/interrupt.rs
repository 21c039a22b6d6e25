//! Ctrl-C while stacks are deployed: what has not begun is discarded, what CloudFormation works on is the user's to decide.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::Aws;
use crate::error::{CliError, FOLLOWS};
use crate::exit::Exit;
use crate::hint::{Hint, Repetition};
use crate::ops::{self, CHANGE_SET, Operation, OpsError, Phase};
use crate::render::Ui;

/// What becomes of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It continues in CloudFormation, unwatched.
    Leave,
    /// It is cancelled, and followed until it is undone.
    Cancel,
    /// Nothing has changed.
    Continue,
}

const CANCEL: &str = "cancel: updates are rolled back, new stacks are deleted";
const LEAVE: &str = "leave it running in CloudFormation";
const CONTINUE: &str = "go on watching";

/// What goes on with each stack.
#[derive(Debug, Default)]
pub struct Phases {
    current: BTreeMap<String, Phase>,
    /// Stacks for which a check may have a temporary change set.
    checking: BTreeSet<String>,
}

impl Phases {
    /// Notes what goes on with a stack now.
    pub fn set(&mut self, stack: String, phase: Phase) {
        match phase {
            Phase::Checking(true) => drop(self.checking.insert(stack)),
            Phase::Checking(false) => drop(self.checking.remove(&stack)),
            Phase::Idle => drop(self.current.remove(&stack)),
            phase => drop(self.current.insert(stack, phase)),
        }
    }

    /// The operations that are in progress: stack, operation, name or ARN.
    fn operations(&self) -> Vec<(&str, Operation, &str)> {
        let operations = self.current.iter().filter_map(|(name, phase)| match phase {
            Phase::InProgress(operation, arn) => Some((name.as_str(), *operation, arn.as_str())),
            _ => None,
        });
        operations.collect()
    }

    fn stacks_in(&self, is: fn(&Phase) -> bool) -> Vec<&str> {
        let stacks = self.current.iter().filter(|(_, phase)| is(phase)).map(|(name, _)| name.as_str());
        stacks.collect()
    }
}

/// Asks what to do if CloudFormation is at work and there is a terminal; otherwise the work is left.
pub async fn decide(phases: &Phases, ui: &mut Ui) -> Decision {
    let operations = phases.operations();
    if operations.is_empty() || !ui.can_ask() {
        return Decision::Leave;
    }
    let names: Vec<&str> = operations.iter().map(|(name, ..)| *name).collect();
    ui.note(&format!("\nCloudFormation is at work on {}. What should happen to it?", names.join(", ")));
    match ui.choose("way", &[CANCEL, LEAVE, CONTINUE]).await {
        Ok(CANCEL) => Decision::Cancel,
        Ok(CONTINUE) => Decision::Continue,
        _ => Decision::Leave,
    }
}

/// Cancels what CloudFormation works on, and passes on what becomes of each stack.
pub async fn cancel(phases: &Phases, aws: &Aws, mut note: impl FnMut(String)) {
    for (name, operation, arn) in phases.operations() {
        let text = match cancel_operation(aws, operation, arn).await {
            Ok(text) => text.to_owned(),
            Err(error) => CliError::from(error).summary(),
        };
        note(format!("{name}: {text}"));
    }
}

async fn cancel_operation(aws: &Aws, operation: Operation, stack: &str) -> Result<&'static str, OpsError> {
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

/// Discards change sets that were not executed. Returns the error that says what goes on.
pub async fn leave(phases: &Phases, aws: &Aws) -> CliError {
    let operations: Vec<&str> = phases.operations().into_iter().map(|(name, ..)| name).collect();
    let waiting = phases.stacks_in(|phase| *phase == Phase::WaitingForServices);
    let mut error = if !operations.is_empty() {
        interrupted(&format!("CloudFormation goes on with {}", operations.join(", ")))
            .hint(Hint::repeat(Repetition::deploy(operations)).text(FOLLOWS))
    } else if !waiting.is_empty() {
        interrupted(&format!("{} is deployed, and ECS goes on with its tasks", waiting.join(", ")))
    } else {
        interrupted("nothing has changed beyond what is shown above")
    };
    let mut unexecuted: BTreeSet<&str> = phases.stacks_in(|phase| *phase == Phase::ChangeSet).into_iter().collect();
    unexecuted.extend(phases.checking.iter().map(String::as_str).filter(|name| !phases.current.contains_key(*name)));
    for name in unexecuted {
        if let Err(left) = ops::discard(aws, name, CHANGE_SET).await {
            error.reports.extend(CliError::from(left).reports);
        }
    }
    error
}

fn interrupted(what: &str) -> CliError {
    CliError::new(Exit::Interrupted, format!("interrupted; {what}"))
}
