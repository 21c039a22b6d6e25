//! Containers as processes of this machine: the command that replaces the image, or the mock backend, under a shim.
//!
//! A definition's health check runs on this machine with the environment of the process. It differs from one in a container in two
//! ways, and both are compensated for here. The process has another port than its definition, so the definition's port
//! after a loopback name stands for the real one (see [`loopback`]). And the image's tools are not there: where `curl`
//! or `wget` is missing, or commands from requests may not run at all, the sandbox itself requests the
//! address that the command names, or else checks whether the port accepts connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::container_runtime::{
    ContainerHandle, ContainerRuntime, ContainerSpec, LocalImage, RuntimeError, StartFailure, StartedContainer,
    check_program,
};
use super::environment;
use super::mock_backend::MockBackend;
use super::process_tree::{CpuTimes, ProcessUsage};
use super::runner::{ProcessHandle, Runner};
use super::shim_messages::ProcessSpec;

mod loopback;

use loopback::Loopback;

/// Programs of health checks that the sandbox replaces when this machine lacks them.
const WEB_CLIENTS: [&str; 2] = ["curl", "wget"];

/// The runtime whose containers are processes of this machine.
#[derive(Debug)]
pub(super) struct HostProcesses {
    program: PathBuf,
    host_exec: bool,
}

impl HostProcesses {
    pub(super) fn new(program: PathBuf, host_exec: bool) -> Self {
        Self { program, host_exec }
    }

    async fn start_process(&self, runner: &Runner, spec: &ContainerSpec) -> Result<StartedContainer, String> {
        let host = &spec.host;
        host.folders.make().map_err(|error| error.to_string())?;
        let command = match &host.command {
            Some(command) => resolve_program(environment::with_port(command, host.port))?,
            None => self.mock_backend(spec),
        };
        // Variables such as LD_PRELOAD or NODE_OPTIONS decide what a program runs, and no list of them is complete.
        let defined: &[_] = if self.host_exec { &spec.environment } else { &[] };
        let own = [&host.folders.variables()[..], &spec.sandbox_environment].concat();
        let started_with = ProcessSpec {
            command,
            cwd: host.cwd.clone().or_else(|| Some(host.folders.home.clone())),
            environment: environment::container_environment(own, defined, host.port, &spec.host_name, &spec.task_id),
            stop_timeout: spec.stop_timeout,
            ..ProcessSpec::default()
        };
        let process = runner.start(&started_with).await.map_err(|error| error.to_string())?;
        let loopback = Loopback { ports: host.task_ports.clone(), own: host.port, has_port: host.has_port };
        let container = HostProcess { process: process.handle, loopback, host_exec: self.host_exec, started_with };
        Ok(StartedContainer {
            container: Arc::new(container),
            output: process.output,
            exit: process.exit,
            port: Some(host.port),
            leases: Vec::new(),
        })
    }

    fn mock_backend(&self, ContainerSpec { image, host, .. }: &ContainerSpec) -> Vec<String> {
        let (address, zone, image) = (host.address.clone(), host.zone.clone(), image.clone());
        MockBackend { port: host.port, cpu: host.cpu, address, zone, image }.command(&self.program)
    }
}

impl ContainerRuntime for HostProcesses {
    fn unenforced_limits(&self) -> BoxFuture<'_, Result<Vec<&'static str>, RuntimeError>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    fn has_image<'a>(&'a self, _image: &'a str) -> BoxFuture<'a, bool> {
        std::future::ready(true).boxed()
    }

    /// Nothing is pulled: a command of this machine replaces the image.
    fn pull<'a>(&'a self, image: &'a str) -> BoxFuture<'a, Result<LocalImage, RuntimeError>> {
        let image = LocalImage { name: image.to_owned(), stop_signal: "SIGTERM".to_owned() };
        std::future::ready(Ok(image)).boxed()
    }

    fn start<'a>(
        &'a self,
        runner: &'a Runner,
        _image: &'a LocalImage,
        spec: &'a ContainerSpec,
    ) -> BoxFuture<'a, Result<StartedContainer, StartFailure>> {
        let started = self.start_process(runner, spec);
        started.map(|started| started.map_err(|reason| StartFailure::Start(RuntimeError::Other(reason)))).boxed()
    }
}

/// A command with its program's file in place of the name.
fn resolve_program(mut command: Vec<String>) -> Result<Vec<String>, String> {
    let Some(name) = command.first_mut() else { return Err("the command is empty".to_owned()) };
    let file = environment::find_program(name);
    *name = file.ok_or_else(|| format!("exec: {name:?}: executable file not found in $PATH"))?.display().to_string();
    Ok(command)
}

#[derive(Debug)]
struct HostProcess {
    process: ProcessHandle,
    loopback: Loopback,
    host_exec: bool,
    started_with: ProcessSpec,
}

impl HostProcess {
    fn with_real_ports(&self, command: &[String]) -> Vec<String> {
        command.iter().map(|part| self.loopback.translate(part)).collect()
    }
}

impl ContainerHandle for HostProcess {
    fn process(&self) -> &ProcessHandle {
        &self.process
    }

    fn check<'a>(&'a self, command: &'a [String], timeout: Duration) -> BoxFuture<'a, bool> {
        async move {
            let Some(command) = check_program(&self.with_real_ports(command)) else { return false };
            if !self.host_exec || lacks_web_client(&command) {
                return self.loopback.responds_to(&command, timeout).await;
            }
            self.process.check(command, timeout).await == Some(0)
        }
        .boxed()
    }

    fn exec_in(&self, command: &[String]) -> Option<ProcessSpec> {
        let ProcessSpec { cwd, environment, .. } = self.started_with.clone();
        self.host_exec.then(|| ProcessSpec {
            command: self.with_real_ports(command),
            cwd,
            environment: environment::in_terminal(environment),
            terminal: true,
            ..ProcessSpec::default()
        })
    }

    fn usage(&self, times: &CpuTimes) -> ProcessUsage {
        self.process.descendants(times)
    }

    fn cpu_time(&self, times: &CpuTimes) -> Duration {
        self.process.cpu_time(times)
    }

    fn cleanup_timeout(&self) -> Duration {
        Duration::ZERO
    }
}

/// Whether the command begins with a web client that this machine does not have.
fn lacks_web_client(command: &[String]) -> bool {
    let first = match command {
        [shell, flag, script] if shell == "/bin/sh" && flag == "-c" => script.split_whitespace().next(),
        [program, ..] => Some(program.as_str()),
        [] => None,
    };
    first.is_some_and(|name| WEB_CLIENTS.contains(&name) && environment::find_program(name).is_none())
}
