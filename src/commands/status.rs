//! `ecsws status`: the state of a service.

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};

use super::choose::choose_service;
use super::json_help;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::ServiceName;
use crate::ops::{STATUS_POLL_INTERVAL, StatusReader, StatusReport};
use crate::render::{self, LiveTerminal, UserAction};

/// The maximum time between two drawings of the live view.
const REDRAW_INTERVAL: Duration = Duration::from_millis(500);

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
    let mut reader = StatusReader::locate(&aws, &stack, watch).await?;
    if watch && ctx.ui.stdout_is_terminal() && ctx.ui.can_ask() && !ctx.ui.is_json() {
        return Box::pin(live(&mut reader, ctx)).await;
    }
    if watch {
        return tokio::select! {
            ended = lines(&mut reader, ctx) => ended,
            () = render::stdout_closed() => Ok(Exit::Done),
        };
    }
    let report = with_url(reader.read().await?, ctx).await;
    let now = Context::now();
    render::status(&mut ctx.ui, &report, now)?;
    Ok(if check && !report.steady { Exit::CheckFailed } else { Exit::Done })
}

/// Adds the local URL in the sandbox, or why it is not known.
async fn with_url(mut report: StatusReport, ctx: &Context) -> StatusReport {
    let name = ServiceName { cluster: report.cluster.clone(), service: report.service.clone() };
    match ctx.local_url(&name).await {
        Ok(url) => report.url = url,
        Err(error) => report.notes.push(error.summary()),
    }
    report
}

/// Prints a line whenever the counts or deployments change.
async fn lines(reader: &mut StatusReader<'_>, ctx: &mut Context) -> Result<Exit, CliError> {
    loop {
        let report = with_url(reader.next_change().await?, ctx).await;
        render::status_line(&mut ctx.ui, &report)?;
        if !ctx.ui.can_write() {
            return Ok(Exit::Done);
        }
    }
}

/// Runs the live view. Errors of AWS are shown, and the call is repeated. Quitting is not a failure.
async fn live(reader: &mut StatusReader<'_>, ctx: &Context) -> Result<Exit, CliError> {
    let mut report = with_url(reader.read_until_success().await?, ctx).await;
    let mut view = LiveTerminal::start(&ctx.ui)?;
    let mut keys = user_actions();
    let (sender, mut reports) = mpsc::channel(1);
    let mut reading = pin!(async {
        loop {
            let read = reader.read_until_success().await?;
            drop(sender.send(with_url(read, ctx).await).await);
            sleep(STATUS_POLL_INTERVAL).await;
        }
    });
    let mut redraws = interval(REDRAW_INTERVAL);
    loop {
        view.draw(&report, render::wait_notice(&ctx.waits).as_deref(), Context::now())?;
        tokio::select! {
            action = keys.recv() => match action {
                Some(UserAction::Redraw) => {}
                Some(UserAction::Interrupt) => return Ok(Exit::Interrupted),
                Some(UserAction::Quit) | None => return Ok(Exit::Done),
            },
            Some(read) = reports.recv() => report = read,
            ended = &mut reading => return ended,
            _ = redraws.tick() => {}
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
