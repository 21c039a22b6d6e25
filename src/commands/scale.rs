//! `ecsws scale`: how many tasks run, or between which counts autoscaling keeps them.

use clap::{ArgGroup, Args};
use jiff::tz::TimeZone;

use super::approve::check_target;
use super::deploy::{DeployOptions, FollowOptions, deploy, result};
use super::{Outcome, shapes};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{STEADY_WITHIN, locate_service, wait_until_steady};
use crate::project::Project;
use crate::render::DeployView;
use crate::stack::{Scaling, edit_scaling};

const EXAMPLES: &str = "Examples:
  ecsws scale --count 3
  ecsws scale api --min 2 --max 10 --cpu 50";

/// Change how many tasks of a service run
///
/// The new numbers are written to ecsws.toml, so that the next deploy keeps them, and deployed. With --hotswap the count is changed in ECS alone:
/// faster, until a deploy changes the service; `diff` shows it.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["count", "min", "max", "cpu", "memory"])), after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", shapes::EVENTS))]
pub struct ScaleArgs {
    /// The service, by its key in ecsws.toml
    #[arg(add = complete::services())]
    service: Option<String>,
    /// Run so many tasks
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    count: Option<u32>,
    /// Autoscaling: never fewer tasks than this
    #[arg(long, value_name = "N", conflicts_with = "count")]
    min: Option<u32>,
    /// Autoscaling: never more tasks than this
    #[arg(long, value_name = "N", conflicts_with = "count")]
    max: Option<u32>,
    /// Autoscaling: keep the average CPU utilisation at this percentage
    #[arg(long, value_name = "PERCENT", conflicts_with = "count")]
    cpu: Option<u32>,
    /// Autoscaling: keep the average memory utilisation at this percentage
    #[arg(long, value_name = "PERCENT", conflicts_with = "count")]
    memory: Option<u32>,
    /// Change the running service only, not ecsws.toml and not the stack
    #[arg(long, requires = "count")]
    hotswap: bool,
    #[command(flatten)]
    follow: FollowOptions,
}

pub async fn run(args: ScaleArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let ScaleArgs { service, count, min, max, cpu, memory, hotswap, follow } = args;
    let project = ctx.project()?;
    let service = project.service(service.as_deref(), &mut ctx.ui).await?;
    let (key, stack) = (service.key.to_owned(), service.service.stack.clone());
    if let (Some(count), Some(scaling)) = (count, &service.service.autoscaling) {
        let (min, max) = (scaling.min, scaling.max);
        ctx.ui.warn(&format!(
            "autoscaling keeps `{key}` between {min} and {max} tasks and may change the count {count} again"
        ));
    }
    if let (Some(count), true) = (count, hotswap) {
        return Box::pin(hotswap_count(&project, &stack, count, &follow, ctx)).await;
    }
    let text =
        edit_scaling(&project.text, &key, &Scaling { count, min, max, cpu, memory }).map_err(CliError::usage)?.text;
    let mut project = project.with_text(text)?;
    let stacks = project.stacks(&[stack])?;
    result(deploy(&mut project, &stacks, &follow, &DeployOptions::default(), ctx).await?)?;
    Ok(Outcome::Done)
}

async fn hotswap_count(
    project: &Project,
    stack: &str,
    count: u32,
    follow: &FollowOptions,
    ctx: &mut Context,
) -> Result<Outcome, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    check_target(project, &aws, None, ctx).await?;
    let service = locate_service(&aws, stack).await?.service;
    let since = ctx.now();
    aws.set_desired_count(&service, count).await?;
    ctx.ui.note(&format!(
        "{} shall run {count} tasks; a deploy that changes the service sets the count of ecsws.toml again",
        service.service
    ));
    if follow.no_wait_services {
        return Ok(Outcome::Done);
    }
    let mut view = DeployView::new(&ctx.ui, follow.progress, TimeZone::system());
    view.busy(&format!("{}: waiting until it is steady …", service.service));
    let interrupts = ctx.interrupts.clone();
    let mut show = |event| view.show(&mut ctx.ui, &event);
    let limit = follow.timeout.unwrap_or(STEADY_WITHIN);
    let waited = interrupts.during(Box::pin(wait_until_steady(&aws, &service, since, limit, &mut show))).await;
    let stopped = || CliError::new(Exit::Interrupted, format!("interrupted; ECS goes on with {}", service.service));
    waited.ok_or_else(stopped)??;
    Ok(Outcome::Done)
}
