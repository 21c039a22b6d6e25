//! Container engines, podman and docker, by their command lines.
//!
//! A container is created here and then started in the foreground as the process of a shim (`start --attach`), so that output,
//! exit codes and stops work as for every task. Its processes are not the shim's children (a daemon or a monitor has them),
//! so the shim also has the commands that stop and remove it, and every container carries labels by which the next
//! sandbox finds what a killed one left. This module does not depend on ECS.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use nix::unistd::Pid;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, OnceCell};

mod container_commands;
mod create_arguments;
mod engine_capabilities;
mod engine_container;
mod image;
mod inspection;
mod kind;
mod network;
mod recovery;
mod variables;

use engine_container::EngineContainer;
use kind::NetworkSharing;
use network::ContainerNetwork;
use variables::Variables;

use super::container_runtime::{
    ContainerRuntime, ContainerSpec, LocalImage, RuntimeError, StartFailure, StartedContainer,
};
use super::environment;
use super::port_leases::PortPool;
use super::runner::{Process, Runner};
use super::shim_messages::{Exit, ProcessSpec};
pub(crate) use container_commands::ContainerCommands;
pub(crate) use create_arguments::{ContainerOptions, Tmpfs, Ulimit, create_arguments};
pub(crate) use engine_capabilities::Capabilities;
pub(crate) use kind::EngineKind;
#[cfg(test)]
pub(crate) use network::PublishedPort;
pub(crate) use network::{ContainerPort, Network, NetworkMode, NetworkOptions, TaskNetwork, TaskOptions};
pub(crate) use recovery::{ENGINES_FILE, remove_all};
pub use variables::INHERITED_BY_ENGINES;

/// The label with the sandbox that a container belongs to: a digest of its state folder.
const SANDBOX_LABEL: &str = "ecsws.sandbox";

/// How often a container that is being started is inspected.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// One engine as this sandbox uses it.
#[derive(Debug)]
pub(crate) struct Engine {
    kind: EngineKind,
    state_dir: PathBuf,
    ports: PortPool,
    capabilities: OnceCell<Capabilities>,
    pulling: Mutex<()>,
    without_bridge: AtomicBool,
}

impl Engine {
    /// The engine for the containers of the sandbox whose state is in `state_dir`. Nothing is run yet.
    pub(super) fn new(kind: EngineKind, state_dir: PathBuf, ports: PortPool) -> Self {
        let (capabilities, pulling, without_bridge) = Default::default();
        Self { kind, state_dir, ports, capabilities, pulling, without_bridge }
    }

    /// Starts a container. Where the engine cannot set up a network for it, it and all later ones use this machine's network.
    async fn start_container(
        &self,
        runner: &Runner,
        image: &LocalImage,
        spec: &ContainerSpec,
    ) -> Result<StartedContainer, StartFailure> {
        let has_bridge = !self.without_bridge.load(Ordering::Relaxed);
        let first = self.try_start(runner, image, spec, has_bridge).await;
        if let Err(StartFailure::Create(error) | StartFailure::Start(error)) = &first
            && has_bridge
            && matches!(error, RuntimeError::NetworkUnavailable(_))
            && let Ok(started) = self.try_start(runner, image, spec, false).await
        {
            self.without_bridge.store(true, Ordering::Relaxed);
            return Ok(started);
        }
        // If the second attempt fails too, the first error is the one that explains it.
        first
    }

    async fn try_start(
        &self,
        runner: &Runner,
        image: &LocalImage,
        spec: &ContainerSpec,
        has_bridge: bool,
    ) -> Result<StartedContainer, StartFailure> {
        let refused = |reason: String| StartFailure::Create(RuntimeError::Other(reason));
        let name = recovery::container_name(&spec.task_id, spec.index);
        let connection =
            ContainerNetwork::allocate(&spec.engine.network, &self.ports, &name, has_bridge).map_err(refused)?;
        let mut variables = [spec.sandbox_environment.as_slice(), &spec.environment].concat();
        variables.extend(connection.variables());
        let variables = Variables::sort(variables).map_err(refused)?;
        let capabilities = self.capabilities().await.map_err(StartFailure::Create)?;
        let network = &connection.network;
        let arguments =
            create_arguments(&spec.engine, self.kind, capabilities, (&name, &image.name, &spec.host_name), network);
        self.create(&arguments, &variables).await.map_err(StartFailure::Create)?;
        let command = self.foreground_process(&name, connection.sharing(), &image.stop_signal, spec.stop_timeout);
        let process = self.start_created(runner, &name, &command).await.map_err(StartFailure::Start)?;
        connection.share();
        let container = EngineContainer {
            process: process.handle,
            main: self.main_process(&name).await,
            check: self.exec(&name, false),
            terminal: self.exec(&name, true),
        };
        Ok(StartedContainer {
            container: Arc::new(container),
            output: process.output,
            exit: process.exit,
            port: connection.port,
            leases: connection.leases,
        })
    }

    /// Creates a container with the arguments of `create`, up to and including the image and its command.
    async fn create(&self, arguments: &[String], variables: &Variables) -> Result<(), RuntimeError> {
        recovery::record_used_engine(self.kind, &self.state_dir)
            .map_err(|error| RuntimeError::Other(error.to_string()))?;
        let mut command = vec!["create".to_owned(), format!("--label={SANDBOX_LABEL}={}", digest(&self.state_dir))];
        command.extend(self.kind.create_flags().iter().map(|flag| (*flag).to_owned()));
        // Without a stop timeout of the engine: the shim has already waited when it removes the container.
        let always = ["--pull=never", "--log-driver=none", "--no-healthcheck", "--stop-timeout=0"];
        command.extend(always.map(str::to_owned));
        command.extend(variables.arguments());
        command.extend_from_slice(arguments);
        self.kind.run(&command, variables.own(), variables.file().as_bytes()).await.map(drop)
    }

    /// The process that starts a created container and stays with it to its end; `signal` stops the container.
    fn foreground_process(
        &self,
        container: &str,
        sharing: &NetworkSharing,
        signal: &str,
        stop_timeout: Duration,
    ) -> ProcessSpec {
        let command = |arguments: &[&str]| self.kind.command(&[arguments, &[container]].concat());
        let environment = variables::engine_environment();
        ProcessSpec {
            command: command(self.kind.start_arguments()),
            environment: environment.clone(),
            stop_timeout,
            unlimited: true,
            container_commands: Some(ContainerCommands {
                stop: command(&["kill", &format!("--signal={signal}")]),
                inspect: command(&inspection::INSPECT),
                remove: self.kind.remove_commands(container, sharing),
                environment,
            }),
            ..ProcessSpec::default()
        }
    }

    /// Starts a created container and returns when it runs, or has ended already. Nothing remains of a container that fails to start.
    async fn start_created(
        &self,
        runner: &Runner,
        container: &str,
        spec: &ProcessSpec,
    ) -> Result<Process, RuntimeError> {
        let mut process = match runner.start(spec).await {
            Ok(process) => process,
            Err(error) => {
                self.remove(container).await;
                return Err(RuntimeError::Other(error.to_string()));
            }
        };
        let inspect = [&inspection::INSPECT[..], &[container]].concat();
        let exit = loop {
            tokio::select! {
                exit = &mut process.exit => break exit.unwrap_or(Exit::ShimLost),
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
            // A container that has ended meanwhile may have been removed; then the exit of its process is the better source.
            if self.kind.query(&inspect).await.is_ok_and(|state| inspection::has_started(&state)) {
                return Ok(process);
            }
        };
        if exit == Exit::NeverStarted {
            let mut lines = Vec::new();
            while let Some(line) = process.output.recv().await {
                lines.push(line.text);
            }
            return Err(inspection::parse_error(&lines.join("\n")));
        }
        let (sender, receiver) = tokio::sync::oneshot::channel();
        // The receiver is alive: it is in the next line.
        let _ = sender.send(exit);
        Ok(Process { exit: receiver, ..process })
    }

    /// Removes a container, running or not.
    async fn remove(&self, container: &str) {
        // A container that cannot be removed now is found by its label when the next sandbox starts.
        let _ = self.kind.query(&[self.kind.remove_arguments(), &[container]].concat()).await;
    }

    /// The process id of a running container's main process where the engine runs; none if the container has ended.
    async fn main_process(&self, container: &str) -> Option<Pid> {
        let inspect = ["container", "inspect", "--format={{.State.Pid}}", container];
        let number = self.kind.query(&inspect).await.ok()?.trim().parse().ok()?;
        (number > 0).then(|| Pid::from_raw(number))
    }

    /// The beginning of a command that runs inside a container, and ends with the exit code of what it runs.
    fn exec(&self, container: &str, in_terminal: bool) -> Vec<String> {
        let mut command = self.kind.command(&["exec"]);
        if in_terminal {
            command.extend(["--interactive", "--tty"].map(str::to_owned));
            let variables = environment::in_terminal(Vec::new());
            command.extend(variables.iter().map(|(name, value)| format!("--env={name}={value}")));
        }
        command.push(container.to_owned());
        command
    }
}

impl ContainerRuntime for Engine {
    fn unenforced_limits(&self) -> BoxFuture<'_, Result<Vec<&'static str>, RuntimeError>> {
        async { Ok(self.capabilities().await?.unenforced_limits()) }.boxed()
    }

    fn has_image<'a>(&'a self, image: &'a str) -> BoxFuture<'a, bool> {
        async move { self.local_image(image).await.is_some() }.boxed()
    }

    fn pull<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<LocalImage, RuntimeError>> {
        self.find_or_pull(image).boxed()
    }

    fn start<'a>(
        &'a self,
        runner: &'a Runner,
        image: &'a LocalImage,
        spec: &'a ContainerSpec,
    ) -> BoxFuture<'a, Result<StartedContainer, StartFailure>> {
        self.start_container(runner, image, spec).boxed()
    }
}

/// The value of the label for a state folder.
fn digest(state_dir: &Path) -> String {
    hex::encode(&Sha256::digest(state_dir.as_os_str().as_encoded_bytes())[..8])
}
