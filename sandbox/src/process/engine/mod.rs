//! Container engines, podman and docker, by their command lines.
//!
//! A container is created here and then started in the foreground as the process of a shim (`start --attach`), so that output,
//! exit codes and stops go the way of every task. Its processes are not the shim's children (a daemon or a monitor has them),
//! so the shim also has the commands that stop it and take it away, and every container carries labels by which the next
//! sandbox finds what a killed one left. This module knows engines; it knows nothing of ECS.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};

mod facts;
mod image;
mod left;
mod variables;
mod verdict;

pub use facts::Facts;
pub use image::{LocalImage, is_image_name};
pub use left::{ENGINES_FILE, remove_all};
pub use variables::{INHERITED_BY_ENGINES, Variables};
pub use verdict::network_is_missing;
pub(super) use verdict::verdict;

use super::protocol::{ContainerCommands, Exit, ProcessSpec};
use super::runner::{Process, Runner};
use super::{environment, orphans};

/// The label that says which sandbox a container belongs to: a digest of its state folder.
const SANDBOX_LABEL: &str = "ecsws.sandbox";

/// Between two looks at a container that is being started.
const POLL: Duration = Duration::from_millis(50);

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Podman, with or without root.
    Podman,
    /// Docker, whose daemon has to run.
    Docker,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Podman, Self::Docker];

    /// The program's name, which is also what `runtime` says.
    pub fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// Removes containers at once, running or not, with the volumes that only they have; one that is gone is as good.
    fn removal(self) -> Vec<String> {
        let flags: &[&str] = match self {
            Self::Podman => &["rm", "--force", "--ignore", "--volumes"],
            Self::Docker => &["rm", "--force", "--volumes"],
        };
        self.command(flags)
    }

    /// The commands that take a container away that shares a network as `sharing` says.
    ///
    /// Podman removes none whose network another one still has, not even by force. So such a one is killed first, and whoever
    /// is removed last takes it along: removing without force leaves one alone that still runs or is needed.
    fn removals(self, container: &str, sharing: &Sharing) -> Vec<Vec<String>> {
        let itself = [self.removal(), vec![container.to_owned()]].concat();
        match (self, sharing) {
            (Self::Podman, Sharing::Has) => vec![self.command(&["kill", "--signal=SIGKILL", container]), itself],
            (Self::Podman, Sharing::Uses(owner)) => vec![itself, self.command(&["rm", "--ignore", "--volumes", owner])],
            _ => vec![itself],
        }
    }

    fn command(self, arguments: &[&str]) -> Vec<String> {
        std::iter::once(self.program()).chain(arguments.iter().copied()).map(str::to_owned).collect()
    }
}

/// Whether a container shares its network with others of its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// It does not.
    Alone,
    /// Others use its network.
    Has,
    /// It uses that of this container.
    Uses(String),
}

/// One engine as this sandbox uses it.
#[derive(Debug)]
pub struct Engine {
    kind: Kind,
    state_dir: PathBuf,
    facts: OnceCell<Facts>,
    pulling: Mutex<()>,
    without_bridge: AtomicBool,
}

/// What a process of this machine begins with that runs a command inside a container, and ends with that one's exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The engine's program and its arguments.
    pub command: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
}

/// How an engine's command went wrong, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

impl Engine {
    /// The engine for the containers of the sandbox whose state is in `state_dir`. Nothing is run yet.
    pub fn new(kind: Kind, state_dir: PathBuf) -> Self {
        let (facts, pulling, without_bridge) = Default::default();
        Self { kind, state_dir, facts, pulling, without_bridge }
    }

    /// Which engine it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether ports can be published from a network of the container's own, as far as is known.
    pub fn has_bridge(&self) -> bool {
        !self.without_bridge.load(Ordering::Relaxed)
    }

    /// From now on containers use this machine's network: a container's own could not be set up.
    pub fn give_up_bridge(&self) {
        self.without_bridge.store(true, Ordering::Relaxed);
    }

    /// Creates a container with the arguments of the engine's `create`, up to and with the image and its command.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn create(&self, arguments: &[String], variables: &Variables) -> Result<(), EngineError> {
        left::remember(self.kind, &self.state_dir).map_err(|error| EngineError(error.to_string()))?;
        let mut command = vec!["create".to_owned(), format!("--label={SANDBOX_LABEL}={}", digest(&self.state_dir))];
        // A proxy of this machine is for pulling; what the container gets is what its definition says.
        command.extend((self.kind == Kind::Podman).then(|| "--http-proxy=false".to_owned()));
        // Who removes it has waited already.
        let always = ["--pull=never", "--log-driver=none", "--no-healthcheck", "--stop-timeout=0"];
        command.extend(always.map(str::to_owned));
        command.extend(variables.arguments());
        command.extend_from_slice(arguments);
        self.run(&command, variables.own(), variables.file().as_bytes()).await.map(drop)
    }

    /// The process that starts a created container and stays with it to its end; `signal` is what asks it to end.
    pub fn process(&self, container: &str, sharing: &Sharing, signal: &str, stop_timeout: Duration) -> ProcessSpec {
        let command = |arguments: &[&str]| {
            let mut command = self.kind.command(arguments);
            command.push(container.to_owned());
            command
        };
        ProcessSpec {
            command: command(match self.kind {
                Kind::Podman => &["start", "--attach", "--sig-proxy=false"],
                // Its client always passes signals on; it gets none but the last.
                Kind::Docker => &["start", "--attach"],
            }),
            environment: variables::of_engine(),
            stop_timeout,
            unlimited: true,
            container: Some(ContainerCommands {
                stop: command(&["kill", &format!("--signal={signal}")]),
                inspect: command(&verdict::INSPECT),
                remove: self.kind.removals(container, sharing),
            }),
            ..ProcessSpec::default()
        }
    }

    /// Starts a created container and returns when it runs, or has ended already. When it fails nothing is left of it.
    ///
    /// # Errors
    /// The engine's words.
    pub async fn start(&self, runner: &Runner, container: &str, spec: &ProcessSpec) -> Result<Process, EngineError> {
        let mut process = match runner.start(spec).await {
            Ok(process) => process,
            Err(error) => {
                self.remove(container).await;
                return Err(EngineError(error.to_string()));
            }
        };
        let inspect: Vec<String> = verdict::INSPECT.iter().map(|part| (*part).to_owned()).collect();
        let inspect = [inspect, vec![container.to_owned()]].concat();
        let exit = loop {
            tokio::select! {
                exit = &mut process.exit => break exit.unwrap_or(Exit::ShimLost),
                () = tokio::time::sleep(POLL) => {}
            }
            // A container that has ended meanwhile may be gone; its exit then says more.
            if self.run(&inspect, &[], b"").await.is_ok_and(|state| verdict::has_started(&state)) {
                return Ok(process);
            }
        };
        if exit == Exit::NeverStarted {
            let mut words = Vec::new();
            while let Some(line) = process.output.recv().await {
                words.push(line.text);
            }
            return Err(EngineError(verdict::last_words(&words.join("\n"))));
        }
        let (again, receiver) = tokio::sync::oneshot::channel();
        // It is received: the other end is in the next line.
        let _ = again.send(exit);
        Ok(Process { exit: receiver, ..process })
    }

    /// Removes a container, running or not.
    pub async fn remove(&self, container: &str) {
        let arguments = [&self.kind.removal()[1..], &[container.to_owned()]].concat();
        // What cannot be removed now is found by its label when the next sandbox starts.
        let _ = self.run(&arguments, &[], b"").await;
    }

    /// The number of a running container's main process where the engine runs; none when it has ended.
    pub async fn main_process(&self, container: &str) -> Option<Pid> {
        let inspect = ["container", "inspect", "--format={{.State.Pid}}", container].map(str::to_owned);
        let number = self.run(&inspect, &[], b"").await.ok()?.trim().parse().ok()?;
        (number > 0).then(|| Pid::from_raw(number))
    }

    /// What a command in a running container begins with, such as one in a terminal.
    pub fn exec(&self, container: &str, in_terminal: bool) -> Exec {
        let mut command = self.kind.command(&["exec"]);
        if in_terminal {
            command.extend(["--interactive", "--tty"].map(str::to_owned));
            let variables = environment::in_terminal(Vec::new());
            command.extend(variables.iter().map(|(name, value)| format!("--env={name}={value}")));
        }
        command.push(container.to_owned());
        Exec { command, environment: variables::of_engine() }
    }

    /// Runs the engine with `own` variables over its usual environment and gives what it prints.
    async fn run(&self, arguments: &[String], own: &[(String, String)], input: &[u8]) -> Result<String, EngineError> {
        self.try_run(arguments, own, input).await.map_err(|error| {
            EngineError(match error.kind() {
                io::ErrorKind::NotFound => format!("{} is not installed", self.kind.program()),
                _ => error.to_string(),
            })
        })?
    }

    async fn try_run(
        &self,
        arguments: &[String],
        own: &[(String, String)],
        input: &[u8],
    ) -> io::Result<Result<String, EngineError>> {
        let mut command = Command::new(self.kind.program());
        command
            .args(arguments)
            .env_clear()
            .envs(own.iter().map(|(name, value)| (name, value)))
            .envs(variables::of_engine())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at a sandbox in the foreground is not meant for it.
            .process_group(0)
            .kill_on_drop(true);
        let (mut child, _, _started) = orphans::spawn(&mut command)?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may have failed before it read anything; its status says so.
            let _ = stdin.write_all(input).await;
        }
        let output = child.wait_with_output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(EngineError(verdict::last_words(&text(&output.stderr))))
        })
    }
}

/// What stands for a state folder in labels.
fn digest(state_dir: &Path) -> String {
    hex::encode(&Sha256::digest(state_dir.as_os_str().as_encoded_bytes())[..8])
}
