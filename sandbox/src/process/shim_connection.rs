//! The sandbox's end of a shim's socket: starts the shim's process, follows its reports, and makes sure that nothing remains when it
//! is ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::TASK_MARKER;
use super::container_engine::ContainerCommands;
use super::orphans::{self, StartedChild};
use super::process_tree;
use super::runner::{AttachedProcess, ProcessHandle, StartError};
use super::shim::ORPHAN_GRACE;
use super::shim_messages::{Check, Exit, ProcessSpec, Report, ShimRequest, line};
use crate::base::clock::sleep_until;

/// How long output is still read after the end of its process. Only a process that escaped its shim can keep the pipe open longer.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than the stop timeout a shim may take before it is killed.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long a shim may take to report that its process has started.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// What a handle requests of its process's shim.
#[derive(Debug)]
pub(super) enum ShimCommand {
    Stop,
    Check { command: Vec<String>, timeout: Duration, code: oneshot::Sender<Option<i32>> },
}

/// A shim that waits for the process to run.
pub(super) struct Shim {
    pub(super) child: Child,
    pub(super) id: Pid,
    pub(super) started: StartedChild,
    pub(super) socket: UnixStream,
}

impl Shim {
    /// Starts its process; `readers` read the output.
    pub(super) async fn run(self, spec: &ProcessSpec, readers: JoinSet<()>) -> Result<AttachedProcess, StartError> {
        let Self { mut child, id, started, socket } = self;
        let (reader, mut writer) = socket.into_split();
        let mut reports = BufReader::new(reader);
        writer.write_all(&line(spec)).await?;
        // A process can stop its shim with a signal before that has reported the start.
        let report = tokio::time::timeout(START_TIMEOUT, next_report(&mut reports)).await;
        match report.ok().flatten() {
            Some(Report::Started) => {}
            Some(Report::NotStarted(reason)) => {
                child.wait().await?;
                return Err(StartError::Command(reason));
            }
            Some(Report::Ended(_) | Report::Checked(..)) | None => {
                end(id, &mut child).await;
                return Err(StartError::Command(
                    "the process's shim did not report that anything has started".to_owned(),
                ));
            }
        }
        let (commands, inbox) = mpsc::unbounded_channel();
        let (exit_sender, exit) = oneshot::channel();
        let ended = CancellationToken::new();
        let on_end = ended.clone().drop_guard();
        let (spec, checks) = (spec.clone(), BTreeMap::new());
        let follower = ShimMonitor { shim: child, id, _started: started, spec, readers, checks, check_count: 0 };
        tokio::spawn(async move {
            let _on_end = on_end;
            // The receiver may have been dropped.
            let _ = exit_sender.send(follower.follow(reports, writer, inbox).await);
        });
        Ok(AttachedProcess { handle: ProcessHandle { shim: id, commands, ended }, exit })
    }
}

fn marker(spec: &ProcessSpec) -> Option<String> {
    spec.environment.iter().find(|(name, _)| name == TASK_MARKER).map(|(_, value)| value.clone())
}

async fn next_report(reports: &mut BufReader<OwnedReadHalf>) -> Option<Report> {
    let mut text = String::new();
    reports.read_line(&mut text).await.ok()?;
    serde_json::from_str(&text).ok()
}

/// Kills the shim's group while the shim's id cannot have been given to anyone else, then collects the shim.
async fn end(id: Pid, shim: &mut Child) {
    process_tree::kill_group(id);
    // A shim that does not lead a group yet is alone in it.
    process_tree::kill(id);
    let _ = shim.wait().await;
}

/// Follows one shim to its end.
struct ShimMonitor {
    shim: Child,
    id: Pid,
    _started: StartedChild,
    spec: ProcessSpec,
    readers: JoinSet<()>,
    /// The receivers of the exit codes of running checks.
    checks: BTreeMap<u64, oneshot::Sender<Option<i32>>>,
    check_count: u64,
}

impl ShimMonitor {
    async fn follow(
        mut self,
        reports: BufReader<OwnedReadHalf>,
        writer: OwnedWriteHalf,
        mut inbox: mpsc::UnboundedReceiver<ShimCommand>,
    ) -> Exit {
        let mut reports = queue(reports);
        let mut writer = Some(writer);
        let mut deadline = None;
        let report = loop {
            tokio::select! {
                report = reports.recv() => match report {
                    Some(Report::Checked(id, code)) => {
                        // The receiver may have timed out.
                        let _ = self.checks.remove(&id).map(|receiver| receiver.send(code));
                    }
                    other => break other,
                },
                order = inbox.recv(), if writer.is_some() => {
                    let timeout = match order {
                        Some(ShimCommand::Stop) => Some(self.spec.stop_timeout),
                        Some(ShimCommand::Check { .. }) => None,
                        None => Some(self.spec.stop_timeout.min(ORPHAN_GRACE)),
                    };
                    if let Some(timeout) = timeout {
                        let until = Instant::now() + timeout + self.stop_grace();
                        deadline = Some(deadline.map_or(until, |earlier: Instant| earlier.min(until)));
                    }
                    match (order, writer.as_mut()) {
                        (Some(order), Some(open)) => {
                            let sending = tokio::time::timeout(STOP_GRACE, open.write_all(&line(&self.request(order)))).await;
                            if sending.is_err() {
                                break None;
                            }
                        }
                        // The last handle was dropped: closing this half of the socket makes the shim end.
                        _ => writer = None,
                    }
                },
                // The task may have stopped its shim with a signal.
                () = sleep_until(deadline) => break None,
            }
        };
        end(self.id, &mut self.shim).await;
        let exit = if let Some(Report::Ended(exit)) = report {
            exit
        } else {
            orphans::kill_orphans().await;
            // A session's command has the mark of its container's task, which goes on; its own processes end with its terminal.
            let lost: BTreeSet<String> = marker(&self.spec).filter(|_| !self.spec.terminal).into_iter().collect();
            process_tree::end_marked(TASK_MARKER, &lost).await;
            if let Some(container_commands) = &self.spec.container_commands {
                container_commands.remove().await;
            }
            Exit::ShimLost
        };
        let _ = tokio::time::timeout(OUTPUT_TIMEOUT, async { while self.readers.join_next().await.is_some() {} }).await;
        exit
    }

    /// How much longer than its stop timeout the process may take to end.
    fn stop_grace(&self) -> Duration {
        if self.spec.container_commands.is_some() { ContainerCommands::STOP_GRACE } else { STOP_GRACE }
    }

    fn request(&mut self, order: ShimCommand) -> ShimRequest {
        match order {
            ShimCommand::Stop => ShimRequest::Stop,
            ShimCommand::Check { command, timeout, code } => {
                self.check_count += 1;
                self.checks.insert(self.check_count, code);
                ShimRequest::Check(Check { id: self.check_count, command, timeout })
            }
        }
    }
}

/// Reads reports into a queue: reading a line is not cancel safe, receiving from a queue is.
fn queue(mut reports: BufReader<OwnedReadHalf>) -> mpsc::UnboundedReceiver<Report> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(report) = next_report(&mut reports).await {
            if sender.send(report).is_err() {
                return;
            }
        }
    });
    receiver
}
