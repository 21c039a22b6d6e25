//! `ecsws status`: what runs, what shall run, and what happens between the two.

use std::time::Duration;

use clap::Args;
use tokio::signal::ctrl_c;
use tokio::time::sleep;

use super::Outcome;
use crate::aws::Aws;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::ops::{ServiceStack, StatusReport, locate_service, read_status};
use crate::render::{self, Live};

/// Show what runs: counts, rollout, tasks, scaling, discovery and events
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ecsws status
  ecsws status api --watch
  ecsws status --output json | jq '.running'
  ecsws status --check || echo not steady")]
pub struct StatusArgs {
    /// The service, by its key in ecsws.toml
    #[arg(add = complete::services())]
    service: Option<String>,
    /// Stay and show changes; a live view on a terminal, a line for each change elsewhere
    #[arg(short, long)]
    watch: bool,
    /// Exit with 5 when the service is not steady
    #[arg(long, conflicts_with = "watch")]
    check: bool,
}

/// How often AWS is asked while watching.
const PAUSE: Duration = Duration::from_secs(2);

pub async fn run(args: StatusArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let StatusArgs { service, watch, check } = args;
    let project = ctx.project()?;
    let aws = ctx.aws(Some(&project)).await?;
    let stack = project.service(service.as_deref(), &mut ctx.ui)?.service.stack.clone();
    let located = locate_service(&aws, &stack).await?;
    if watch && ctx.ui.stdout_is_terminal() && ctx.ui.can_ask() && !ctx.ui.is_json() {
        return live(&aws, &located, ctx).await;
    }
    if watch {
        return lines(&aws, &located, ctx).await;
    }
    let report = read(&aws, &located, ctx).await?;
    let now = ctx.now();
    render::status(&mut ctx.ui, &report, now)?;
    Ok(if check && !report.steady { Outcome::No } else { Outcome::Done })
}

async fn read(aws: &Aws, located: &ServiceStack, ctx: &Context) -> Result<StatusReport, CliError> {
    let mut report = read_status(aws, located).await?;
    report.url = ctx.local_url(&located.service).await?;
    Ok(report)
}

/// A line whenever the counts or the rollout change.
async fn lines(aws: &Aws, located: &ServiceStack, ctx: &mut Context) -> Result<Outcome, CliError> {
    let key = |report: &StatusReport| (report.desired, report.running, report.pending, report.deployments.clone());
    let mut shown = None;
    loop {
        let report = read(aws, located, ctx).await?;
        if shown.replace(key(&report)).as_ref() != Some(&key(&report)) {
            render::status_line(&mut ctx.ui, &report)?;
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            _ = ctrl_c() => return Ok(Outcome::Interrupted),
        }
    }
}

/// The live view. An error of AWS is shown and asked about again; leaving is not a failure.
async fn live(aws: &Aws, located: &ServiceStack, ctx: &mut Context) -> Result<Outcome, CliError> {
    let mut report = read(aws, located, ctx).await?;
    let mut message = None;
    let mut view = Live::start()?;
    loop {
        view.draw(&report, message.as_deref(), ctx.now())?;
        let keys = tokio::task::spawn_blocking(|| Live::wants_to_leave(PAUSE / 2));
        if keys.await.map_err(|error| CliError::failed(error.to_string()))?? {
            return Ok(Outcome::Done);
        }
        match read(aws, located, ctx).await {
            Ok(fresh) => (report, message) = (fresh, None),
            Err(error) => message = Some(error.summary()),
        }
    }
}
