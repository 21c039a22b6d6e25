//! `ecsws scale`: how many tasks run, or between which counts autoscaling keeps them.

mod running;
mod scale_approver;
mod spec_edit;

use std::sync::Arc;

use clap::{ArgGroup, Args};

use super::choose::choose_service;
use super::deploy::{DeployOptions, ExecutionOptions, deploy};
use super::json_help;
use super::number::{NumberChange, whole_number};
use super::target::show_target;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::hint::{Hint, RepeatedCommand};
use crate::ops::{
    DeployResult, Deployed, DirectChange, Operation, OpsError, ReadCache, StackOutcome, autoscaling_differences,
    locate_service,
};
use crate::project::Project;
use crate::stack::spec::{MAX_TASKS_PER_SERVICE, Service};
use crate::stack::{ScalingNumbers, edit_scaling};
use running::{ensure_count, set_count};
use scale_approver::ScaleApprover;
use spec_edit::SpecEdit;

const EXAMPLES: &str = "Examples:
  ecsws scale --count 3
  ecsws scale api --count +1
  ecsws scale api --min 2 --max 10 --cpu 50";

/// Change how many tasks of a service run
///
/// The new numbers are written to ecsws.toml, so that the next deploy keeps them, and deployed. If the deploy would change more than numbers
/// (another image, other edits of ecsws.toml, a stack that does not exist), scale lists that and asks; without a terminal it exits with 2 unless
/// --yes is given. With --hotswap the count is changed in ECS only: faster, until a deploy changes the service.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["count", "min", "max", "cpu", "memory"])), after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::EVENTS))]
pub(super) struct ScaleArgs {
    /// Service, by its key in ecsws.toml
    #[arg(add = complete::services())]
    service: Option<String>,
    /// Number of tasks to run, or a difference to the present desired count: +1, -2
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = NumberChange::parser(MAX_TASKS_PER_SERVICE))]
    count: Option<NumberChange>,
    /// Autoscaling: minimum number of tasks
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "count", value_parser = whole_number(0..=MAX_TASKS_PER_SERVICE))]
    min: Option<u32>,
    /// Autoscaling: maximum number of tasks
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "count", value_parser = whole_number(0..=MAX_TASKS_PER_SERVICE))]
    max: Option<u32>,
    /// Autoscaling: keep the average CPU utilisation at this percentage
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, conflicts_with = "count", value_parser = whole_number(1..=100u32))]
    cpu: Option<u32>,
    /// Autoscaling: keep the average memory utilisation at this percentage
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, conflicts_with = "count", value_parser = whole_number(1..=100u32))]
    memory: Option<u32>,
    /// Change only the running service, not ecsws.toml or the stack
    #[arg(long, requires = "count")]
    hotswap: bool,
    #[command(flatten)]
    execution: ExecutionOptions,
}

pub(super) async fn run(args: ScaleArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let ScaleArgs { service, count, min, max, cpu, memory, hotswap, execution } = args;
    let project = ctx.project()?;
    let service = choose_service(&project, service.as_deref(), &mut ctx.ui).await?;
    let (key, service) = (service.key.to_owned(), service.spec.clone());
    let count = match count {
        Some(change) => Some(requested_count(change, &project, &service.stack, ctx).await?),
        None => None,
    };
    if let Some(count) = count {
        check_range(&key, &service, count)?;
    }
    if count == Some(0) && !ctx.ui.confirm(&format!("All tasks of `{key}` will stop. Continue?"), "--yes").await? {
        return Err(OpsError::NotApproved { stack: service.stack }.into());
    }
    let has_several = project.spec.services.len() > 1;
    let scaled = if let Some(count) = count.filter(|_| hotswap) {
        Box::pin(hotswap_count(&project, &service, count, &execution, ctx)).await
    } else {
        let scaling = ScalingNumbers { count, min, max, cpu, memory };
        Box::pin(deploy_numbers(&project, &key, &service.stack, scaling, &execution, ctx)).await
    };
    scaled.map_err(|error| if has_several { error.for_service(&key) } else { error })?;
    Ok(Exit::Done)
}

/// The requested desired count. A difference is one to the count in ECS.
async fn requested_count(
    change: NumberChange,
    project: &Project,
    stack: &str,
    ctx: &mut Context,
) -> Result<u32, CliError> {
    let present = match change {
        NumberChange::To(_) => 0,
        NumberChange::By(_) => {
            let aws = ctx.aws(Some(project)).await?;
            DirectChange::read(&aws, locate_service(&aws, stack).await?).await?.initial_count()
        }
    };
    change.apply(present).map_err(CliError::usage)
}

/// Autoscaling would correct a count outside of its range.
fn check_range(key: &str, service: &Service, count: u32) -> Result<(), CliError> {
    let Some(scaling) = service.autoscaling.as_ref().filter(|scaling| !(scaling.min..=scaling.max).contains(&count))
    else {
        return Ok(());
    };
    let limit = if count < scaling.min { "min" } else { "max" };
    let message =
        format!("count {count} is outside the autoscaling range of `{key}`, {} to {}", scaling.min, scaling.max);
    let (flag, count) = (format!("--{limit}"), count.to_string());
    let repetition = RepeatedCommand::new(&["scale"], ["scale", key, &flag, &count]);
    // The count in ECS is all that --hotswap changes.
    let repetition = repetition.replacing("--count", [flag, count]).replacing("--hotswap", [""; 0]);
    Err(CliError::usage(message).hint(Hint::repeat(repetition).text(" changes the limit")))
}

/// Writes the numbers to `ecsws.toml`, deploys them, and checks that the running service has them.
async fn deploy_numbers(
    project: &Project,
    key: &str,
    stack: &str,
    scaling: ScalingNumbers,
    execution: &ExecutionOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let edit = edit_scaling(&project.text, key, &scaling).map_err(CliError::usage)?;
    let mut edited = project.with_text(&edit.text)?;
    let stacks = edited.stacks(&[stack.to_owned()])?;
    let mut approver =
        ScaleApprover::new(project, key, SpecEdit::new(project, key, scaling), execution, ctx.settings.sandbox);
    let reads = Arc::new(ReadCache::new(ctx.aws(Some(project)).await?));
    let outcomes = deploy(&mut edited, &stacks, execution, &DeployOptions::default(), &mut approver, &reads, ctx).await;
    let deployed = match outcomes.and_then(single_result) {
        Ok(deployed) => deployed,
        Err(error) => {
            approver.edit.warn_if_saved(stack, ctx).await;
            return Err(error);
        }
    };
    // Without a change to approve, because the stack has the numbers already, nothing was saved yet.
    approver.edit.save(&mut ctx.ui)?;
    let aws = ctx.aws(Some(project)).await?;
    let name = locate_service(&aws, stack).await?;
    if let Some(count) = scaling.count {
        let was_updated = matches!(deployed.result, DeployResult::Done(Operation::Create | Operation::Update, _));
        let service = DirectChange::read(&aws, name).await?;
        return ensure_count(&service, count, was_updated, execution, ctx).await;
    }
    match autoscaling_differences(&aws, &name, &scaling).await {
        Ok(differences) if differences.is_empty() => Ok(()),
        Ok(differences) => Err(other_autoscaling(&name.service, key, &differences)),
        Err(error) => {
            ctx.ui.warn(&format!("cannot compare the running autoscaling with the template: {error}"));
            Ok(())
        }
    }
}

fn other_autoscaling(service: &str, key: &str, differences: &[String]) -> CliError {
    let message = format!("autoscaling of {service} differs from its stack: {}", differences.join(", "));
    CliError::failed(message).hint(format!(
        "it was changed outside of the stack, which already had the requested numbers: change it back there, or remove [services.{key}.autoscaling], deploy, and scale again"
    ))
}

/// The outcome of the one stack that was deployed.
fn single_result(outcomes: Vec<StackOutcome<CliError>>) -> Result<Deployed, CliError> {
    let not_deployed = || CliError::failed("the stack was not deployed");
    match outcomes.into_iter().next() {
        Some(StackOutcome::Deployed(deployed)) => Ok(*deployed),
        outcome => Err(outcome.and_then(StackOutcome::error).unwrap_or_else(not_deployed)),
    }
}

async fn hotswap_count(
    project: &Project,
    service: &Service,
    count: u32,
    execution: &ExecutionOptions,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let aws = ctx.aws(Some(project)).await?;
    show_target(project, &[], ctx).await?;
    let name = locate_service(&aws, &service.stack).await?;
    let reset = match service.count {
        Some(deployed) if deployed != count => {
            format!("; the next deploy that changes this service resets it to ecsws.toml's count, {deployed}")
        }
        _ => String::new(),
    };
    let running = DirectChange::read(&aws, name).await?;
    set_count(&running, count, |old| format!("desired count {old} → {count} (ECS only){reset}"), execution, ctx).await
}
