//! `ecsws sandbox`: the local AWS.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Outcome;
use super::sandbox_inner::InnerCommand;
use crate::context::{Context, local};
use crate::error::CliError;
use crate::sandbox::lifecycle::{self, Endpoint, Options};
use crate::sandbox::services;

/// Start, stop and look at the local AWS that --sandbox uses
///
/// The first command with --sandbox starts it by itself. It listens on loopback only and lets in only requests that are signed with its secret.
/// Commands that arrive in API requests never run on this machine, except container health checks, exec, sessions and Run Command; --no-host-exec
/// switches these four off.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ecsws sandbox start
  eval \"$(ecsws sandbox env)\" && aws ecs list-clusters
  ecsws sandbox reset")]
pub struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
    /// The folder of its state, instead of one in the user's state folder
    #[arg(long, global = true, value_name = "DIR", env = "ECSWS_SANDBOX_DIR", hide_env_values = true)]
    state_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Start it, unless it runs already
    Start(StartArgs),
    /// Stop it; its state stays
    Stop,
    /// Say whether it runs, since when and where; exits with 5 when it does not
    Status,
    /// Stop it and forget everything that was deployed to it
    Reset,
    /// Print the exports that point other tools at it
    Env,
    /// Print what it serves
    Coverage,
    #[command(flatten)]
    Inner(InnerCommand),
}

#[derive(Debug, Args)]
struct StartArgs {
    /// Serve in this process, until it is interrupted
    #[arg(long)]
    foreground: bool,
    /// The account that it plays, instead of [target]'s
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Shorten its waits (evaluation periods, cooldowns, health-check intervals) by this factor
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    speed: f64,
    /// Never run commands that arrive in requests
    #[arg(long)]
    no_host_exec: bool,
}

impl SandboxArgs {
    /// What the sandbox starts this program as; `None` for the commands of users.
    pub fn inner(&self) -> Option<&InnerCommand> {
        match &self.command {
            SandboxCommand::Inner(inner) => Some(inner),
            _ => None,
        }
    }
}

pub async fn run(args: SandboxArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let SandboxArgs { command, state_dir } = args;
    if let Some(dir) = state_dir {
        ctx.settings.sandbox_dir = Some(ctx.settings.working_dir.join(dir));
    }
    match command {
        SandboxCommand::Start(start_args) => start(start_args, ctx).await,
        SandboxCommand::Stop => {
            let stopped = lifecycle::stop(&options(ctx)?.state_dir).await?;
            ctx.ui.note(if stopped { "stopped" } else { "no sandbox is running" });
            Ok(Outcome::Done)
        }
        SandboxCommand::Status => {
            if let Some(endpoint) = running(ctx).await? {
                return described(&endpoint, ctx);
            }
            ctx.ui.note("no sandbox is running");
            Ok(Outcome::No)
        }
        SandboxCommand::Reset => {
            lifecycle::reset(&options(ctx)?.state_dir).await?;
            ctx.ui.note("the sandbox is empty");
            Ok(Outcome::Done)
        }
        SandboxCommand::Env => {
            let none = || CliError::failed("no sandbox is running").hint("`ecsws sandbox start` starts one");
            let text = exports(&running(ctx).await?.ok_or_else(none)?);
            writeln!(ctx.ui.results(), "{text}")?;
            Ok(Outcome::Done)
        }
        SandboxCommand::Coverage => coverage(ctx),
        SandboxCommand::Inner(_) => Err(CliError::usage("this is for the sandbox itself")),
    }
}

/// The sandbox of the project at hand, or the default one.
fn options(ctx: &mut Context) -> Result<Options, CliError> {
    let project = ctx.project_if_any()?;
    local::options(&ctx.settings, ctx.sandbox_environment(project.as_ref()))
}

async fn running(ctx: &mut Context) -> Result<Option<Endpoint>, CliError> {
    let state_dir = options(ctx)?.state_dir;
    Ok(lifecycle::status(&state_dir).await?.map(|(endpoint, _)| endpoint))
}

async fn start(args: StartArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let StartArgs { foreground, account, speed, no_host_exec } = args;
    if !(speed.is_finite() && speed > 0.0) {
        return Err(
            CliError::usage(format!("--speed {speed} is not a factor")).hint("10 makes waits ten times shorter")
        );
    }
    let project = ctx.project_if_any()?;
    let mut environment = ctx.sandbox_environment(project.as_ref());
    environment.account = account.unwrap_or(environment.account);
    let options = Options { speed, host_exec: !no_host_exec, ..local::options(&ctx.settings, environment)? };
    if foreground {
        return serve(options).await;
    }
    let endpoint = lifecycle::ensure_running(&std::env::current_exe()?, &options).await?;
    described(&endpoint, ctx)
}

/// Serves until a signal asks this process to end.
async fn serve(options: Options) -> Result<Outcome, CliError> {
    let shutdown = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (mut signals, shutdown) = (signal(kind)?, shutdown.clone());
        tokio::spawn(async move {
            signals.recv().await;
            shutdown.cancel();
        });
    }
    lifecycle::run(options, shutdown).await?;
    Ok(Outcome::Done)
}

fn described(endpoint: &Endpoint, ctx: &mut Context) -> Result<Outcome, CliError> {
    let Endpoint { url, account, region, pid, started_at, version, .. } = endpoint;
    if ctx.ui.is_json() {
        ctx.ui.json_document(&json!({
            "schema": 1, "url": url, "account": account, "region": region, "pid": pid, "started_at": started_at, "version": version
        }))?;
    } else {
        writeln!(
            ctx.ui.results(),
            "running since {started_at:.0} at {url} as account {account} in {region} (process {pid}, version {version})"
        )?;
    }
    Ok(Outcome::Done)
}

fn exports(endpoint: &Endpoint) -> String {
    let Endpoint { url, credentials, region, .. } = endpoint;
    let variables = [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ];
    variables.map(|(name, value)| format!("export {name}={value}\n")).concat() + "unset AWS_SESSION_TOKEN AWS_PROFILE"
}

fn coverage(ctx: &mut Context) -> Result<Outcome, CliError> {
    for service in services::SERVICES {
        for operation in service.operations {
            writeln!(ctx.ui.results(), "{}:{}", service.signing_name, operation.name)?;
        }
    }
    for kind in services::cloudformation::resources::all() {
        writeln!(ctx.ui.results(), "{}", kind.name)?;
    }
    Ok(Outcome::Done)
}
