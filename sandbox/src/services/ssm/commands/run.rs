//! One invocation at work.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;

use super::output::{self, LogStream};
use super::{Command, Invocation, Outcome, Status, key};
use crate::base::supervisor;
use crate::process::{Attached, Exit, ProcessSpec};
use crate::services::ssm::State;
use crate::services::ssm::instances;
use crate::{Fault, Sandbox};

/// Seconds that a command may run when nobody says (document `AWS-RunShellScript`).
pub(super) const EXECUTION: i64 = 3600;
/// The times that may be said instead; any other is [`EXECUTION`] (agent, `pluginutil`).
const EXECUTIONS: std::ops::RangeInclusive<i64> = 5..=172_800;
/// Characters of the two outputs that are kept (API reference of `GetCommandInvocation`).
const OUTPUT: usize = 24_000;
const ERRORS: usize = 8_000;
/// How long outputs are still read after the end.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long to wait before an end that the disk refused is recorded again.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The error of what ended with the sandbox.
const STOPPED: &str = "the sandbox was stopped";

/// What ended an invocation's process.
enum End {
    Own(Exit),
    Late,
    Cancelled,
}

/// Has an invocation carried out.
pub(super) fn start(sandbox: &Arc<Sandbox>, command: &Command, instance: String) {
    let (ours, command) = (Arc::clone(sandbox), command.clone());
    sandbox.background.spawn(async move {
        let run = supervisor::catch(carry_out(&ours, &command, &instance));
        let outcome = match ours.shutdown.run_until_cancelled(run).await {
            Some(Ok(Ok(outcome))) => outcome,
            Some(Ok(Err(fault))) => Outcome::without_output(Status::Failed, &fault.message),
            Some(Err(panic)) => {
                ours.log.write(&format!("command {} failed: {panic}", command.id));
                Outcome::without_output(Status::Failed, "the sandbox failed to run the command")
            }
            None => Outcome::without_output(Status::Failed, STOPPED),
        };
        end(&ours, &command.id, &instance, outcome).await;
    });
}

/// Records an end, which the disk may refuse for a while: until then the invocation is not over.
async fn end(sandbox: &Sandbox, command: &str, instance: &str, outcome: Outcome) {
    let now = sandbox.clock.now();
    while change(sandbox, command, instance, |invocation| invocation.end(outcome.clone(), now)).is_err() {
        if sandbox.shutdown.run_until_cancelled(tokio::time::sleep(RETRY_DELAY)).await.is_none() {
            return;
        }
    }
}

/// Invocations that a killed sandbox left under way are over: what they ran has ended with it.
pub fn resume(sandbox: &Arc<Sandbox>) {
    let open: Vec<(String, String)> = sandbox.world.read(|world| {
        let open = world.of::<State>().invocations.values().filter(|invocation| !invocation.status.is_over());
        open.map(|invocation| (invocation.command.clone(), invocation.instance.clone())).collect()
    });
    let now = sandbox.clock.now();
    for (command, instance) in open {
        let outcome = Outcome::without_output(Status::Failed, STOPPED);
        if change(sandbox, &command, &instance, |invocation| invocation.end(outcome.clone(), now)).is_err() {
            let ours = Arc::clone(sandbox);
            sandbox.spawn(async move { end(&ours, &command, &instance, outcome).await });
        }
    }
}

/// Changes an invocation's row; none when there is none any more.
fn change<T>(
    sandbox: &Sandbox,
    command: &str,
    instance: &str,
    change: impl FnOnce(&mut Invocation) -> T,
) -> Result<Option<T>, Fault> {
    sandbox.world.write(|world| Ok(world.of_mut::<State>().invocations.get_mut(&key(command, instance)).map(change)))
}

async fn carry_out(sandbox: &Arc<Sandbox>, command: &Command, instance: &str) -> Result<Outcome, Fault> {
    let spec = spec(sandbox, command, instance)?;
    let started = |invocation: &mut Invocation| {
        let may_run = invocation.advance(Status::InProgress);
        invocation.started = may_run.then(|| sandbox.clock.now());
        may_run
    };
    if change(sandbox, &command.id, instance, started)? != Some(true) {
        return Ok(Outcome::without_output(Status::Cancelled, ""));
    }
    let (output, to_output) = std::io::pipe().map_err(Fault::internal)?;
    let (errors, to_errors) = std::io::pipe().map_err(Fault::internal)?;
    let deadline = Instant::now() + limit(command);
    let attached = sandbox.runner.attach(&spec, to_output.into(), to_errors.into()).await;
    let Attached { handle, exit } =
        attached.map_err(|error| Fault::internal(format!("failed to run commands: {error}")))?;
    let mut reading = Vec::new();
    for (from, longest, name) in [(output, OUTPUT, "stdout"), (errors, ERRORS, "stderr")] {
        let from = Receiver::from_owned_fd(from.into()).map_err(Fault::internal)?;
        let stream = log_stream(sandbox, command, instance, name).await;
        reading.push(tokio::spawn(output::read(Arc::clone(sandbox), from, longest, stream)));
    }
    let end = tokio::select! {
        // A command that is cancelled is not late, and one that is late has not ended by itself.
        biased;
        () = cancelled(sandbox, &command.id, instance) => End::Cancelled,
        () = tokio::time::sleep_until(deadline) => End::Late,
        exit = exit => End::Own(exit.unwrap_or(Exit::ShimLost)),
    };
    // What still runs has no time to end, as with the agent.
    drop(handle);
    let mut texts = Vec::new();
    for reading in reading {
        texts.push(tokio::time::timeout(LAST_WORDS, reading).await.ok().and_then(Result::ok).unwrap_or_default());
    }
    let [output, errors] = <[String; 2]>::try_from(texts).unwrap_or_default();
    let (status, code, why) = match end {
        End::Own(exit) if exit.code() == 0 => (Status::Success, 0, None),
        End::Own(exit) => {
            (Status::Failed, exit.code(), Some(format!("failed to run commands: exit status {}", exit.code())))
        }
        End::Late => (Status::TimedOut, 137, Some("failed to run commands: signal: killed".to_owned())),
        End::Cancelled => (Status::Cancelled, 137, Some("failed to run commands: signal: killed".to_owned())),
    };
    let errors = why.map_or(errors.clone(), |why| output::beginning(&format!("{errors}{why}"), ERRORS));
    Ok(Outcome { status, code, output, errors })
}

fn spec(sandbox: &Sandbox, command: &Command, instance: &str) -> Result<ProcessSpec, Fault> {
    let one = |name: &str| command.parameters.get(name).map(|values| values.join("\n"));
    let script = one("commands").unwrap_or_default();
    let found: Option<Value> = sandbox.world.read(|world| instances::connected(world, instance).cloned());
    let found = found.ok_or_else(|| Fault::client("TargetNotConnected", format!("{instance} is not connected.")))?;
    let spec = instances::command(sandbox, &found, &["/bin/sh", "-c", &script])?;
    let folder = one("workingDirectory").filter(|folder| !folder.is_empty());
    Ok(ProcessSpec { cwd: folder.map(Into::into).or(spec.cwd), ..spec })
}

/// How long it may run: a time that users wait for with their own clocks, and so never shortened.
fn limit(command: &Command) -> Duration {
    let given = command.parameters.get("executionTimeout").and_then(|values| values.first()?.parse().ok());
    let seconds = given.filter(|seconds| EXECUTIONS.contains(seconds)).unwrap_or(EXECUTION);
    Duration::from_secs(seconds.unsigned_abs())
}

async fn log_stream(sandbox: &Arc<Sandbox>, command: &Command, instance: &str, name: &str) -> Option<LogStream> {
    let group = command.log_group.as_deref()?;
    Some(output::stream(sandbox, group, &command.id, instance, name).await)
}

/// Waits until a request says that it is to end.
async fn cancelled(sandbox: &Sandbox, command: &str, instance: &str) {
    let mut changes = sandbox.world.changes();
    loop {
        changes.borrow_and_update();
        let status =
            sandbox.world.read(|world| Some(world.of::<State>().invocations.get(&key(command, instance))?.status));
        if status == Some(Status::Cancelling) {
            return;
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
