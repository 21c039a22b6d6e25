//! `ecsws status`: the state of a service.

use clap::Args;
use tokio::sync::mpsc;
use tokio::time::interval;

use super::choose::choose_service;
use super::json_help;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{STATUS_POLL_INTERVAL, StatusReader, StatusReport};
use crate::render::{self, LiveTerminal, UserAction};

const EXAMPLES: &str = "Examples:
  ecsws status
  ecsws status api --watch
  ecsws status --output json | jq '.running'
  ecsws status --check || echo not steady";

/// Show what runs: counts, rollout, tasks, scaling, discovery and events
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::STATUS))]
pub(super) struct StatusArgs {
    /// Service, by its key in ecsws.toml
    #[arg(add = complete::services())]
    service: Option<String>,
    /// Keep watching: a live view on a terminal, a line for each change elsewhere
    #[arg(short, long)]
    watch: bool,
    /// Exit with 5 when the service is not steady
    #[arg(long, conflicts_with = "watch")]
    check: bool,
}

pub(super) async fn run(args: StatusArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let StatusArgs { service, watch, check } = args;
    let project = ctx.project()?;
    let stack = choose_service(&project, service.as_deref(), &mut ctx.ui).await?.spec.stack.clone();
    let aws = ctx.aws(Some(&project)).await?;
    let mut reader = StatusReader::locate(&aws, &stack).await?;
    if watch && ctx.ui.stdout_is_terminal() && ctx.ui.can_ask() && !ctx.ui.is_json() {
        return Box::pin(live(&reader, ctx)).await;
    }
    if watch {
        return tokio::select! {
            ended = lines(&mut reader, ctx) => ended,
            () = render::stdout_closed() => Ok(Exit::Done),
        };
    }
    let report = read_status(&reader, ctx).await?;
    let now = Context::now();
    render::status(&mut ctx.ui, &report, now)?;
    Ok(if check && !report.steady { Exit::CheckFailed } else { Exit::Done })
}

async fn read_status(reader: &StatusReader<'_>, ctx: &Context) -> Result<StatusReport, CliError> {
    with_url(reader.read().await?, reader, ctx).await
}

/// Adds the local URL in the sandbox.
async fn with_url(
    mut report: StatusReport,
    reader: &StatusReader<'_>,
    ctx: &Context,
) -> Result<StatusReport, CliError> {
    report.url = ctx.local_url(reader.service()).await?;
    Ok(report)
}

/// Prints a line whenever the counts or deployments change.
async fn lines(reader: &mut StatusReader<'_>, ctx: &mut Context) -> Result<Exit, CliError> {
    loop {
        let report = reader.next_change().await?;
        let report = with_url(report, reader, ctx).await?;
        render::status_line(&mut ctx.ui, &report)?;
        if !ctx.ui.can_write() {
            return Ok(Exit::Done);
        }
    }
}

/// Runs the live view. Errors of AWS are shown, and the call is repeated. Quitting is not a failure.
async fn live(reader: &StatusReader<'_>, ctx: &mut Context) -> Result<Exit, CliError> {
    let mut report = read_status(reader, ctx).await?;
    let mut message = None;
    let mut view = LiveTerminal::start()?;
    let mut keys = user_actions();
    let mut ticks = interval(STATUS_POLL_INTERVAL);
    loop {
        view.draw(&report, message.as_deref(), Context::now())?;
        tokio::select! {
            action = keys.recv() => match action {
                Some(UserAction::Redraw) => {}
                Some(UserAction::Interrupt) => return Ok(Exit::Interrupted),
                Some(UserAction::Quit) | None => return Ok(Exit::Done),
            },
            fresh = async { ticks.tick().await; read_status(reader, ctx).await } => match fresh {
                Ok(fresh) => (report, message) = (fresh, None),
                Err(error) => message = Some(error.summary()),
            },
        }
    }
}

/// Reads keys on a separate thread until the receiver is dropped.
fn user_actions() -> mpsc::Receiver<UserAction> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        while !sender.is_closed() {
            match LiveTerminal::user_action(STATUS_POLL_INTERVAL / 4) {
                Ok(Some(action)) if sender.blocking_send(action).is_err() => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    receiver
}
