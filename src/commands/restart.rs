//! `ecsws restart`: replaces the tasks of a service.

use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;

use super::choose::choose_service;
use super::json_help;
use super::show_progress::show_progress;
use super::target::show_target;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::hint::Hint;
use crate::ops::{self, DirectChange, SteadyLimit, locate_service};
use crate::render::{self, DeployView};
use crate::time_args;

const EXAMPLES: &str = "Examples:
  ecsws restart
  ecsws restart api --no-wait";

/// Replace the tasks of a service by new ones
///
/// ECS starts a new deployment of the same task definition: new tasks start, for example with the current image of the same tag and current
/// secrets, before the old ones stop, within the limits of the service. The stack and ecsws.toml do not change.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::EVENTS))]
pub(super) struct RestartArgs {
    /// Service, by its key in ecsws.toml
    #[arg(add = complete::services())]
    service: Option<String>,
    /// Return at once, without waiting for the new tasks
    #[arg(long)]
    no_wait: bool,
    /// Stop waiting after this time and exit with 4; ECS continues
    #[arg(long, value_name = "TIME", value_parser = time_args::parse_duration)]
    timeout: Option<Duration>,
}

pub(super) async fn run(args: RestartArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let RestartArgs { service, no_wait, timeout } = args;
    let project = ctx.project()?;
    let stack = choose_service(&project, service.as_deref(), &mut ctx.ui).await?.spec.stack.clone();
    let aws = ctx.aws(Some(&project)).await?;
    show_target(&project, &[], ctx).await?;
    let running = DirectChange::read(&aws, locate_service(&aws, &stack).await?).await?;
    let name = running.service().to_owned();
    running.restart().await?;
    render::note_event(&mut ctx.ui, format!("{name}: a new deployment replaces its {} tasks", running.initial_count()));
    if no_wait {
        return Ok(Exit::Done);
    }
    let mut view = DeployView::new(&ctx.ui, ctx.ui.shows_progress(), TimeZone::system());
    let (reporter, messages) = ops::message_channel();
    let work = running.until_restarted(SteadyLimit::new(timeout, Duration::ZERO), &reporter);
    let interrupted = || {
        let message = format!("interrupted; the new deployment of {name} continues in ECS");
        CliError::new(Exit::Interrupted, message).hint(Hint::command(["status"]).text(" shows it"))
    };
    Box::pin(show_progress(work, messages, &mut view, ctx)).await.ok_or_else(interrupted)??;
    Ok(Exit::Done)
}
