//! `ecsws deploy`: change set, approval, execution, followed to the end, for each stack after those that it needs.

mod approver;
mod event_loop;
mod interrupt;
mod options;
mod outputs_file;
mod project_source;
mod runtime_check;
mod service_warnings;
mod summary;

use std::sync::Arc;

use clap::Args;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::interrupted_diffs::temporary_change_sets;
use super::json_help;
use super::target::show_target;
use super::templates::known_look_ups;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::Stack;
use crate::ops::{
    self, DeployRequest, DeployResult, Purpose, ReadCache, StackInputs, StackOutcome, StackPhases, Synthesiser,
};
use crate::project::Project;
use crate::render::{self, DeployView};
use crate::stack::ProjectStack;

pub(super) use approver::{Approver, DeployApprover, roll_back};
use event_loop::EventLoop;
pub(super) use options::{DeployOptions, ExecutionOptions, InputOptions};
pub(super) use project_source::ProjectSource;

const EXAMPLES: &str = "Examples:
  ecsws --sandbox deploy                          on this machine
  ecsws deploy --require-approval any-change
  ecsws deploy --image nodejs=ghcr.io/acme/api:1.5 --timeout 20m
  ecsws deploy ecsworkshop-nodejs --output json   one JSON event per line";

/// Deploy stacks: show the changes, ask for approval, execute them and follow to the end
///
/// Deploys the named stacks, or all stacks of the project, in dependency order. While services roll out, their tasks, the events of ECS and the
/// last log lines of failed containers are shown. A rollback is a failure. Ctrl-C asks whether to cancel the operation or to leave it running in
/// CloudFormation; the next deploy follows an operation that is still running before it starts its own.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::EVENTS))]
pub(super) struct DeployArgs {
    /// Stacks, or services by their keys [default: all]
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    #[command(flatten)]
    execution: ExecutionOptions,
    #[command(flatten)]
    options: DeployOptions,
}

pub(super) async fn run(args: DeployArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let DeployArgs { stacks, execution, mut options } = args;
    let mut project = ctx.project()?;
    options.inputs.set_images(&mut project)?;
    options.inputs.resolve_stacks(&project.spec);
    let stacks = project.stacks(&stacks)?;
    options.check(&project.spec, &stacks, &ctx.settings.working_dir)?;
    let target = project.spec.target.clone();
    let reads = Arc::new(ReadCache::new(ctx.aws(Some(&project)).await?));
    let mut approver = DeployApprover { execution: &execution, target, is_sandbox: ctx.settings.sandbox };
    let outcomes = deploy(&mut project, &stacks, &execution, &options, &mut approver, &reads, ctx).await?;
    service_warnings::warn_of_running_differences(&outcomes, &reads, ctx).await;
    let deployed = outcomes.iter().filter_map(|outcome| match outcome {
        StackOutcome::Deployed(deployed) if deployed.result != DeployResult::ChangeSetPrepared => {
            Some(deployed.stack.clone())
        }
        _ => None,
    });
    let deployed: Vec<Stack> = deployed.collect();
    let reported = report(&project, &stacks, &outcomes, &deployed, &options, &reads, ctx).await;
    // A failed stack takes precedence over a report that failed.
    combine_failures(outcomes)?;
    reported.map(|()| Exit::Done)
}

/// Writes the outputs file and prints the summary.
async fn report(
    project: &Project,
    stacks: &[ProjectStack],
    outcomes: &[StackOutcome<CliError>],
    deployed: &[Stack],
    options: &DeployOptions,
    reads: &ReadCache,
    ctx: &mut Context,
) -> Result<(), CliError> {
    if let Some(file) = &options.outputs_file {
        outputs_file::write(ctx.settings.working_dir.join(file), deployed).await?;
    }
    if !ctx.ui.is_json() {
        let summary = summary::summarise(project, stacks, outcomes, deployed, reads, ctx).await?;
        render::summary(&mut ctx.ui, &summary)?;
    }
    Ok(())
}

/// Deploys stacks, each after its dependencies. Failures of single stacks are in the outcomes; an error concerns all of them.
pub(super) async fn deploy<A: Approver>(
    project: &mut Project,
    stacks: &[ProjectStack],
    execution: &ExecutionOptions,
    options: &DeployOptions,
    approver: &mut A,
    reads: &Arc<ReadCache>,
    ctx: &mut Context,
) -> Result<Vec<StackOutcome<CliError>>, CliError> {
    let aws = reads.aws();
    runtime_check::check_runtime(project, stacks, ctx).await?;
    if !ctx.settings.sandbox {
        ops::check_region(aws, &project.spec.target)?;
    }
    let known = reads.stacks(stacks.iter().map(|stack| stack.name.as_str())).await?;
    let environment = show_target(project, &known, ctx).await?;
    let inputs: Vec<StackInputs<'_>> = stacks.iter().map(|stack| options.inputs.stack_inputs(stack)).collect();
    let spec = project.spec.clone();
    let request = DeployRequest {
        spec: &spec,
        stacks: &inputs,
        method: options.method.into(),
        role_arn: options.role_arn.as_deref(),
        notification_arns: &options.notification_arns,
        force: options.force,
        preflight: !execution.no_preflight,
        no_rollback: execution.no_rollback,
        timeout: execution.timeout(),
        cancel_running: execution.cancel_running,
        skipped_resources: &execution.skip_resources,
        wait_for_services: !execution.no_wait_services,
        warn_of_costs: !ctx.settings.sandbox,
        temporary_change_sets: temporary_change_sets(),
        concurrency: options.concurrency.into(),
    };
    let (reporter, messages) = ops::message_channel();
    let look_ups = known_look_ups(project, &environment, ctx);
    let mut synthesiser = Synthesiser::new(environment, Purpose::Deploy, look_ups);
    synthesiser.set_clients(Arc::clone(reads));
    let source = ProjectSource::new(project, synthesiser, ctx.sandbox(), reporter.clone());
    let cancellation = CancellationToken::new();
    let work = ops::deploy(reads, &request, &source, reporter, &cancellation);
    let view = DeployView::new(&ctx.ui, execution.shows_rows(), TimeZone::system());
    EventLoop { approver, source: &source, messages, view, phases: StackPhases::new(aws), cancellation: &cancellation }
        .run(work, ctx)
        .await
        .map(|outcomes| mark_interrupted(outcomes, stacks, cancellation.is_cancelled()))
}

/// The outcomes of a deploy; if it was cancelled, failures exit as interrupted.
fn mark_interrupted(
    mut outcomes: Vec<StackOutcome<CliError>>,
    stacks: &[ProjectStack],
    is_cancelled: bool,
) -> Vec<StackOutcome<CliError>> {
    for (outcome, stack) in outcomes.iter_mut().zip(stacks).filter(|_| is_cancelled) {
        match outcome {
            StackOutcome::Failed(error) | StackOutcome::NotApproved(error) | StackOutcome::Rejected(error) => {
                error.exit = Exit::Interrupted;
            }
            StackOutcome::Skipped(_) | StackOutcome::NotStarted => {
                let message = format!("interrupted; {} was not started", stack.name);
                *outcome = StackOutcome::Failed(CliError::new(Exit::Interrupted, message));
            }
            StackOutcome::Deployed(_) => {}
        }
    }
    outcomes
}

/// All failures as one error, with the exit code of the first.
fn combine_failures(outcomes: Vec<StackOutcome<CliError>>) -> Result<(), CliError> {
    let failures = outcomes.into_iter().filter_map(StackOutcome::error);
    match failures.reduce(|mut first, next| {
        first.diagnostics.extend(next.diagnostics);
        first
    }) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
