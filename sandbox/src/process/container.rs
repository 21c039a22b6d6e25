//! The engine's commands that a shim, or the sandbox in a lost shim's place, runs for a container.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::orphans;
use super::protocol::{ContainerCommands, ProcessSpec};

/// How long one command of an engine may take, so that an engine that does not answer keeps no shim.
pub const ENGINE_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs a command to its end and gives what it printed; nothing when it could not be run, for which there is no remedy.
pub(super) async fn output(command: &[String], spec: &ProcessSpec) -> String {
    let running = async {
        let mut command = tokio::process::Command::from(prepared(command, spec)?);
        let (child, _, _started) = orphans::spawn(command.stdout(Stdio::piped()).kill_on_drop(true)).ok()?;
        child.wait_with_output().await.ok()
    };
    let output = tokio::time::timeout(ENGINE_TIMEOUT, running).await.ok().flatten();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Takes the container away.
pub(super) async fn remove(commands: &ContainerCommands, spec: &ProcessSpec) {
    for command in &commands.remove {
        output(command, spec).await;
    }
}

/// Starts a command and leaves it to itself; whoever collects this process's children collects it.
pub(super) fn begin(command: &[String], spec: &ProcessSpec) {
    // Without it the stop timeout ends the container.
    drop(prepared(command, spec).map(|mut command| command.stdout(Stdio::null()).spawn()));
}

fn prepared(command: &[String], spec: &ProcessSpec) -> Option<Command> {
    let (program, arguments) = command.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(spec.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stderr(Stdio::null());
    Some(command)
}
