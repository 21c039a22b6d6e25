//! `ecsws sandbox`: the local AWS.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::sandbox::lifecycle::{self, Endpoint, Options, StateHome};
use crate::sandbox::services;
use crate::sandbox::tasks::{self, stand_in::StandIn};

/// Start, stop and look at the local AWS that `--sandbox` uses.
///
/// It listens on loopback only and lets in only requests that are signed with its secret. Commands that arrive in API
/// requests never run on this machine, except container health checks, exec, sessions and Run Command;
/// `--no-host-exec` switches these four off.
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
    /// The account that it plays.
    #[arg(long, global = true, default_value = "123456789012")]
    account: String,
    /// The region that it plays.
    #[arg(long, global = true, default_value = "us-east-1")]
    region: String,
    /// The folder of its state.
    #[arg(long, global = true, env = "ECSWS_SANDBOX_DIR")]
    state_dir: Option<PathBuf>,
    #[arg(long, global = true, env = "XDG_STATE_HOME", hide = true)]
    xdg_state_home: Option<PathBuf>,
    #[arg(long, global = true, env = "HOME", hide = true)]
    home: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum SandboxCommand {
    /// Start it, unless it runs already.
    Start(StartArgs),
    /// Stop it; its state stays.
    Stop,
    /// Say whether it runs, since when and where.
    Status,
    /// Stop it and forget everything that was deployed to it.
    Reset,
    /// Print the exports that point other tools at it.
    Env,
    /// Print what it serves.
    Coverage,
    /// Stand between the sandbox and one task's process.
    #[command(hide = true)]
    TaskShim,
    /// Become a task's process.
    #[command(hide = true)]
    TaskLaunch {
        /// The process id of the shim.
        shim: i32,
    },
    /// Answer like the workshop's Node.js backend.
    #[command(hide = true)]
    StandIn(StandInArgs),
}

/// See [`StandIn`].
#[derive(Debug, clap::Args)]
struct StandInArgs {
    #[arg(long)]
    port: u16,
    #[arg(long, default_value_t = 256)]
    cpu: u32,
    #[arg(long, default_value = "127.0.0.1")]
    address: String,
    #[arg(long, default_value = "us-east-1a")]
    zone: String,
    #[arg(long, default_value = "stand-in")]
    image: String,
}

#[derive(Debug, clap::Args)]
struct StartArgs {
    /// Serve in this process, until it is interrupted.
    #[arg(long)]
    foreground: bool,
    /// Shorten its waits (evaluation periods, cooldowns, health-check intervals) by this factor.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Never run commands that arrive in requests.
    #[arg(long)]
    no_host_exec: bool,
}

/// Runs `ecsws sandbox …`.
pub fn run(args: SandboxArgs) -> anyhow::Result<ExitCode> {
    // What the sandbox starts itself as has its own, single-threaded runtime.
    match args.command {
        SandboxCommand::TaskShim => Ok(tasks::shim::main()),
        SandboxCommand::TaskLaunch { shim } => Ok(tasks::launch::main(shim)),
        SandboxCommand::StandIn(StandInArgs { port, cpu, address, zone, image }) => {
            Ok(tasks::stand_in::main(&StandIn { port, cpu, address, zone, image }))
        }
        _ => tokio::runtime::Runtime::new()?.block_on(run_async(args)),
    }
}

async fn run_async(args: SandboxArgs) -> anyhow::Result<ExitCode> {
    let SandboxArgs { command, account, region, state_dir, xdg_state_home, home } = args;
    let state_dir = StateHome { sandbox_dir: state_dir, xdg_state_home, home }.state_dir(&account, &region)?;
    match command {
        SandboxCommand::Start(StartArgs { foreground, speed, no_host_exec }) => {
            let options = Options { account, region, state_dir, speed, host_exec: !no_host_exec };
            if foreground { serve(options).await } else { start(&options).await }
        }
        SandboxCommand::Stop => {
            let stopped = lifecycle::stop(&state_dir).await?;
            say(if stopped { "stopped" } else { "no sandbox is running" })
        }
        SandboxCommand::Status => match lifecycle::status(&state_dir).await? {
            Some((endpoint, _)) => say(&described(&endpoint)),
            None => say("no sandbox is running").map(|_| ExitCode::from(crate::exit::FAILED)),
        },
        SandboxCommand::Reset => {
            lifecycle::reset(&state_dir).await?;
            say("the sandbox is empty")
        }
        SandboxCommand::Env => {
            let (endpoint, _) = lifecycle::status(&state_dir)
                .await?
                .context("no sandbox is running: `ecsws sandbox start` starts one")?;
            say(&exports(&endpoint))
        }
        SandboxCommand::Coverage => say(&coverage()),
        SandboxCommand::TaskShim | SandboxCommand::TaskLaunch { .. } | SandboxCommand::StandIn(_) => {
            unreachable!("they run before there is a runtime")
        }
    }
}

async fn start(options: &Options) -> anyhow::Result<ExitCode> {
    let endpoint = lifecycle::ensure_running(&std::env::current_exe()?, options).await?;
    say(&described(&endpoint))
}

async fn serve(options: Options) -> anyhow::Result<ExitCode> {
    let shutdown = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (mut signals, shutdown) = (signal(kind)?, shutdown.clone());
        tokio::spawn(async move {
            signals.recv().await;
            shutdown.cancel();
        });
    }
    lifecycle::run(options, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

fn described(endpoint: &Endpoint) -> String {
    let Endpoint { url, account, region, pid, started_at, .. } = endpoint;
    format!("running since {started_at:.0} at {url} as account {account} in {region} (process {pid})")
}

fn exports(endpoint: &Endpoint) -> String {
    let Endpoint { url, credentials, region, .. } = endpoint;
    [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
    ]
    .map(|(name, value)| format!("export {name}={value}"))
    .join("\n")
        + "\nunset AWS_SESSION_TOKEN AWS_PROFILE"
}

fn coverage() -> String {
    let rows = services::SERVICES.iter().flat_map(|service| {
        service.operations.iter().map(|operation| format!("{}:{}", service.signing_name, operation.name))
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// A closed pipe ends quietly.
fn say(text: &str) -> anyhow::Result<ExitCode> {
    match writeln!(anstream::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}
