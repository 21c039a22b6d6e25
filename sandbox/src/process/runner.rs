//! Starts processes under shims, and controls them while they run.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::Command;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::inner_args::InnerProcess;
use super::output::{self, ProcessOutput};
use super::process_tree::{self, CpuTimes, ProcessUsage};
use super::shim_connection::{STOP_GRACE, Shim, ShimCommand};
use super::shim_messages::{Exit, ProcessSpec};
use super::{environment, orphans};

/// The path that starts this program again. On Linux it stays valid when the file is replaced.
pub(crate) fn own_executable() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

/// Starts containers' processes.
#[derive(Debug, Clone)]
pub struct Runner {
    executable: PathBuf,
    attached: Shims,
    attachment: Arc<Notify>,
}

/// The shims of attached processes that still run.
type Shims = Arc<Mutex<BTreeSet<i32>>>;

fn lock(shims: &Shims) -> MutexGuard<'_, BTreeSet<i32>> {
    shims.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// What it prints; ends shortly after the process. The process waits while this is not read.
    pub output: ProcessOutput,
    /// How it ended; sent when none of its processes remain.
    pub exit: oneshot::Receiver<Exit>,
}

/// A process that was started, and whose output goes elsewhere.
#[derive(Debug)]
pub struct AttachedProcess {
    /// To stop it.
    pub handle: ProcessHandle,
    /// How it ended; sent when none of its processes remain.
    pub exit: oneshot::Receiver<Exit>,
}

/// Stops a process. When the last handle is dropped the process is stopped too.
#[derive(Debug, Clone)]
pub struct ProcessHandle {
    pub(super) shim: Pid,
    pub(super) commands: mpsc::UnboundedSender<ShimCommand>,
    pub(super) ended: CancellationToken,
}

impl ProcessHandle {
    /// SIGTERM now, SIGKILL after the process's stop timeout.
    pub fn stop(&self) {
        // Sending fails if the process has ended already.
        let _ = self.commands.send(ShimCommand::Stop);
    }

    /// Cancelled when the process has ended. Holding it does not keep the process running.
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }

    /// Runs a command in the folder of the process, with its environment and under the same shim, and returns its exit code: none if
    /// it takes longer than `timeout`, cannot be started, or the process ends first.
    pub async fn check(&self, command: Vec<String>, timeout: Duration) -> Option<i32> {
        let (code, exit_code) = oneshot::channel();
        self.commands.send(ShimCommand::Check { command, timeout, code }).ok()?;
        tokio::time::timeout(timeout + STOP_GRACE, exit_code).await.ok()?.ok().flatten()
    }

    /// The CPU time that the process and its descendants have used.
    pub fn cpu_time(&self, times: &CpuTimes) -> Duration {
        times.tree_cpu_time(self.shim)
    }

    /// Kills the whole process group with the shim in one call, which no fork can outrun; processes that left the group are ended
    /// afterwards.
    pub fn kill(&self) {
        process_tree::kill_group(self.shim);
    }

    /// The processes below the shim.
    pub fn descendants(&self, times: &CpuTimes) -> ProcessUsage {
        times.descendants(self.shim)
    }

    /// The shim's process id, which is also its process group and its session.
    pub fn id(&self) -> i32 {
        self.shim.as_raw()
    }
}

impl Runner {
    /// `executable` is this program's file, which starts [inner processes](crate::inner()); see [`own_executable`].
    pub fn new(executable: PathBuf) -> Self {
        Self { executable, attached: Shims::default(), attachment: Arc::default() }
    }

    /// Starts a process and returns once it runs, which takes milliseconds.
    ///
    /// # Errors
    /// [`StartError::Command`] has the stopped reason of a command that did not start.
    pub async fn start(&self, spec: &ProcessSpec) -> Result<Process, StartError> {
        // One pipe for both, because what is read from two has no order.
        let (reader, stdout) = std::io::pipe()?;
        let shim = self.shim(stdout.try_clone()?.into(), stdout.into())?;
        let (lines, output) = output::channel();
        let mut readers = JoinSet::new();
        readers.spawn(output::read(pipe::Receiver::from_owned_fd(reader.into())?, lines));
        let AttachedProcess { handle, exit } = shim.run(spec, readers).await?;
        Ok(Process { handle, output, exit })
    }

    /// Starts a process whose output goes to file descriptors, such as a terminal's.
    ///
    /// # Errors
    /// Starts a process like [`Self::start`].
    pub async fn attach(
        &self,
        spec: &ProcessSpec,
        output: OwnedFd,
        errors: OwnedFd,
    ) -> Result<AttachedProcess, StartError> {
        let attached = self.shim(output.into(), errors.into())?.run(spec, JoinSet::new()).await?;
        let (shims, id, ended) = (Arc::clone(&self.attached), attached.handle.id(), attached.handle.ended());
        lock(&shims).insert(id);
        self.attachment.notify_one();
        tokio::spawn(async move {
            ended.cancelled().await;
            lock(&shims).remove(&id);
        });
        Ok(attached)
    }

    /// Waits until a process is attached. Meant for one caller: an attachment that nobody waits for is reported to the next one.
    pub async fn attachment(&self) {
        self.attachment.notified().await;
    }

    /// Whether an attached process still runs.
    pub fn has_attached(&self) -> bool {
        !lock(&self.attached).is_empty()
    }

    /// The processes of each attached process that still runs.
    pub fn attached(&self, times: &CpuTimes) -> Vec<Vec<i32>> {
        lock(&self.attached).iter().map(|shim| times.descendants(Pid::from_raw(*shim)).pids).collect()
    }

    fn shim(&self, stdout: Stdio, stderr: Stdio) -> std::io::Result<Shim> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::from(InnerProcess::TaskShim.command(&self.executable));
        command.arg0("ecsws").env_clear().envs(environment::base());
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(stdout).stderr(stderr);
        let (child, id, started) = orphans::spawn(&mut command)?;
        Ok(Shim { child, id, started, socket: UnixStream::from_std(ours)? })
    }
}
