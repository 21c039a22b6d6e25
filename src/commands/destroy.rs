//! `ecsws destroy`: deletes stacks, in reverse order, after asking.

use std::time::Duration;

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
use crate::hint::RepeatedCommand;
use crate::model::Stack;
use crate::ops;
use crate::project::Project;
use crate::render::{self, DeployView};
use crate::stack::ProjectStack;
use crate::time_args;

/// Delete stacks and everything in them
///
/// Deletes the named stacks and those that depend on them, or all stacks of the project, in reverse dependency order. Shows first what is deleted
/// and what is retained. With --sandbox and no terminal, no confirmation is required. Log groups are retained, unless their service has
/// `removal = "destroy"`.
#[derive(Debug, Args)]
#[command(after_long_help = json_help::EVENTS)]
pub(super) struct DestroyArgs {
    /// Stacks, or services by their keys [default: all]
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    /// Stop waiting after this time, and exit with 4; CloudFormation continues
    #[arg(long, value_name = "TIME", value_parser = time_args::parse_duration)]
    timeout: Option<Duration>,
    /// Cancel an update that is already in progress on a stack, instead of following it to its end first
    #[arg(long)]
    cancel_running: bool,
}

pub(super) async fn run(args: DestroyArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let DestroyArgs { stacks, timeout, cancel_running } = args;
    let project = ctx.project()?;
    let stacks = with_dependents(&project, project.stacks(&stacks)?)?;
    let aws = ctx.aws(Some(&project)).await?;
    show_target(&project, &[], ctx).await?;

    let names: Vec<&str> = stacks.iter().rev().map(|stack| stack.name.as_str()).collect();
    let mut existing: Vec<Stack> = Vec::new();
    for (name, stack) in names.iter().zip(ops::describe_stacks(&aws, names.iter().copied()).await?) {
        match stack {
            Some(stack) => existing.push(stack),
            None => ctx.ui.note(&format!("there is no stack {name}")),
        }
    }
    if existing.is_empty() {
        return Ok(Exit::Done);
    }
    let names: Vec<&str> = existing.iter().map(|stack| stack.name.as_str()).collect();
    let deletion_plans = ops::plan_deletions(&aws, &existing).await?;
    render::deletion_plans(&mut ctx.ui, &deletion_plans);
    let question = format!("Delete {} and everything in them?", names.join(", "));
    let needed = !ctx.settings.sandbox || ctx.ui.can_ask();
    if needed && !ctx.ui.confirm(&question, "--yes").await? {
        return Err(not_approved_error(&names));
    }
    let mut view = DeployView::new(&ctx.ui, true, TimeZone::system());
    for name in names {
        let (reporter, messages) = ops::message_channel();
        let work = ops::destroy(&aws, name, timeout, cancel_running, &reporter);
        match Box::pin(show_progress(work, messages, &mut view, ctx)).await {
            Some(deleted) => drop(deleted?),
            None => return Err(interrupted(name, ctx).await),
        }
    }
    view.end();
    Ok(Exit::Done)
}

/// What happens to a stack after an interrupt. The request to delete it may not have been sent.
async fn interrupted(name: &str, ctx: &mut Context) -> CliError {
    let aws = match ctx.aws(None).await {
        Ok(aws) => aws,
        Err(error) => return error,
    };
    let stack = ctx.interrupts.listen().clean_up(ops::describe_stacks(&aws, [name])).await;
    let status = stack.and_then(Result::ok).map(|stacks| stacks.into_iter().flatten().next().map(|stack| stack.status));
    let (state, continues) = match status {
        Some(None) => (format!("{name} is deleted"), false),
        Some(Some(status)) => (format!("{name} is {status}"), status.is_in_progress()),
        None => (format!("CloudFormation may be deleting {name}"), true),
    };
    let error = CliError::new(Exit::Interrupted, format!("interrupted; {state}"));
    if !continues {
        return error;
    }
    error.hint(follow_hint(RepeatedCommand::new(&["destroy"], ["destroy", name])))
}

/// The stacks, and the stacks of the project that depend on them.
fn with_dependents(project: &Project, mut stacks: Vec<ProjectStack>) -> Result<Vec<ProjectStack>, CliError> {
    for stack in project.stacks(&[])? {
        let needs = |name: &String| stacks.iter().any(|chosen| chosen.name == *name);
        if !needs(&stack.name) && stack.depends_on.iter().any(needs) {
            stacks.push(stack);
        }
    }
    Ok(stacks)
}
