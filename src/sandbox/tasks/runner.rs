//! The sandbox's side of a shim: starts it, follows its reports, and sees to it that nothing is left when it is gone.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::output::{self, OutputLine};
use super::process_tree::{self, CpuTimes};
use super::protocol::{Exit, ProcessSpec, Report, Request, line};
use super::{TASK_MARKER, container, environment};

/// How long what a process printed is still read after its end; only something that escaped can keep the pipe open longer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How this very program is started again. On Linux that works also after the file was replaced.
pub fn own_executable() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

/// Starts containers' processes.
#[derive(Debug, Clone)]
pub struct Runner {
    executable: PathBuf,
}

/// Why a container's process did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The shim itself could not be started.
    #[error("cannot start a process: {0}")]
    Shim(#[from] std::io::Error),
    /// The command could not be started.
    #[error("{0}")]
    Command(String),
}

/// A container's process that was started.
#[derive(Debug)]
pub struct Process {
    /// To stop it.
    pub handle: ProcessHandle,
    /// What it prints; ends shortly after the process did. Not reading it holds the process back.
    pub output: mpsc::Receiver<OutputLine>,
    /// How it ended; sent when nothing of it is left.
    pub exit: oneshot::Receiver<Exit>,
}

/// Stops a process. When the last handle is dropped the process is stopped too.
#[derive(Debug, Clone)]
pub struct ProcessHandle {
    shim: Pid,
    requests: mpsc::UnboundedSender<Request>,
}

impl ProcessHandle {
    /// SIGTERM now, SIGKILL after the process's stop timeout.
    pub fn stop(&self) {
        // A process that has ended already no longer listens.
        let _ = self.requests.send(Request::Stop);
    }

    /// The CPU time that the process and all below it used so far, by one look at the machine's processes.
    pub fn cpu_time(&self, times: &CpuTimes) -> Duration {
        times.of_tree(self.shim)
    }

    /// The shim's process id, which is also its process group and its session.
    pub fn id(&self) -> i32 {
        self.shim.as_raw()
    }
}

impl Runner {
    /// `executable` is this program's file, which knows `sandbox task-shim`; see [`own_executable`].
    pub fn new(executable: PathBuf) -> Self {
        Self { executable }
    }

    /// Starts a process and returns once it runs, which takes milliseconds.
    ///
    /// # Errors
    /// [`StartError::Command`] says in words for a stopped reason why the command did not start.
    pub async fn start(&self, spec: &ProcessSpec) -> Result<Process, StartError> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut shim = Command::new(&self.executable)
            .arg0("ecsws")
            .args(["sandbox", "task-shim"])
            .env_clear()
            .envs(environment::base())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let id = shim
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .ok_or_else(|| std::io::Error::other("the shim has no id"))?;
        let (reader, mut writer) = UnixStream::from_std(ours)?.into_split();
        let mut reports = BufReader::new(reader);
        let (lines, output) = output::channel();
        let mut readers = JoinSet::new();
        readers.spawn(output::read(shim.stdout.take(), lines.clone()));
        readers.spawn(output::read(shim.stderr.take(), lines));
        writer.write_all(&line(spec)).await?;
        match next_report(&mut reports).await {
            Some(Report::Started) => {}
            Some(Report::NotStarted(reason)) => {
                shim.wait().await?;
                return Err(StartError::Command(reason));
            }
            Some(Report::Ended(_)) | None => {
                end(Pid::from_raw(id), &mut shim).await;
                return Err(StartError::Command("the process's shim ended before it could start anything".to_owned()));
            }
        }
        let (requests, inbox) = mpsc::unbounded_channel();
        let (ended, exit) = oneshot::channel();
        let follower = Follower { shim, id: Pid::from_raw(id), spec: spec.clone(), readers };
        tokio::spawn(async move {
            // Nobody may be waiting for it any more.
            let _ = ended.send(follower.follow(reports, writer, inbox).await);
        });
        Ok(Process { handle: ProcessHandle { shim: Pid::from_raw(id), requests }, output, exit })
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
    // A shim that did not come as far as leading a group is on its own.
    process_tree::kill(id);
    let _ = shim.wait().await;
}

/// Follows one shim to its end.
struct Follower {
    shim: Child,
    id: Pid,
    spec: ProcessSpec,
    readers: JoinSet<()>,
}

impl Follower {
    async fn follow(
        mut self,
        mut reports: BufReader<OwnedReadHalf>,
        writer: OwnedWriteHalf,
        mut inbox: mpsc::UnboundedReceiver<Request>,
    ) -> Exit {
        let mut writer = Some(writer);
        let report = {
            let next = next_report(&mut reports);
            tokio::pin!(next);
            loop {
                tokio::select! {
                    report = &mut next => break report,
                    request = inbox.recv(), if writer.is_some() => match (request, writer.as_mut()) {
                        (Some(request), Some(open)) => { let _ = open.write_all(&line(&request)).await; }
                        // No handle is left: closing our half tells the shim to end.
                        _ => writer = None,
                    },
                }
            }
        };
        end(self.id, &mut self.shim).await;
        let exit = if let Some(Report::Ended(exit)) = report {
            exit
        } else {
            let lost: BTreeSet<String> = marker(&self.spec).into_iter().collect();
            process_tree::end_marked(TASK_MARKER, &lost).await;
            if let Some(commands) = &self.spec.container {
                container::remove(commands, &self.spec).await;
            }
            Exit::ShimLost
        };
        let _ = tokio::time::timeout(LAST_WORDS, async { while self.readers.join_next().await.is_some() {} }).await;
        exit
    }
}
