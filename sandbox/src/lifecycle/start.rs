//! The new process in the background: how it is started, and what it says when it does not come to serving.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

use super::folder::{at, prepare, read_endpoint};
use super::{Endpoint, LifecycleError, Options, PATIENCE, POLL, server_process};
use crate::base::clock::Clock;
use crate::base::request_log;
use crate::process::{environment, signals};

/// Starts the new process. It inherits nothing of this one: neither variables nor the working folder, and it closes other open
/// files itself.
pub(super) fn spawn(program: &Path, options: &Options) -> Result<Child, LifecycleError> {
    let log = options.state_dir.join(request_log::FILE);
    let stderr = request_log::append_to(&log).map_err(at(&log))?;
    let mut command = command(program, options);
    // It takes a session of its own once it runs, which the leader of a process group could not.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    command.spawn().map_err(at(program))
}

/// Turns this process into a sandbox in the foreground, started from `program`, which contains it. Tasks can read the environment
/// of the sandbox's process, so only the variables that a sandbox needs remain. Returns only if this fails.
pub fn serve_in_this_process(program: &Path, options: &Options) -> LifecycleError {
    if let Err(error) = prepare(&options.state_dir) {
        return error;
    }
    at(program)(command(program, options).exec())
}

/// Whether this process ignores signals that its caller ignored; its next exec then restores them. A sandbox in the foreground keeps
/// them, for `nohup`. Niceness and resource limits stay those of the caller: raising them again takes privileges.
pub(super) fn ignores_signals() -> bool {
    // While SIGXFSZ is ignored, a file that may not grow is an error of the write and not the end of the process. Elsewhere than
    // on Linux a process cannot find out what it ignores.
    cfg!(target_os = "linux") && signals::restore_on_exec(&[nix::libc::SIGXFSZ])
}

fn command(program: &Path, options: &Options) -> Command {
    let mut command = server_process::command(program, options);
    command.env_clear().envs(environment::of_sandbox());
    command
}

/// Lets go of the output of a sandbox in the background, which the command that started it has read until now.
pub(super) fn close_output() -> io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(nix::unistd::dup2_stdout(nowhere)?)
}

/// Waits until the new process answers, or tells why it ended.
pub(super) async fn answered(
    folder: &Path,
    child: &mut Child,
    said_before: u64,
) -> Result<(Endpoint, Value), LifecycleError> {
    let clock = Clock::new(1.0);
    let deadline = clock.now() + PATIENCE;
    while clock.now() < deadline {
        if let Some(endpoint) = read_endpoint(folder)?.filter(|endpoint| endpoint.pid == child.id())
            && let Ok(said) = endpoint.call("Status", &json!({}), clock.now()).await
        {
            return Ok((endpoint, said));
        }
        if let Some(status) = child.try_wait().map_err(at(folder))? {
            return Err(LifecycleError::DidNotStart(last_words(folder, child, said_before, status)));
        }
        clock.sleep(POLL).await;
    }
    // It is of no use to anybody; that it has ended by itself by now is as good.
    drop(child.kill());
    Err(LifecycleError::DidNotStart("it does not answer".into()))
}

/// Why a new process ended. A full disk takes no log, so it tells that on its stdout; only one that broke down has not, and its
/// log may have more.
fn last_words(folder: &Path, child: &mut Child, said_before: u64, status: ExitStatus) -> String {
    let mut told = String::new();
    if let Some(stdout) = &mut child.stdout {
        drop(stdout.read_to_string(&mut told));
    }
    if told.is_empty() {
        let log = fs::read(folder.join(request_log::FILE)).unwrap_or_default();
        let said = log.get(usize::try_from(said_before).unwrap_or_default()..).unwrap_or(&log);
        let said = String::from_utf8_lossy(said);
        said.lines().rev().find_map(|line| line.strip_prefix("error: ")).unwrap_or(said.trim()).clone_into(&mut told);
    }
    if told.is_empty() { format!("its process ended at once ({status})") } else { told }
}
