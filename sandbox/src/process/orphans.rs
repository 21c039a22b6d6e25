//! Processes that outlived their shim. On Linux the sandbox adopts them, and distinguishes them from the processes that it started.
//!
//! A process can leave its group and session, empty its environment and kill its shim, but it stays below the sandbox.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};
use tokio::process::{Child, Command};

use super::process_tree::{self, CpuTimes};

/// How often orphans are searched before the remaining ones are abandoned (they are stuck in the kernel).
const MAX_ROUNDS: u32 = 2000;

/// The variable that marks the commands of container engines, whose helpers may stay in the background, such as rootless podman's.
const ENGINE_MARKER: &str = "ECSWS_SANDBOX_ENGINE";

static STARTED: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn started() -> MutexGuard<'static, BTreeSet<i32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks a child process as started by the sandbox and not adopted; dropped once the child has been reaped.
#[derive(Debug)]
pub(super) struct StartedChild(i32);

impl Drop for StartedChild {
    fn drop(&mut self) {
        started().remove(&self.0);
    }
}

/// Starts a process that [`kill_orphans`] does not end.
pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, Pid, StartedChild)> {
    let mut started = started();
    let child = command.spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let id = id.ok_or_else(|| io::Error::other("the process has no id"))?;
    started.insert(id);
    Ok((child, Pid::from_raw(id), StartedChild(id)))
}

/// The variable that commands of container engines carry; its value is this process's secret.
pub(super) fn engine_marker() -> (String, String) {
    static VALUE: OnceLock<String> = OnceLock::new();
    (ENGINE_MARKER.to_owned(), VALUE.get_or_init(|| format!("{:032x}", rand::random::<u128>())).clone())
}

/// Ends every process that this one adopted, with its descendants.
pub(super) async fn kill_orphans() {
    if !process_tree::adopts_orphans() {
        return;
    }
    for _ in 0..MAX_ROUNDS {
        if kill_orphans_once() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Kills the orphans that exist; whether there was none.
fn kill_orphans_once() -> bool {
    // Holding the lock keeps others from starting processes, which would look like orphans until their id is recorded.
    let started = started();
    let find = || orphans(&started);
    process_tree::freeze(&find);
    let orphans = find();
    for pid in &orphans {
        process_tree::kill(*pid);
        // Descendants of orphans cannot be collected before their parent has ended.
        let _ = waitpid(*pid, Some(WaitPidFlag::WNOHANG));
    }
    orphans.is_empty()
}

fn orphans(started: &BTreeSet<i32>) -> Vec<Pid> {
    let (times, (name, value)) = (CpuTimes::read(), engine_marker());
    let values = BTreeSet::from([value]);
    let adopted = times.children(getpid()).into_iter();
    let adopted = adopted.filter(|id| !started.contains(id) && !process_tree::is_marked(*id, &name, &values));
    adopted.flat_map(|id| times.with_descendants(Pid::from_raw(id)).pids).map(Pid::from_raw).collect()
}
