//! What differs between podman's and docker's command lines, and running them.

use std::io;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{inspection, variables};
use crate::process::container_runtime::RuntimeError;
use crate::process::orphans;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EngineKind {
    /// Podman, with or without root.
    Podman,
    /// Docker, whose daemon has to run.
    Docker,
}

/// Whether a container shares its network with others of its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NetworkSharing {
    /// It does not.
    Alone,
    /// Others use its network.
    Owner,
    /// It uses the network of this container.
    UserOf(String),
}

impl EngineKind {
    pub(super) const ALL: [Self; 2] = [Self::Podman, Self::Docker];

    /// The program's name.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// The program and arguments of a command of the engine.
    pub(super) fn command(self, arguments: &[&str]) -> Vec<String> {
        std::iter::once(self.program()).chain(arguments.iter().copied()).map(str::to_owned).collect()
    }

    /// The flags of `create` that every container gets.
    pub(super) fn create_flags(self) -> &'static [&'static str] {
        match self {
            // A proxy of this machine is for pulling; the container's variables are those of its definition.
            Self::Podman => &["--http-proxy=false"],
            Self::Docker => &[],
        }
    }

    /// The flags for a read-only root file system. Podman by default leaves `/tmp` and the like writable.
    pub(super) fn read_only_flags(self) -> &'static [&'static str] {
        match self {
            Self::Podman => &["--read-only", "--read-only-tmpfs=false"],
            Self::Docker => &["--read-only"],
        }
    }

    /// Starts a created container in the foreground.
    pub(super) fn start_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Podman => &["start", "--attach", "--sig-proxy=false"],
            // Its client always passes signals on; it gets none but SIGKILL.
            Self::Docker => &["start", "--attach"],
        }
    }

    /// Removes containers at once, running or not, with their anonymous volumes. A missing container is no error, or one that
    /// can be ignored.
    pub(super) fn remove_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Podman => &["rm", "--force", "--ignore", "--volumes"],
            Self::Docker => &["rm", "--force", "--volumes"],
        }
    }

    /// The commands that remove a container.
    ///
    /// Podman does not remove a container whose network another one still uses, not even by force. So such a container is killed
    /// first, and the last one that uses its network removes it: without force, podman keeps it while it runs or is needed.
    pub(super) fn remove_commands(self, container: &str, sharing: &NetworkSharing) -> Vec<Vec<String>> {
        let itself = self.command(&[self.remove_arguments(), &[container]].concat());
        match (self, sharing) {
            (Self::Podman, NetworkSharing::Owner) => {
                vec![self.command(&["kill", "--signal=SIGKILL", container]), itself]
            }
            (Self::Podman, NetworkSharing::UserOf(owner)) => {
                vec![itself, self.command(&["rm", "--ignore", "--volumes", owner])]
            }
            _ => vec![itself],
        }
    }

    /// Runs the engine with `own` variables over its usual environment, and returns what it printed.
    pub(super) async fn run(
        self,
        arguments: &[String],
        own: &[(String, String)],
        input: &[u8],
    ) -> Result<String, RuntimeError> {
        self.try_run(arguments, own, input).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RuntimeError::NotInstalled(self.program()),
            io::ErrorKind::PermissionDenied => RuntimeError::PermissionDenied(error.to_string()),
            _ => RuntimeError::Other(error.to_string()),
        })?
    }

    /// Runs the engine with its usual environment and without input.
    pub(super) async fn query(self, arguments: &[&str]) -> Result<String, RuntimeError> {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.run(&arguments, &[], b"").await
    }

    async fn try_run(
        self,
        arguments: &[String],
        own: &[(String, String)],
        input: &[u8],
    ) -> io::Result<Result<String, RuntimeError>> {
        let mut command = Command::new(self.program());
        command
            .args(arguments)
            .env_clear()
            .envs(own.iter().map(|(name, value)| (name, value)))
            .envs(variables::engine_environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in the terminal of a sandbox in the foreground does not reach it.
            .process_group(0)
            .kill_on_drop(true);
        let (mut child, _, _started) = orphans::spawn(&mut command)?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may have failed before it read anything; its exit status shows that.
            let _ = stdin.write_all(input).await;
        }
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(inspection::parse_error(&text(&output.stderr)))
        })
    }
}
