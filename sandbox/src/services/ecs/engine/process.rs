//! Containers as processes: the command that stands in for the image, or the built-in web service, under a shim.
//!
//! A definition's health check runs on this machine beside the process, with its environment. Two things differ from a
//! container, and both are made good here. The process has another port than its definition says, so the definition's port
//! behind a loopback name stands for the real one (see [`super::loopback`]). And the image's tools are not there: where `curl`
//! or `wget` is missing, or commands from requests may not run at all (`--no-host-exec`), the sandbox itself asks the
//! address that the command names, or else whether the port accepts connections.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::task_folder;
use super::loopback::Loopback;
use super::{ContainerSpec, Handle as AnyHandle, Launched};
use crate::Sandbox;
use crate::process::stand_in::StandIn;
use crate::process::{CpuTimes, ProcessHandle, ProcessSpec, environment};

/// Programs of health checks that the sandbox stands in for when this machine lacks them.
const WEB_CLIENTS: [&str; 2] = ["curl", "wget"];

/// A container's process.
#[derive(Debug)]
pub(in super::super) struct Handle {
    process: ProcessHandle,
    loopback: Loopback,
    host_exec: bool,
    started_with: ProcessSpec,
}

pub(super) async fn start(sandbox: &Sandbox, spec: ContainerSpec) -> Result<Launched, String> {
    let folders = task_folder::make(&sandbox.config.state_dir, &spec.task_id).map_err(|error| error.to_string())?;
    let (command, cwd) = match &spec.stand_in {
        Some(mapped) => (program(environment::with_port(&mapped.command, spec.port))?, mapped.cwd.clone()),
        None => (stand_in(&spec, &sandbox.config.program), None),
    };
    let host_exec = sandbox.config.host_exec;
    if !host_exec && !spec.environment.is_empty() {
        let task = &spec.task_id;
        sandbox.log.write(&format!("task {task}: its definition's variables are not set, because of --no-host-exec"));
    }
    // Variables such as LD_PRELOAD or NODE_OPTIONS decide what a program runs, and no list of them is complete.
    let defined: &[_] = if host_exec { &spec.environment } else { &[] };
    let own = [folders.variables(), spec.sandbox_environment].concat();
    let process = ProcessSpec {
        command,
        cwd: cwd.or(Some(folders.home)),
        environment: environment::of_container(own, defined, spec.port, &spec.host_name, &spec.task_id),
        stop_timeout: spec.stop_timeout,
        ..ProcessSpec::default()
    };
    let started_with = process.clone();
    let process = sandbox.runner.start(&process).await.map_err(|error| error.to_string())?;
    let loopback = Loopback { ports: spec.task_ports, own: spec.port, has_port: spec.has_port };
    let handle = Handle { process: process.handle, loopback, host_exec, started_with };
    let handle = AnyHandle::Process(Arc::new(handle));
    let port = Some(spec.port);
    Ok(Launched { handle, output: process.output, exit: process.exit, port, leases: Vec::new() })
}

/// A command with its program's file in place of the name.
fn program(mut command: Vec<String>) -> Result<Vec<String>, String> {
    let Some(name) = command.first_mut() else { return Err("the command is empty".to_owned()) };
    let file = environment::find_program(name);
    *name = file.ok_or_else(|| format!("exec: {name:?}: executable file not found in $PATH"))?.display().to_string();
    Ok(command)
}

fn stand_in(spec: &ContainerSpec, program: &std::path::Path) -> Vec<String> {
    let stand_in = StandIn {
        port: spec.port,
        cpu: spec.cpu,
        address: spec.address.clone(),
        zone: spec.zone.clone(),
        image: spec.image.clone(),
    };
    stand_in.command(program)
}

impl Handle {
    pub(super) fn stop(&self) {
        self.process.stop();
    }

    pub(super) fn below(&self, times: &CpuTimes) -> (Vec<i32>, u64) {
        self.process.below(times)
    }

    pub(super) fn kill(&self) {
        self.process.kill();
    }

    pub(super) fn cpu_time(&self, times: &CpuTimes) -> Duration {
        self.process.cpu_time(times)
    }

    pub(super) fn beside(&self, command: &[String]) -> Option<ProcessSpec> {
        let ProcessSpec { cwd, environment, .. } = self.started_with.clone();
        self.host_exec.then(|| ProcessSpec {
            command: command.iter().map(|part| self.loopback.translate(part)).collect(),
            cwd,
            environment: environment::in_terminal(environment),
            terminal: true,
            ..ProcessSpec::default()
        })
    }

    pub(super) fn gone(&self) -> CancellationToken {
        self.process.gone()
    }

    pub(super) async fn check(&self, command: &[String], timeout: Duration) -> bool {
        let command: Vec<String> = command.iter().map(|part| self.loopback.translate(part)).collect();
        let command = match command.as_slice() {
            [kind, script @ ..] if kind == "CMD-SHELL" => vec!["/bin/sh".to_owned(), "-c".to_owned(), script.join(" ")],
            [_, program @ ..] => program.to_vec(),
            [] => return false,
        };
        if !self.host_exec || lacks_web_client(&command) {
            return self.loopback.answers(&command, timeout).await;
        }
        self.process.check(command, timeout).await == Some(0)
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
