//! The inner process that the shim starts for a task, which replaces itself with the task's command (`exec`).
//!
//! Before that it sets what a parent process cannot set without unsafe code: on Linux, the kernel kills this process when its shim
//! dies (`PR_SET_PDEATHSIG`), and signals that the sandbox's parent process ignores get their default action.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

use super::pty;
use super::shim_messages::ProcessSpec;

/// Reads the process from stdin (a socket) and becomes it. Only returns if that failed; the reason goes back over the socket.
///
/// `shim_id` is the process id of the shim that started this one.
pub(crate) fn main(shim_id: i32) -> ExitCode {
    let Ok(descriptor) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::FAILURE;
    };
    let mut shim = UnixStream::from(descriptor);
    let reason = match read_spec(&shim) {
        Ok(spec) => become_task(&spec, shim_id),
        Err(error) => format!("no process to start: {error}"),
    };
    // The write fails if the shim has ended.
    let _ = shim.write_all(reason.as_bytes());
    ExitCode::from(127)
}

fn read_spec(shim: &UnixStream) -> std::io::Result<ProcessSpec> {
    let mut text = String::new();
    BufReader::new(shim).read_line(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn become_task(spec: &ProcessSpec, shim_id: i32) -> String {
    die_with_shim(shim_id);
    if !spec.unlimited {
        limit_processes();
    }
    let Some((program, arguments)) = spec.command.split_first() else {
        return "the command is empty".to_owned();
    };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(spec.environment.iter().map(|(name, value)| (name, value)));
    if let Some(folder) = &spec.cwd {
        if !folder.is_dir() {
            return format!("working directory {} does not exist", folder.display());
        }
        command.current_dir(folder);
    }
    match stdin(spec) {
        Ok(stdin) => command.stdin(stdin),
        Err(error) => return format!("no terminal: {error}"),
    };
    super::signals::restore_on_exec(&[]);
    let error = command.exec();
    format!("exec: {program:?}: {error}")
}

/// A command in a terminal reads from the terminal; any other reads nothing.
fn stdin(spec: &ProcessSpec) -> std::io::Result<Stdio> {
    if !spec.terminal {
        return Ok(Stdio::null());
    }
    pty::take_control()?;
    Ok(std::io::stdout().as_fd().try_clone_to_owned()?.into())
}

/// How many more processes and threads the user may have before a task cannot start another one.
const MAX_NEW_PROCESSES: u64 = 4096;

/// Limits a task that forks faster than the sandbox can count. The system does not apply the limit to root.
fn limit_processes() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let now = super::process_count();
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NPROC)
        && now > 0
    {
        let limit = hard.min(now + MAX_NEW_PROCESSES);
        let _ = setrlimit(Resource::RLIMIT_NPROC, limit, limit);
    }
}

#[cfg(target_os = "linux")]
fn die_with_shim(shim_id: i32) {
    // Without this the shim's own end still closes the socket to the sandbox, which then kills the group.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    if nix::unistd::getppid().as_raw() != shim_id {
        // The shim exited before the signal was set.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_shim(_shim_id: i32) {}
