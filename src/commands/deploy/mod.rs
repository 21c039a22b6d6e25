//! `ecsws deploy`: change set, approval, execution, followed to the end, for each stack after those that it needs.

mod approval;
mod drift;
mod interrupt;
mod local;
mod options;
mod preflight;
mod request;
mod schedule;
mod stack;
mod stage;
mod summary;

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;
use futures_util::future::try_join_all;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::approve::{check_region, check_target};
use super::wanted::{Purpose, Synthesiser};
use super::{Outcome, shapes};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::Stack;
use crate::project::Project;
use crate::render::{self, DeployView, StackEnd};
use crate::stack::ProjectStack;

pub use approval::{Approval, Compared, DeployApproval};
use interrupt::Decision;
pub use options::{DeployOptions, FollowOptions, StackInputs};
pub use schedule::Turn;
use schedule::in_order;
pub use stack::Deployed;
use stack::deploy_stack;
use stage::Shared;
pub use stage::Stage;

const EXAMPLES: &str = "Examples:
  ecsws --sandbox deploy                          on this machine
  ecsws deploy --require-approval any-change
  ecsws deploy --image nodejs=ghcr.io/acme/api:1.5 --timeout 20m
  ecsws deploy ecsworkshop-nodejs --output json   an event a line, for pipelines";

/// Deploy stacks: what changes is shown, approved, executed and followed to the end
///
/// All stacks of the project in dependency order, or those that are named. While services roll out, their tasks, ECS's own words and the
/// last lines of containers that fail are shown. A rollback is a failure. Ctrl-C asks whether to cancel or to leave CloudFormation at
/// work; the next deploy follows what goes on and then goes on itself.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", shapes::EVENTS))]
pub struct DeployArgs {
    /// The stacks, or services by their keys; all when left out
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    #[command(flatten)]
    follow: FollowOptions,
    #[command(flatten)]
    options: DeployOptions,
}

pub async fn run(args: DeployArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let DeployArgs { stacks, follow, mut options } = args;
    let mut project = ctx.project()?;
    options.inputs.set_images(&mut project)?;
    options.inputs.resolve_stacks(&project.spec);
    let stacks = project.stacks(&stacks)?;
    options.check(&project.spec, &stacks, &ctx.settings.working_dir)?;
    let turns = deploy(&mut project, &stacks, &follow, &options, &DeployApproval { follow: &follow }, ctx).await?;
    drift::warn_of_drift(&turns, &project, ctx).await?;
    let deployed = turns.iter().filter_map(|turn| match turn {
        Turn::Done(deployed) if deployed.end != StackEnd::Prepared => Some(deployed.stack.clone()),
        _ => None,
    });
    let deployed: Vec<Stack> = deployed.collect();
    let told = tell(&project, &stacks, &turns, &deployed, &options, ctx).await;
    // A stack that failed is worse news than what cannot be said of the others.
    result(turns)?;
    told.map(|()| Outcome::Done)
}

/// Writes the outputs down, and says what there is now.
async fn tell(
    project: &Project,
    stacks: &[ProjectStack],
    turns: &[Turn<Deployed, CliError>],
    deployed: &[Stack],
    options: &DeployOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    if let Some(file) = &options.outputs_file {
        write_outputs(ctx.settings.working_dir.join(file), deployed).await?;
    }
    if !ctx.ui.is_json() {
        let summary = summary::summarise(project, stacks, turns, deployed, ctx).await?;
        render::summary(&mut ctx.ui, &summary)?;
    }
    Ok(())
}

/// Deploys stacks, each after those that it needs. What becomes of each is told in its turn; only what concerns all is an error.
pub async fn deploy(
    project: &mut Project,
    stacks: &[ProjectStack],
    follow: &FollowOptions,
    options: &DeployOptions,
    approval: &dyn Approval,
    ctx: &mut Context,
) -> Result<Vec<Turn<Deployed, CliError>>, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    local::check_runtime(project, stacks, ctx).await?;
    if !ctx.settings.sandbox {
        check_region(project, aws.region())?;
    }
    let known = try_join_all(stacks.iter().map(|stack| aws.stack(&stack.name))).await?;
    let account = known.iter().flatten().map(Stack::account).find(|account| !account.is_empty());
    let environment = check_target(project, &aws, account, ctx).await?;
    let synthesiser = Synthesiser::for_environment(environment, Purpose::Deploy, project, ctx);
    let mut listener = ctx.interrupts.listen();
    let view = DeployView::new(&ctx.ui, follow.progress, TimeZone::system());
    let shared = Shared::new(&aws, follow, options, approval, stacks, Stage { project, ctx, synthesiser, view });
    let left = {
        let seen = |stack: &ProjectStack| {
            // While others are waited for it may change.
            let waits = stacks.iter().any(|other| stack.depends_on.contains(&other.name));
            let at = stacks.iter().position(|one| one.name == stack.name).filter(|_| !waits);
            at.and_then(|at| known[at].clone())
        };
        let work = |stack| deploy_stack(&shared, stack, seen(stack));
        let all = in_order(stacks, options.concurrency.into(), || shared.is_cancelled(), work);
        tokio::pin!(all);
        loop {
            tokio::select! {
                turns = &mut all => return Ok(finished(turns, &shared)),
                () = listener.next() => {}
            }
            if shared.is_cancelled() {
                break shared.underway();
            }
            // While the question is open the work is not looked at; whoever interrupts again wants to get out.
            let decision = tokio::select! {
                decision = interrupt::decide(&shared) => decision,
                () = listener.next() => Decision::Leave,
            };
            match decision {
                Decision::Leave => break shared.underway(),
                Decision::Cancel => tokio::select! {
                    () = interrupt::cancel(&shared) => {}
                    () = listener.next() => break shared.underway(),
                },
                Decision::GoOn => {}
            }
        }
    };
    // Whoever interrupts this too leaves a change set behind, which the next deploy replaces.
    Err(tokio::select! {
        error = interrupt::leave(&left, &aws) => error,
        () = listener.next() => CliError::new(Exit::Interrupted, "interrupted"),
    })
}

/// What a cancelled stack ended with is the interruption's doing.
fn finished(mut turns: Vec<Turn<Deployed, CliError>>, shared: &Shared<'_>) -> Vec<Turn<Deployed, CliError>> {
    let is_rejected = preflight::is_rejected(shared);
    for (turn, stack) in turns.iter_mut().zip(shared.stacks) {
        *turn = match std::mem::replace(turn, Turn::NotBegun(String::new())) {
            Turn::Failed(error) if shared.is_declined(&stack.name) => Turn::Declined(error),
            Turn::Failed(error) if is_rejected => Turn::Rejected(error),
            Turn::NotBegun(_) if is_rejected => Turn::Rejected(CliError { exit: Exit::Failed, reports: Vec::new() }),
            other => other,
        };
    }
    for (turn, stack) in turns.iter_mut().zip(shared.stacks).filter(|_| shared.is_cancelled()) {
        match turn {
            Turn::Failed(error) | Turn::Declined(error) | Turn::Rejected(error) => error.exit = Exit::Interrupted,
            Turn::NotBegun(_) => {
                let message = format!("interrupted; {} was not begun", stack.name);
                *turn = Turn::Failed(CliError::new(Exit::Interrupted, message));
            }
            Turn::Done(_) => {}
        }
    }
    turns
}

/// All failures as one; the first says how the process exits.
fn result(turns: Vec<Turn<Deployed, CliError>>) -> Result<(), CliError> {
    let failures = turns.into_iter().filter_map(|turn| match turn {
        Turn::Failed(error) | Turn::Declined(error) | Turn::Rejected(error) => Some(error),
        Turn::Done(_) | Turn::NotBegun(_) => None,
    });
    match failures.reduce(|mut first, next| {
        first.reports.extend(next.reports);
        first
    }) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// `{"STACK": {"KEY": "VALUE"}}`, as cdk writes it.
#[expect(clippy::disallowed_methods, reason = "the user names the file")]
async fn write_outputs(file: PathBuf, deployed: &[Stack]) -> Result<(), CliError> {
    let of = |stack: &Stack| {
        let outputs = stack.outputs.iter().map(|output| (output.key.clone(), Value::from(output.value.clone())));
        (stack.name.clone(), Value::Object(outputs.collect()))
    };
    let stacks: Map<String, Value> = deployed.iter().map(of).collect();
    let (text, shown) = (format!("{:#}\n", Value::Object(stacks)), file.display().to_string());
    // Not on this thread: a pipe that nothing reads must not keep a signal from ending the command.
    let written = tokio::task::spawn_blocking(move || fs::write(file, text)).await.map_err(io::Error::other)?;
    written.map_err(|error| CliError::failed(format!("cannot write {shown}: {error}")))
}
