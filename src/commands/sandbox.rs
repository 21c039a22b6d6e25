//! `ecsws sandbox`: the local AWS.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ecsws_sandbox::lifecycle::{self, Endpoint, Options};
use ecsws_sandbox::{Coverage, SANDBOX_VARIABLES, TASK_VARIABLES};
use serde_json::json;

mod faults;
mod logs;
mod status;

use super::json_help;
use crate::context::{self, Context};
use crate::error::CliError;
use crate::exit::Exit;
use crate::hint::Hint;
use crate::model::json_time;
use crate::project::Project;
use crate::render;
use crate::stack::Environment;
use crate::stack::spec::Target;

const EXAMPLES: &str = "Examples:
  ecsws sandbox start
  eval \"$(ecsws sandbox env)\" && aws ecs list-clusters
  ecsws sandbox reset";

/// Start, stop and inspect the local AWS that --sandbox uses
///
/// The first command with --sandbox starts it. It listens on loopback and accepts only requests that are signed with its own key. Commands from
/// API requests never run on this machine, except container health checks, ECS Exec, sessions and Run Command. --no-host-exec disables these four,
/// and does not set variables of task definitions in processes. In a health check, localhost with the port of the task definition reaches the port
/// that the task really has; if curl or wget is not installed, the sandbox checks the port directly. With `runtime = "podman"` or `"docker"` in ecsws.toml,
/// images run as containers, and these commands run inside them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::SANDBOX))]
pub(super) struct SandboxArgs {
    #[command(subcommand)]
    command: SandboxCommand,
    /// Folder for its state [default: ecsws in the user's state folder] [env: ECSWS_SANDBOX_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum SandboxCommand {
    /// Start the sandbox, unless it is running
    Start(StartArgs),
    /// Stop the sandbox; its state is kept
    Stop,
    /// Show what the sandbox runs; exits with 5 if it is not running
    Status,
    /// Print the sandbox's log: one line per request or background event
    Logs(logs::SandboxLogsArgs),
    Faults(faults::FaultsArgs),
    /// Stop the sandbox and delete its state
    Reset,
    /// Print the environment variables with which other tools use the sandbox
    Env,
    /// List the operations, resource types and functions that the sandbox supports
    Coverage,
}

#[derive(Debug, Args)]
#[command(after_long_help = inherited_variables())]
struct StartArgs {
    /// Run in the foreground until interrupted
    #[arg(long)]
    foreground: bool,
    /// Account ID to simulate [default: the one in `[target]`]
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Divide waiting times (evaluation periods, cooldowns, health-check intervals) by this factor
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// Never run commands or set variables from API requests
    ///
    /// Health checks connect to the container's port instead of running their command.
    #[arg(long)]
    no_host_exec: bool,
}

fn inherited_variables() -> String {
    let (tasks, sandbox) = (TASK_VARIABLES.join(", "), SANDBOX_VARIABLES.join(", "));
    format!(
        "Variables that tasks inherit: {tasks}\n\nVariables that the sandbox process inherits, mostly for podman and docker: {sandbox}"
    )
}

pub(super) async fn run(args: SandboxArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let SandboxArgs { command, state_dir } = args;
    if let Some(dir) = state_dir {
        ctx.settings.sandbox_dir = Some(ctx.settings.working_dir.join(&dir));
        ctx.settings.state_dir_flag = Some(dir);
    }
    let _wait = match &command {
        SandboxCommand::Logs(_) => None,
        _ => Some(ctx.waits.begin("the sandbox")),
    };
    match command {
        SandboxCommand::Start(start_args) => start(start_args, ctx).await,
        SandboxCommand::Stop => {
            let stopped = lifecycle::stop(&options(ctx)?.state_dir).await?;
            ctx.ui.note(if stopped { "stopped" } else { "no sandbox is running" });
            print(ctx, [], &json!({ "stopped": stopped }))
        }
        SandboxCommand::Status => {
            if let Some(endpoint) = running(ctx).await? {
                status::show(&endpoint, ctx).await?;
                return Ok(Exit::Done);
            }
            ctx.ui.note("no sandbox is running");
            print(ctx, [], &json!({ "running": false })).map(|_| Exit::CheckFailed)
        }
        SandboxCommand::Reset => {
            lifecycle::reset(&options(ctx)?.state_dir).await?;
            ctx.ui.note("the sandbox's state is deleted");
            print(ctx, [], &json!({ "reset": true }))
        }
        SandboxCommand::Env => print_environment(&require_running(ctx).await?, ctx),
        SandboxCommand::Logs(logs_args) => {
            let state_dir = options(ctx)?.state_dir;
            logs::run(logs_args, &state_dir, ctx).await.map(|()| Exit::Done)
        }
        SandboxCommand::Faults(faults_args) => {
            let endpoint = require_running(ctx).await?;
            faults::run(faults_args, &endpoint, ctx).await.map(|()| Exit::Done)
        }
        SandboxCommand::Coverage => print_coverage(ctx),
    }
}

/// The options of the project's sandbox, or of the default one. Only the project's target matters.
fn options(ctx: &mut Context) -> Result<Options, CliError> {
    let environment = environment_of_project(ctx)?;
    context::sandbox::options(&ctx.settings, environment)
}

fn environment_of_project(ctx: &mut Context) -> Result<Environment, CliError> {
    let Some((dir, target)) = Project::find_target(&ctx.settings)? else {
        return Ok(ctx.sandbox_of(Target::default()));
    };
    ctx.show_project(&dir);
    Ok(ctx.sandbox_of(target))
}

async fn running(ctx: &mut Context) -> Result<Option<Endpoint>, CliError> {
    let state_dir = options(ctx)?.state_dir;
    Ok(lifecycle::status(&state_dir).await?.map(|(endpoint, _)| endpoint))
}

async fn require_running(ctx: &mut Context) -> Result<Endpoint, CliError> {
    let start = ctx.settings.sandbox_command("start");
    let none = || CliError::failed("no sandbox is running").hint(Hint::default().then(start).text(" starts one"));
    running(ctx).await?.ok_or_else(none)
}

async fn start(args: StartArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let StartArgs { foreground, account, speed, no_host_exec } = args;
    let environment = match (account, &ctx.settings.region_flag) {
        (Some(account), Some(region)) => Environment { account, region: region.clone() },
        (account, _) => {
            let environment = environment_of_project(ctx)?;
            Environment { account: account.unwrap_or(environment.account), ..environment }
        }
    };
    let options = context::sandbox::options(&ctx.settings, environment)?;
    let options = Options { speed: speed.unwrap_or(options.speed), host_exec: !no_host_exec, ..options };
    if foreground {
        return Err(lifecycle::serve_in_this_process(&context::sandbox::this_program()?, &options).into());
    }
    let (endpoint, status) = context::sandbox::start(&options, &ctx.settings).await?;
    if speed.is_some_and(|speed| (status.speed - speed).abs() > f64::EPSILON) || (no_host_exec && status.host_exec) {
        return Err(CliError::usage("a sandbox is already running, with another --speed or without --no-host-exec")
            .hint(Hint::from("stop it first (its state stays): ").then(ctx.settings.sandbox_command("stop"))));
    }
    print_endpoint(&endpoint, ctx)
}

/// Parses a speed-up factor.
fn speed(text: &str) -> Result<f64, String> {
    // With higher factors nothing has the time to become steady.
    let factor = text.parse().ok().filter(|factor: &f64| *factor > 0.0 && *factor <= 10_000.0);
    factor.ok_or_else(|| "expected a number above 0, up to 10000".to_owned())
}

fn print_endpoint(endpoint: &Endpoint, ctx: &mut Context) -> Result<Exit, CliError> {
    let Endpoint { url, account, region, pid, started_at, version, .. } = endpoint;
    let fields = json!({
        "running": true, "url": url, "account": account, "region": region, "pid": pid, "started_at": json_time(*started_at), "version": version
    });
    let line = format!(
        "running since {started_at:.0} at {url} as account {account} in {region} (process {pid}, version {version})"
    );
    print(ctx, [line], &fields)
}

/// Prints the variables that point other tools at the sandbox, as shell exports.
fn print_environment(endpoint: &Endpoint, ctx: &mut Context) -> Result<Exit, CliError> {
    let Endpoint { url, credentials, region, .. } = endpoint;
    // Some operations have a host of their own in front of the service's, such as `data-` for DiscoverInstances, and there is
    // no such host here. Respected by botocore since 1.37.5 and by the other SDKs ("Host prefix injection" in their reference guide).
    let (no_prefix, sandbox) = ("true".to_owned(), "1".to_owned());
    let variables = [
        // ecsws itself has to recognise the sandbox, whose answers must not reach the project's lock.
        ("ECSWS_SANDBOX", &sandbox),
        ("AWS_ENDPOINT_URL", url),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_DISABLE_HOST_PREFIX_INJECTION", &no_prefix),
    ];
    let exports = variables.iter().map(|(name, value)| format!("export {name}={value}"));
    let lines: Vec<String> = exports.chain(["unset AWS_SESSION_TOKEN AWS_PROFILE".to_owned()]).collect();
    print(ctx, lines, &json!({ "variables": BTreeMap::from(variables) }))
}

fn print_coverage(ctx: &mut Context) -> Result<Exit, CliError> {
    let Coverage { operations, resource_types, functions } = ecsws_sandbox::coverage();
    let json = json!({ "operations": operations, "resource_types": resource_types, "functions": functions });
    let resource_types = resource_types.into_iter().map(ToOwned::to_owned);
    print(ctx, operations.into_iter().chain(resource_types).chain(functions), &json)
}

/// Prints a result: lines, or with `--output json` one object.
fn print(
    ctx: &mut Context,
    lines: impl IntoIterator<Item = String>,
    json: &serde_json::Value,
) -> Result<Exit, CliError> {
    render::lines_or_json(&mut ctx.ui, lines, json)?;
    Ok(Exit::Done)
}
