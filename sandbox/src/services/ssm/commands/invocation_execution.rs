//! Executes an invocation.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;

use super::{Command, CommandStatus, Invocation, InvocationResult, invocation_output, key};
use crate::base::supervisor;
use crate::process::{AttachedProcess, Exit, ProcessSpec};
use crate::services::logs::log_writer::LogDestination;
use crate::services::ssm::{State, managed_instances};
use crate::{Fault, Sandbox};

/// The default execution timeout in seconds (document `AWS-RunShellScript`).
pub(super) const DEFAULT_TIMEOUT_SECONDS: i64 = 3600;
/// Valid execution timeouts; for any other value the agent uses the default (agent, `pluginutil`).
const TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 5..=172_800;
/// The stored length of each output, in characters (API reference of `GetCommandInvocation`).
const MAX_OUTPUT_CHARACTERS: usize = 24_000;
const MAX_ERROR_CHARACTERS: usize = 8_000;
/// How long output is read after the process has exited.
const OUTPUT_GRACE: Duration = Duration::from_secs(5);
/// The delay before a failed write of the outcome is retried.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The error of invocations that ended with the sandbox.
const STOPPED: &str = "the sandbox was stopped";

/// Why an invocation's process ended.
enum End {
    Exited(Exit),
    TimedOut,
    Cancelled,
}

/// Starts executing an invocation.
pub(super) fn start(sandbox: &Arc<Sandbox>, command: &Command, instance: String) {
    let (shared, command) = (Arc::clone(sandbox), command.clone());
    sandbox.background.spawn(async move {
        let run = supervisor::catch(run(&shared, &command, &instance));
        let outcome = match shared.shutdown.run_until_cancelled(run).await {
            Some(Ok(Ok(outcome))) => outcome,
            Some(Ok(Err(fault))) => InvocationResult::without_output(CommandStatus::Failed, &fault.message),
            Some(Err(panic)) => {
                shared.log.write(&format!("command {} failed: {panic}", command.id));
                InvocationResult::without_output(CommandStatus::Failed, "the sandbox failed to run the command")
            }
            None => InvocationResult::without_output(CommandStatus::Failed, STOPPED),
        };
        end(&shared, &command.id, &instance, outcome).await;
    });
}

/// Records an outcome, and retries until it is written. Until then the invocation has not ended.
async fn end(sandbox: &Sandbox, command: &str, instance: &str, outcome: InvocationResult) {
    let now = sandbox.clock.now();
    while change(sandbox, command, instance, |invocation| invocation.end(outcome.clone(), now)).is_err() {
        if sandbox.shutdown.run_until_cancelled(tokio::time::sleep(RETRY_DELAY)).await.is_none() {
            return;
        }
    }
}

/// Ends the invocations that were in progress when the sandbox was killed: their processes have ended with it.
pub(crate) fn resume_commands(sandbox: &Arc<Sandbox>) {
    let open: Vec<(String, String)> = sandbox.store.read(|states| {
        let open = states.of::<State>().invocations.values().filter(|invocation| !invocation.status.is_final());
        open.map(|invocation| (invocation.command.clone(), invocation.instance.clone())).collect()
    });
    let now = sandbox.clock.now();
    for (command, instance) in open {
        let outcome = InvocationResult::without_output(CommandStatus::Failed, STOPPED);
        if change(sandbox, &command, &instance, |invocation| invocation.end(outcome.clone(), now)).is_err() {
            let shared = Arc::clone(sandbox);
            sandbox.spawn(async move { end(&shared, &command, &instance, outcome).await });
        }
    }
}

/// Changes an invocation's row; `None` if it has been deleted.
fn change<T>(
    sandbox: &Sandbox,
    command: &str,
    instance: &str,
    change: impl FnOnce(&mut Invocation) -> T,
) -> Result<Option<T>, Fault> {
    sandbox.store.write(|states| Ok(states.of_mut::<State>().invocations.get_mut(&key(command, instance)).map(change)))
}

async fn run(sandbox: &Arc<Sandbox>, command: &Command, instance: &str) -> Result<InvocationResult, Fault> {
    let spec = spec(sandbox, command, instance)?;
    let started = |invocation: &mut Invocation| {
        let may_run = invocation.advance(CommandStatus::InProgress);
        invocation.started = may_run.then(|| sandbox.clock.now());
        may_run
    };
    if change(sandbox, &command.id, instance, started)? != Some(true) {
        return Ok(InvocationResult::without_output(CommandStatus::Cancelled, ""));
    }
    let (output, to_output) = std::io::pipe().map_err(Fault::internal)?;
    let (errors, to_errors) = std::io::pipe().map_err(Fault::internal)?;
    let deadline = Instant::now() + limit(command);
    let attached = sandbox.runner.attach(&spec, to_output.into(), to_errors.into()).await;
    let AttachedProcess { handle, exit } =
        attached.map_err(|error| Fault::internal(format!("failed to run commands: {error}")))?;
    let mut readers = Vec::new();
    for (from, max_characters, name) in
        [(output, MAX_OUTPUT_CHARACTERS, "stdout"), (errors, MAX_ERROR_CHARACTERS, "stderr")]
    {
        let from = Receiver::from_owned_fd(from.into()).map_err(Fault::internal)?;
        let stream = log_stream(sandbox, command, instance, name).await;
        readers.push(tokio::spawn(invocation_output::read(Arc::clone(sandbox), from, max_characters, stream)));
    }
    let end = tokio::select! {
        // Cancellation takes precedence over the timeout, and the timeout over the exit.
        biased;
        () = cancelled(sandbox, &command.id, instance) => End::Cancelled,
        () = tokio::time::sleep_until(deadline) => End::TimedOut,
        exit = exit => End::Exited(exit.unwrap_or(Exit::ShimLost)),
    };
    // Processes that still run are killed immediately, as by the agent.
    drop(handle);
    let mut texts = Vec::new();
    for readers in readers {
        texts.push(tokio::time::timeout(OUTPUT_GRACE, readers).await.ok().and_then(Result::ok).unwrap_or_default());
    }
    let [output, errors] = <[String; 2]>::try_from(texts).unwrap_or_default();
    let (status, code, why) = match end {
        End::Exited(exit) if exit.code() == 0 => (CommandStatus::Success, 0, None),
        End::Exited(exit) => {
            (CommandStatus::Failed, exit.code(), Some(format!("failed to run commands: exit status {}", exit.code())))
        }
        End::TimedOut => (CommandStatus::TimedOut, 137, Some("failed to run commands: signal: killed".to_owned())),
        End::Cancelled => (CommandStatus::Cancelled, 137, Some("failed to run commands: signal: killed".to_owned())),
    };
    let errors =
        why.map_or(errors.clone(), |why| invocation_output::truncate(&format!("{errors}{why}"), MAX_ERROR_CHARACTERS));
    Ok(InvocationResult { status, code, output, errors })
}

fn spec(sandbox: &Sandbox, command: &Command, instance: &str) -> Result<ProcessSpec, Fault> {
    let parameter = |name: &str| command.parameters.get(name).map(|values| values.join("\n"));
    let script = parameter("commands").unwrap_or_default();
    let connected: Option<Value> = sandbox.store.read(|states| managed_instances::connected(states, instance).cloned());
    let connected =
        connected.ok_or_else(|| Fault::client("TargetNotConnected", format!("{instance} is not connected.")))?;
    let spec = managed_instances::command(sandbox, &connected, &["/bin/sh", "-c", &script])?;
    let folder = parameter("workingDirectory").filter(|folder| !folder.is_empty());
    Ok(ProcessSpec { cwd: folder.map(Into::into).or(spec.cwd), ..spec })
}

/// The execution timeout. Users measure it with their own clocks, so `--speed` does not shorten it.
fn limit(command: &Command) -> Duration {
    let given = command.parameters.get("executionTimeout").and_then(|values| values.first()?.parse().ok());
    let seconds = given.filter(|seconds| TIMEOUT_SECONDS.contains(seconds)).unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    Duration::from_secs(seconds.unsigned_abs())
}

async fn log_stream(sandbox: &Arc<Sandbox>, command: &Command, instance: &str, name: &str) -> Option<LogDestination> {
    let group = command.log_group.as_deref()?;
    Some(invocation_output::stream(sandbox, group, &command.id, instance, name).await)
}

/// Waits until the invocation is cancelled.
async fn cancelled(sandbox: &Sandbox, command: &str, instance: &str) {
    let mut changes = sandbox.store.changes();
    loop {
        changes.borrow_and_update();
        let status =
            sandbox.store.read(|states| Some(states.of::<State>().invocations.get(&key(command, instance))?.status));
        if status == Some(CommandStatus::Cancelling) {
            return;
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
