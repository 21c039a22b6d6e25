//! `ecsws status`: the state of services.

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures_util::future::try_join_all;
use tokio::sync::mpsc;
use tokio::time::{interval, sleep};

use super::choose::choose_service;
use super::json_help;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::ServiceName;
use crate::ops::{self, STATUS_POLL_INTERVAL, StatusReader, StatusReport};
use crate::project::Project;
use crate::render::{self, LiveTerminal, StatusLineFormat, UserAction};

/// The maximum time between two drawings of the live view.
const REDRAW_INTERVAL: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "Examples:
  ecsws status                     a line for each service; all about it if there is only one
  ecsws status api --watch
  ecsws status api --output json | jq '.running'
  ecsws status --check || echo not steady
  ecsws status api --watch --format workshop | cat";

/// Show what runs: state, tasks and why they stopped, rollout, scaling and events
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::STATUS))]
pub(super) struct StatusArgs {
    /// Services, by their keys in ecsws.toml [default: all]
    #[arg(add = complete::services())]
    service: Vec<String>,
    /// Keep watching one service: a live view on a terminal, a line for each change elsewhere
    #[arg(short, long)]
    watch: bool,
    /// Format of the lines of --watch
    #[arg(long, value_enum, requires = "watch", default_value_t)]
    format: StatusLineFormat,
    /// Exit with 5 when a service is not steady
    #[arg(long, conflicts_with = "watch")]
    check: bool,
}

pub(super) async fn run(args: StatusArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let StatusArgs { service: keys, watch, format, check } = args;
    let project = ctx.project()?;
    if watch {
        if keys.len() > 1 {
            return Err(CliError::usage("--watch shows one service"));
        }
        let service = choose_service(&project, keys.first().map(String::as_str), &mut ctx.ui).await?;
        let stack = service.spec.stack.clone();
        return watch_service(&project, &stack, format, ctx).await;
    }
    let is_overview = keys.is_empty() && project.spec.services.len() > 1;
    let keys = if keys.is_empty() { project.spec.services.keys().cloned().collect() } else { keys };
    if keys.is_empty() {
        return Err(CliError::usage("ecsws.toml has no service"));
    }
    let mut stacks = Vec::new();
    for key in keys {
        stacks.push((project.service(&key)?.spec.stack.clone(), key));
    }
    let aws = ctx.aws(Some(&project)).await?;
    let shared: &Context = ctx;
    let reports = try_join_all(stacks.iter().map(async |(stack, key)| {
        let report = if is_overview {
            ops::service_status(&aws, key, stack, Context::now).await?
        } else {
            StatusReader::locate(&aws, stack, false, Context::now).await?.read().await?
        };
        Ok::<_, CliError>((key.clone(), with_url(report, shared).await))
    }))
    .await?;
    let is_steady = reports.iter().all(|(_, report)| report.steady);
    if is_overview {
        render::status_table(&mut ctx.ui, &reports)?;
    } else {
        let reports: Vec<StatusReport> = reports.into_iter().map(|(_, report)| report).collect();
        render::status(&mut ctx.ui, &reports, Context::now())?;
    }
    Ok(if check && !is_steady { Exit::CheckFailed } else { Exit::Done })
}

async fn watch_service(
    project: &Project,
    stack: &str,
    format: StatusLineFormat,
    ctx: &mut Context,
) -> Result<Exit, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    let mut reader = StatusReader::locate(&aws, stack, true, Context::now).await?;
    if ctx.ui.stdout_is_terminal() && ctx.ui.can_ask() && !ctx.ui.is_json() && format == StatusLineFormat::Line {
        return Box::pin(live(&mut reader, ctx)).await;
    }
    tokio::select! {
        ended = lines(&mut reader, format, ctx) => ended,
        () = render::stdout_closed() => Ok(Exit::Done),
    }
}

/// Adds the local URL in the sandbox, or why it is not known.
pub(super) async fn with_url(mut report: StatusReport, ctx: &Context) -> StatusReport {
    let name = ServiceName { cluster: report.cluster.clone(), service: report.service.clone() };
    match ctx.local_url(&name).await {
        Ok(url) => report.url = url,
        Err(error) => report.notes.push(error.summary()),
    }
    report
}

/// Prints a line whenever the counts or deployments change.
async fn lines(reader: &mut StatusReader<'_>, format: StatusLineFormat, ctx: &mut Context) -> Result<Exit, CliError> {
    loop {
        let report = with_url(reader.next_change().await?, ctx).await;
        render::status_line(&mut ctx.ui, &report, format, Context::now())?;
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
