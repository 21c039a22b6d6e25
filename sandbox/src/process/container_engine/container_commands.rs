//! The engine's commands that stop, inspect and remove a container. The shim runs them, or the sandbox if the shim was lost, because
//! the container's processes are not descendants of the shim.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::inspection;
use crate::process::orphans;
use crate::process::shim_messages::Exit;

/// How long one command of an engine may take, so that a shim does not wait for an engine that does not respond.
pub(super) const ENGINE_TIMEOUT: Duration = Duration::from_secs(30);

/// What a shim does for a container, as commands of its engine. A command is a program and its arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContainerCommands {
    /// Asks the container's main process to end.
    pub(super) stop: Vec<String>,
    /// Prints the container's state, after its end.
    pub(super) inspect: Vec<String>,
    /// Remove the container, regardless of its state; run one after the other.
    pub(super) remove: Vec<Vec<String>>,
    /// The whole environment of the commands.
    pub(super) environment: Vec<(String, String)>,
}

impl ContainerCommands {
    /// The time that a container may take to end beyond its stop timeout: several commands of the engine run one after the other.
    pub(in crate::process) const STOP_GRACE: Duration = Duration::from_mins(3);

    /// Begins to stop the container. Does not wait: the stop timeout ends a container whose engine does not.
    pub(in crate::process) fn stop(&self) {
        drop(self.prepare(&self.stop).map(|mut command| command.stdout(Stdio::null()).spawn()));
    }

    /// How the container ended, when the engine's own command ended with `exit`; then removes it.
    pub(in crate::process) async fn finish(&self, exit: Exit) -> Exit {
        let exit = inspection::exit_of(exit, &self.output(&self.inspect).await);
        self.remove().await;
        exit
    }

    pub(in crate::process) async fn remove(&self) {
        for command in &self.remove {
            self.output(command).await;
        }
    }

    /// Runs a command to its end and returns what it printed; nothing if it could not be run.
    async fn output(&self, command: &[String]) -> String {
        let running = async {
            let mut command = tokio::process::Command::from(self.prepare(command)?);
            let (child, _, _started) = orphans::spawn(command.stdout(Stdio::piped()).kill_on_drop(true)).ok()?;
            child.wait_with_output().await.ok()
        };
        let output = tokio::time::timeout(ENGINE_TIMEOUT, running).await.ok().flatten();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    }

    fn prepare(&self, command: &[String]) -> Option<Command> {
        let (program, arguments) = command.split_first()?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Some(command)
    }
}
