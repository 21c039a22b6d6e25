//! The sandbox's side of a shim: starts it, follows its reports, and sees to it that nothing is left when it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::inner::Inner;

use super::engine::ContainerHooks;
use super::orphans::{self, Started};
use super::output::{self, Output};
use super::process_tree::{self, CpuTimes};
use super::protocol::{Check, Exit, ProcessSpec, Report, Request, line};
use super::shim::ORPHAN_GRACE;
use super::{TASK_MARKER, environment};

/// How long what a process printed is still read after its end; only something that escaped can keep the pipe open longer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How much longer than the stop timeout a shim may take before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long a shim may take to report that its process has started; engines may take this long to make a container.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How this very program is started again. On Linux that works also after the file was replaced.
pub fn own_executable() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

/// Starts containers' processes.
#[derive(Debug, Clone)]
pub struct Runner {
    executable: PathBuf,
    attached: Shims,
}

/// The shims of what was attached and still runs.
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
    /// What it prints; ends shortly after the process did. Not reading it holds the process back.
    pub output: Output,
    /// How it ended; sent when nothing of it is left.
    pub exit: oneshot::Receiver<Exit>,
}

/// A process that was started, and whose output goes elsewhere.
#[derive(Debug)]
pub struct Attached {
    /// To stop it.
    pub handle: ProcessHandle,
    /// How it ended; sent when nothing of it is left.
    pub exit: oneshot::Receiver<Exit>,
}

/// Stops a process. When the last handle is dropped the process is stopped too.
#[derive(Debug, Clone)]
pub struct ProcessHandle {
    shim: Pid,
    orders: mpsc::UnboundedSender<Order>,
    gone: CancellationToken,
}

/// What a handle asks of its process's follower.
#[derive(Debug)]
enum Order {
    Stop,
    Check { command: Vec<String>, timeout: Duration, code: oneshot::Sender<Option<i32>> },
}

impl ProcessHandle {
    /// SIGTERM now, SIGKILL after the process's stop timeout.
    pub fn stop(&self) {
        // A process that has ended already no longer listens.
        let _ = self.orders.send(Order::Stop);
    }

    /// Cancelled when the process is gone; it does not keep it.
    pub fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    /// Runs a command beside the process, in its folder, with its environment and under the same shim, and gives its exit
    /// code: none when it takes longer than `timeout`, cannot be started, or the process ends meanwhile.
    pub async fn check(&self, command: Vec<String>, timeout: Duration) -> Option<i32> {
        let (code, answer) = oneshot::channel();
        self.orders.send(Order::Check { command, timeout, code }).ok()?;
        tokio::time::timeout(timeout + STOP_GRACE, answer).await.ok()?.ok().flatten()
    }

    /// The CPU time that the process and all below it used so far, by one look at the machine's processes.
    pub fn cpu_time(&self, times: &CpuTimes) -> Duration {
        times.of_tree(self.shim)
    }

    /// Kills the process's whole group with its shim in one call, which no fork can outrun; what has left the group is ended after.
    pub fn kill(&self) {
        process_tree::kill_group(self.shim);
    }

    /// The processes below the shim, and the memory that they have in RAM, by one look at the machine's processes.
    pub fn below(&self, times: &CpuTimes) -> (Vec<i32>, u64) {
        times.below(self.shim)
    }

    /// The shim's process id, which is also its process group and its session.
    pub fn id(&self) -> i32 {
        self.shim.as_raw()
    }
}

impl Runner {
    /// `executable` is this program's file, which starts [inner processes](crate::inner()); see [`own_executable`].
    pub fn new(executable: PathBuf) -> Self {
        Self { executable, attached: Shims::default() }
    }

    /// Starts a process and returns once it runs, which takes milliseconds.
    ///
    /// # Errors
    /// [`StartError::Command`] says in words for a stopped reason why the command did not start.
    pub async fn start(&self, spec: &ProcessSpec) -> Result<Process, StartError> {
        let mut shim = self.shim(Stdio::piped(), Stdio::piped())?;
        let (lines, output) = output::channel();
        let mut readers = JoinSet::new();
        readers.spawn(output::read(shim.child.stdout.take(), lines.clone()));
        readers.spawn(output::read(shim.child.stderr.take(), lines));
        let Attached { handle, exit } = shim.run(spec, readers).await?;
        Ok(Process { handle, output, exit })
    }

    /// The same for a process whose output goes elsewhere than into a log.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn attach(&self, spec: &ProcessSpec, output: OwnedFd, errors: OwnedFd) -> Result<Attached, StartError> {
        let attached = self.shim(output.into(), errors.into())?.run(spec, JoinSet::new()).await?;
        let (shims, id, gone) = (Arc::clone(&self.attached), attached.handle.id(), attached.handle.gone());
        lock(&shims).insert(id);
        tokio::spawn(async move {
            gone.cancelled().await;
            lock(&shims).remove(&id);
        });
        Ok(attached)
    }

    /// Whether anything that was attached still runs.
    pub fn has_attached(&self) -> bool {
        !lock(&self.attached).is_empty()
    }

    /// The processes of everything that was attached and still runs, by one look at the machine's processes.
    pub fn attached(&self, times: &CpuTimes) -> Vec<Vec<i32>> {
        lock(&self.attached).iter().map(|shim| times.below(Pid::from_raw(*shim)).0).collect()
    }

    fn shim(&self, stdout: Stdio, stderr: Stdio) -> std::io::Result<Shim> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::from(Inner::TaskShim.command(&self.executable));
        command.arg0("ecsws").env_clear().envs(environment::base());
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(stdout).stderr(stderr);
        let (child, id, started) = orphans::spawn(&mut command)?;
        Ok(Shim { child, id, started, socket: UnixStream::from_std(ours)? })
    }
}

/// A shim that has not been told what to run.
struct Shim {
    child: Child,
    id: Pid,
    started: Started,
    socket: UnixStream,
}

impl Shim {
    /// Has it run a process; `readers` are who reads what that prints.
    async fn run(self, spec: &ProcessSpec, readers: JoinSet<()>) -> Result<Attached, StartError> {
        let Self { mut child, id, started, socket } = self;
        let (reader, mut writer) = socket.into_split();
        let mut reports = BufReader::new(reader);
        writer.write_all(&line(spec)).await?;
        // A process can stop its shim with a signal before that has reported the start.
        let report = tokio::time::timeout(START_LIMIT, next_report(&mut reports)).await;
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
        let (orders, inbox) = mpsc::unbounded_channel();
        let (ended, exit) = oneshot::channel();
        let gone = CancellationToken::new();
        let leaving = gone.clone().drop_guard();
        let (spec, checks) = (spec.clone(), BTreeMap::new());
        let follower = Follower { shim: child, id, _started: started, spec, readers, checks, count: 0 };
        tokio::spawn(async move {
            let _leaving = leaving;
            // Nobody may be waiting for it any more.
            let _ = ended.send(follower.follow(reports, writer, inbox).await);
        });
        Ok(Attached { handle: ProcessHandle { shim: id, orders, gone }, exit })
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
    _started: Started,
    spec: ProcessSpec,
    readers: JoinSet<()>,
    /// Who waits for which check.
    checks: BTreeMap<u64, oneshot::Sender<Option<i32>>>,
    count: u64,
}

impl Follower {
    async fn follow(
        mut self,
        reports: BufReader<OwnedReadHalf>,
        writer: OwnedWriteHalf,
        mut inbox: mpsc::UnboundedReceiver<Order>,
    ) -> Exit {
        let mut reports = queue(reports);
        let mut writer = Some(writer);
        let mut deadline = None;
        let report = loop {
            tokio::select! {
                report = reports.recv() => match report {
                    Some(Report::Checked(id, code)) => {
                        // Whoever asked may have stopped waiting.
                        let _ = self.checks.remove(&id).map(|waiting| waiting.send(code));
                    }
                    other => break other,
                },
                order = inbox.recv(), if writer.is_some() => {
                    let timeout = match order {
                        Some(Order::Stop) => Some(self.spec.stop_timeout),
                        Some(Order::Check { .. }) => None,
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
                        // No handle is left: closing our half tells the shim to end.
                        _ => writer = None,
                    }
                },
                // The task may have stopped its shim with a signal.
                () = sleep_until(deadline), if deadline.is_some() => break None,
            }
        };
        end(self.id, &mut self.shim).await;
        let exit = if let Some(Report::Ended(exit)) = report {
            exit
        } else {
            orphans::end().await;
            // A session's command carries the mark of what it is beside; the end of its terminal ends what is its own.
            let lost: BTreeSet<String> = marker(&self.spec).filter(|_| !self.spec.terminal).into_iter().collect();
            process_tree::end_marked(TASK_MARKER, &lost).await;
            if let Some(hooks) = &self.spec.hooks {
                hooks.remove().await;
            }
            Exit::ShimLost
        };
        let _ = tokio::time::timeout(LAST_WORDS, async { while self.readers.join_next().await.is_some() {} }).await;
        exit
    }

    /// How much longer than the timeout a shim that works may take.
    fn stop_grace(&self) -> Duration {
        if self.spec.hooks.is_some() { ContainerHooks::STOP_GRACE } else { STOP_GRACE }
    }

    fn request(&mut self, order: Order) -> Request {
        match order {
            Order::Stop => Request::Stop,
            Order::Check { command, timeout, code } => {
                self.count += 1;
                self.checks.insert(self.count, code);
                Request::Check(Check { id: self.count, command, timeout })
            }
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    tokio::time::sleep_until(deadline.unwrap_or_else(Instant::now)).await;
}

/// Reports in a queue, because half a line that was read must not be lost while something else goes on.
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
