//! `ecsws cancel`: cancels an operation in progress.

use clap::Args;
use jiff::tz::TimeZone;

use super::approval_rules::not_approved_error;
use super::json_help;
use super::show_progress::show_progress;
use super::target::show_target;
use crate::complete;
use crate::context::Context;
use crate::error::{CliError, follow_hint};
use crate::exit::Exit;
use crate::hint::{Hint, RepeatedCommand};
use crate::model::{Stack, StackState};
use crate::ops::{self, Operation};
use crate::render::DeployView;

const EXAMPLES: &str = "Examples:
  ecsws cancel                    the only stack of the project with an operation in progress
  ecsws cancel ecsworkshop-nodejs
  ecsws cancel ecsworkshop-base --delete";

/// Cancel an update or creation in progress, and follow until it is undone
///
/// An update is rolled back. A creation can only be cancelled by deleting the stack: with --delete, or after a question on a terminal. A rollback
/// or deletion cannot be cancelled.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::EVENTS))]
pub(super) struct CancelArgs {
    /// Stack, or service by its key [default: the only one with an operation in progress]
    #[arg(add = complete::stacks())]
    stack: Option<String>,
    /// Cancel a creation by deleting the stack
    #[arg(long)]
    delete: bool,
}

pub(super) async fn run(args: CancelArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let CancelArgs { stack, delete } = args;
    let project = ctx.project()?;
    let names: Vec<String> = project.stacks(stack.as_slice())?.into_iter().map(|stack| stack.name).collect();
    let aws = ctx.aws(Some(&project)).await?;
    let stacks = ops::describe_stacks(&aws, names.iter().map(String::as_str)).await?;
    show_target(&project, &stacks, ctx).await?;
    let stack = choose_stack(&names, stacks.into_iter().flatten().collect(), ctx).await?;
    if ops::cancellation(&stack.status) == Some(Operation::Delete) && !delete {
        approve_deletion(&stack, ctx).await?;
    }
    let mut view = DeployView::new(&ctx.ui, true, TimeZone::system());
    let (reporter, messages) = ops::message_channel();
    let work = ops::cancel(&aws, &stack, &reporter);
    let interrupted = || {
        CliError::new(Exit::Interrupted, format!("interrupted; CloudFormation continues with {}", stack.name))
            .hint(follow_hint(RepeatedCommand::deploy([&stack.name])))
    };
    Box::pin(show_progress(work, messages, &mut view, ctx)).await.ok_or_else(interrupted)??;
    Ok(Exit::Done)
}

/// The stack with an operation in progress. Asks if there are several.
async fn choose_stack(names: &[String], mut stacks: Vec<Stack>, ctx: &mut Context) -> Result<Stack, CliError> {
    stacks.retain(|stack| stack.status.state() == StackState::InProgress);
    if stacks.is_empty() {
        return Err(CliError::failed(format!("no operation is in progress on {}", names.join(", "))));
    }
    if stacks.len() == 1 {
        return Ok(stacks.remove(0));
    }
    let names: Vec<String> = stacks.iter().map(|stack| stack.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let chosen = ctx.ui.choose("stack", &names).await?;
    stacks.retain(|stack| stack.name == chosen);
    Ok(stacks.remove(0))
}

/// Asks whether to delete a stack that is being created; without a terminal, `--delete` is needed.
async fn approve_deletion(stack: &Stack, ctx: &mut Context) -> Result<(), CliError> {
    let name = &stack.name;
    let message = format!("stack `{name}` is being created, which can only be cancelled by deleting it");
    if !ctx.ui.can_ask() {
        let hint = Hint::command(["cancel", name, "--delete"]).text(" deletes it");
        return Err(CliError::failed(message).hint(hint));
    }
    ctx.ui.print_question_context(&message);
    if ctx.ui.confirm(&format!("Delete {name}?"), "--delete").await? {
        Ok(())
    } else {
        Err(not_approved_error(&[name]))
    }
}
