//! Starting the process in the background, and finding out why it failed.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::folder::{at, prepare, read_endpoint};
use super::{
    Endpoint, LifecycleError, Options, POLL_INTERVAL, STATE_CHANGE_TIMEOUT, UNUSABLE_STATE_EXIT, server_process,
};
use crate::base::clock::Clock;
use crate::base::request_log;
use crate::control::messages::Status;
use crate::process::{environment, signals};

/// Starts the process. It inherits neither variables nor the working directory, and closes inherited files itself.
pub(super) fn spawn(program: &Path, options: &Options) -> Result<Child, LifecycleError> {
    let log = options.state_dir.join(request_log::LOG_FILE);
    let stderr = request_log::append_to(&log).map_err(at(&log))?;
    let mut command = command(program, options);
    // It becomes the leader of a session later, which the leader of a process group could not. So it gets no group here.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    command.spawn().map_err(at(program))
}

/// Replaces this process with a sandbox in the foreground, started from `program`, which contains it. Tasks can read the environment
/// of the sandbox's process, so it gets only the variables that a sandbox needs. Returns only if this fails.
pub fn serve_in_this_process(program: &Path, options: &Options) -> LifecycleError {
    if let Err(error) = prepare(&options.state_dir) {
        return error;
    }
    at(program)(command(program, options).exec())
}

/// Whether this process ignores signals because its caller did; its next exec then restores them. A sandbox in the foreground keeps
/// them ignored, for `nohup`. Niceness and resource limits remain those of the caller: raising them needs privileges.
pub(super) fn ignores_signals() -> bool {
    // SIGXFSZ stays ignored, so that the write to a file at its size limit fails instead of killing the process. Only on Linux can a
    // process find out what it ignores.
    cfg!(target_os = "linux") && signals::restore_on_exec(&[nix::libc::SIGXFSZ])
}

fn command(program: &Path, options: &Options) -> Command {
    let mut command = server_process::command(program, options);
    command.env_clear().envs(environment::sandbox_environment());
    command
}

/// Closes the output of a sandbox in the background, which the command that started it has read until now.
pub(super) fn close_output() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(nix::unistd::dup2_stdout(null)?)
}

/// Waits until the process responds; the error has the reason if it ended. `log_length` is the length of the log before the start.
pub(super) async fn wait_until_ready(
    folder: &Path,
    child: &mut Child,
    log_length: u64,
) -> Result<(Endpoint, Status), LifecycleError> {
    let clock = Clock::new(1.0);
    let deadline = clock.now() + STATE_CHANGE_TIMEOUT;
    while clock.now() < deadline {
        if let Some(endpoint) = read_endpoint(folder)?.filter(|endpoint| endpoint.pid == child.id())
            && let Ok(status) = endpoint.status(clock.now()).await
        {
            return Ok((endpoint, status));
        }
        if let Some(status) = child.try_wait().map_err(at(folder))? {
            let reason = startup_error(folder, child, log_length, status);
            return Err(if status.code() == Some(UNUSABLE_STATE_EXIT.into()) {
                LifecycleError::UnusableState(reason)
            } else {
                LifecycleError::DidNotStart(reason)
            });
        }
        clock.sleep(POLL_INTERVAL).await;
    }
    // Fails if it has just ended by itself.
    drop(child.kill());
    Err(LifecycleError::DidNotStart("it did not answer within 20 seconds".into()))
}

/// Why the process ended. It prints its error to stdout, because the log cannot be written if the disk is full. A crashed process has
/// not printed one, but its log may have.
fn startup_error(folder: &Path, child: &mut Child, log_length: u64, status: ExitStatus) -> String {
    let mut message = String::new();
    if let Some(stdout) = &mut child.stdout {
        drop(stdout.read_to_string(&mut message));
    }
    if message.is_empty() {
        let log = fs::read(folder.join(request_log::LOG_FILE)).unwrap_or_default();
        let added = log.get(usize::try_from(log_length).unwrap_or_default()..).unwrap_or(&log);
        let added = String::from_utf8_lossy(added);
        added
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("error: "))
            .unwrap_or(added.trim())
            .clone_into(&mut message);
    }
    if message.is_empty() { format!("its process exited during startup ({status})") } else { message }
}
