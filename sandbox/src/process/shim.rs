//! The shim: an inner process, one per container, between the sandbox and the container's command.
//!
//! It starts the command in a session of its own, which has no terminal. On request, when the sandbox has ended, or when the command
//! ends, it ends everything below it and reports how the command ended. It keeps no state and writes nothing but its reports.

use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp, getpid};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::Instant;

use super::checks::Checks;
use super::inner_args::InnerProcess;
use super::shim_messages::{Exit, ProcessSpec, Report, ShimRequest, line};
use super::{descriptors, process_tree};
use crate::base::clock::sleep_until;

/// How long a task may take to end once the sandbox has ended.
pub(super) const ORPHAN_GRACE: Duration = Duration::from_secs(1);

/// Runs the shim on the socket that is its stdin, and returns when nothing remains below it.
pub(crate) fn main() -> ExitCode {
    descriptors::close_inherited();
    // A session and a group of its own: signals to the group reach only the task, and the terminal that the sandbox was started in
    // cannot be opened as /dev/tty. This only fails for a process that leads a group already.
    let _ = nix::unistd::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(supervise())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Makes the kernel send SIGCONT when the sandbox dies: the task may have stopped its shim with a signal, and a stopped shim does not
/// see that its socket is closed. Not SIGKILL: the end of the sandbox's thread that started the shim would send it too, and nothing
/// would then end the task.
#[cfg(target_os = "linux")]
fn continue_without_sandbox() {
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGCONT);
}

#[cfg(not(target_os = "linux"))]
fn continue_without_sandbox() {}

async fn supervise() -> std::io::Result<()> {
    process_tree::adopt_orphans();
    continue_without_sandbox();
    let sandbox = StdUnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    sandbox.set_nonblocking(true)?;
    let (reader, mut writer) = UnixStream::from_std(sandbox)?.into_split();
    let mut requests = BufReader::new(reader).lines();
    let mut signals = StopSignals::listen()?;
    let first = requests.next_line().await?.unwrap_or_default();
    let spec: ProcessSpec = serde_json::from_str(&first)?;

    let main = match launch(&spec, ProcessRole::Main) {
        Ok(pid) => pid,
        Err(reason) => return writer.write_all(&line(&Report::NotStarted(reason))).await,
    };
    // A write to a sandbox that has ended fails; the task has to be ended all the same.
    let _ = writer.write_all(&line(&Report::Started)).await;
    let mut checks = Checks::new(spec.clone());
    let mut exit = watch(main, &mut checks, &mut requests, &mut writer, &mut signals).await;
    checks.kill_all();
    if let Some(container_commands) = &spec.container_commands {
        // Before the descendants are killed: with podman they include the container's monitor, which has to end by itself.
        exit = container_commands.finish(exit).await;
    }
    process_tree::end_descendants().await;
    let _ = writer.write_all(&line(&Report::Ended(exit))).await;
    if !process_tree::SEES_DESCENDANTS {
        // Where the tree cannot be walked the group is what can be ended, this process with it.
        let _ = killpg(getpgrp(), Signal::SIGKILL);
    }
    Ok(())
}

/// What a command is to the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessRole {
    /// Its main process, in the shim's process group. Its output is logged.
    Main,
    /// A check, in a process group of its own, so that it can be ended alone. Its output is dropped.
    Check,
}

/// Starts a command; the error is why it could not be started.
pub(super) fn launch(spec: &ProcessSpec, role: ProcessRole) -> Result<Pid, String> {
    let failed = |error: std::io::Error| format!("cannot start a process: {error}");
    let (mut ours, theirs) = StdUnixStream::pair().map_err(failed)?;
    let executable = super::runner::own_executable().map_err(failed)?;
    let mut command = InnerProcess::ExecTask { shim: getpid().as_raw() }.command(&executable);
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    if role == ProcessRole::Check {
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    }
    let child = command.spawn().map_err(failed)?;
    // The command holds the other end of the socket, and reading would wait for it to close.
    drop(command);
    let mut reason = String::new();
    // The launcher closes its end by becoming the command; what it writes before is why it could not.
    ours.write_all(&line(spec)).and_then(|()| ours.read_to_string(&mut reason)).map_err(failed)?;
    if reason.is_empty() { Ok(pid(child.id())) } else { Err(reason) }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).expect("process ids fit in i32"))
}

/// Waits for the command's end; ends it on a stop request, when the sandbox closes the socket, and on a signal.
async fn watch(
    main: Pid,
    checks: &mut Checks,
    requests: &mut Lines<BufReader<OwnedReadHalf>>,
    writer: &mut OwnedWriteHalf,
    signals: &mut StopSignals,
) -> Exit {
    let stop_timeout = checks.container().stop_timeout;
    let mut kill_at: Option<Instant> = None;
    let mut sandbox_gone = false;
    loop {
        let mut ended = None;
        for (pid, exit) in reap() {
            if pid == main {
                ended = Some(exit);
            } else if let Some(report) = checks.ended(pid, &exit) {
                // A write to a sandbox that has ended fails, as the next read does.
                let _ = writer.write_all(&line(&report)).await;
            }
        }
        if let Some(exit) = ended {
            return exit;
        }
        let grace = tokio::select! {
            is_stop = signals.next() => if is_stop { stop_timeout } else { continue },
            read = requests.next_line(), if !sandbox_gone => match read.ok().flatten().map(|text| serde_json::from_str(&text)) {
                None => {
                    sandbox_gone = true;
                    stop_timeout.min(ORPHAN_GRACE)
                }
                Some(Ok(ShimRequest::Stop)) => stop_timeout,
                Some(Ok(ShimRequest::Check(check))) => {
                    if let Some(report) = checks.begin(check) {
                        let _ = writer.write_all(&line(&report)).await;
                    }
                    continue;
                }
                Some(Err(_)) => continue,
            },
            () = sleep_until(kill_at) => {
                process_tree::kill(main);
                kill_at = None;
                continue;
            }
            () = sleep_until(checks.next_timeout()) => {
                checks.kill_expired();
                continue;
            }
        };
        if kill_at.is_none() {
            match &checks.container().container_commands {
                Some(container_commands) => container_commands.stop(),
                // This process is in the group too: it receives the signal, and finds the deadline already set.
                None => drop(killpg(getpgrp(), Signal::SIGTERM)),
            }
        }
        let until = Instant::now() + grace;
        kill_at = Some(kill_at.map_or(until, |earlier| earlier.min(until)));
    }
}

/// Collects the children that have ended, and how they ended.
fn reap() -> Vec<(Pid, Exit)> {
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => ended.push((pid, Exit::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => ended.push((pid, Exit::Signal(signal as i32))),
            Ok(WaitStatus::StillAlive) | Err(_) => return ended,
            Ok(_) => {}
        }
    }
}

/// The signals that a shim handles.
struct StopSignals {
    child: Signals,
    terminate: Signals,
    interrupt: Signals,
    hangup: Signals,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal, and returns whether it is a stop signal.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.child.recv() => false,
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hangup.recv() => true,
        }
    }
}
