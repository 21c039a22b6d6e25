//! A sandbox in the background: starting, finding, stopping and resetting it.
//!
//! A sandbox holds a lock on its state folder while it runs, so that a killed one is not mistaken for a running
//! one. Its endpoint file remains when it ends: the next one has the same credentials and, if it is free, the same port.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod background_start;
mod error;
mod folder;
mod folder_permissions;
mod home;
pub(crate) mod server_process;
mod suspension;

use crate::base::clock::Clock;
use crate::base::request_log;
pub use crate::client::{ControlError, Endpoint};
use crate::control::messages::Status;
use crate::process::container_engine;
pub use background_start::serve_in_this_process;
pub use error::LifecycleError;
pub(crate) use error::UNUSABLE_STATE_EXIT;
pub use folder::check;
use folder::{
    ENDPOINT_FILE, FILES, FOLDERS, RUNNING_LOCK, STARTING_LOCK, at, is_served, open_lock, prepare, read_endpoint,
    try_lock,
};
pub use home::StateHome;
pub use suspension::is_suspended;

/// How long a start or a stop may take.
const STATE_CHANGE_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How long a sandbox that holds its lock may take to respond.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(8);
/// How long one whose process is suspended may take: its process id may be of another process by now.
const SUSPENDED_TIMEOUT: Duration = Duration::from_millis(500);

/// The options that a sandbox is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The account of the sandbox: twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
    /// The folder of its state.
    pub state_dir: PathBuf,
    /// The factor by which waiting is shortened.
    pub speed: f64,
    /// Whether commands from requests may run on this machine.
    pub host_exec: bool,
}

/// Returns the endpoint of the running sandbox, or starts one in the background from `program`.
pub async fn ensure_running(program: &Path, options: &Options) -> Result<Endpoint, LifecycleError> {
    start(program, options).await.map(|(endpoint, _)| endpoint)
}

/// Does the same as [`ensure_running`], and returns the sandbox's status too: another process may stop the sandbox right after.
pub async fn start(program: &Path, options: &Options) -> Result<(Endpoint, Status), LifecycleError> {
    let folder = &options.state_dir;
    prepare(folder)?;
    let _lock = lock_starting(folder).await?;
    if let Some(running) = status(folder).await? {
        return Ok(running);
    }
    let log_length = fs::metadata(folder.join(request_log::LOG_FILE)).map_or(0, |log| log.len());
    let mut child = background_start::spawn(program, options)?;
    background_start::wait_until_ready(folder, &mut child, log_length).await
}

async fn wait_until(mut done: impl FnMut() -> Result<bool, LifecycleError>) -> Result<bool, LifecycleError> {
    let clock = Clock::new(1.0);
    let deadline = clock.now() + STATE_CHANGE_TIMEOUT;
    while clock.now() < deadline {
        if done()? {
            return Ok(true);
        }
        clock.sleep(POLL_INTERVAL).await;
    }
    Ok(false)
}

/// The endpoint and status of the sandbox that serves this folder; `None` if none runs. A sandbox whose keys others can read is
/// refused.
pub async fn status(folder: &Path) -> Result<Option<(Endpoint, Status)>, LifecycleError> {
    let running = find(folder).await?;
    if running.is_some() && !folder::is_secret(folder) {
        return Err(LifecycleError::Readable(folder.join(ENDPOINT_FILE)));
    }
    Ok(running)
}

async fn find(folder: &Path) -> Result<Option<(Endpoint, Status)>, LifecycleError> {
    folder::check(folder)?;
    let clock = Clock::new(1.0);
    let (deadline, end) = (clock.now() + RESPONSE_TIMEOUT, clock.now() + STATE_CHANGE_TIMEOUT);
    loop {
        if !is_served(folder)? {
            return Ok(None);
        }
        // A starting sandbox first has its lock, then its endpoint, and then responds.
        let called = match read_endpoint(folder)? {
            Some(endpoint) => {
                let is_suspended = is_suspended(endpoint.pid);
                let timeout = if is_suspended { SUSPENDED_TIMEOUT } else { RESPONSE_TIMEOUT };
                match tokio::time::timeout(timeout, endpoint.status(clock.now())).await {
                    Ok(status) => Some(status.map(|status| (endpoint, status))),
                    // A starting sandbox has its lock before it replaces the endpoint of the last one.
                    Err(_) if read_endpoint(folder)?.is_none_or(|current| current.pid != endpoint.pid) => continue,
                    Err(_) if is_suspended => return Err(LifecycleError::Suspended(endpoint.pid)),
                    Err(_) => return Err(LifecycleError::Unresponsive(endpoint.pid)),
                }
            }
            None => None,
        };
        match called {
            Some(Ok(running)) => return Ok(Some(running)),
            // An ending sandbox no longer listens, and has its lock until its tasks have stopped.
            Some(Err(error)) if error.is_refusal_to_connect() && clock.now() < end => clock.sleep(POLL_INTERVAL).await,
            Some(Err(error)) if clock.now() >= deadline => return Err(error.into()),
            None if clock.now() >= deadline => return Ok(None),
            _ => clock.sleep(POLL_INTERVAL).await,
        }
    }
}

/// Stops the sandbox of this folder and waits for its end; false if none runs. Waits first for another command that starts it.
pub async fn stop(folder: &Path) -> Result<bool, LifecycleError> {
    folder::check(folder)?;
    if !folder.join(RUNNING_LOCK).exists() {
        return Ok(false);
    }
    let _lock = lock_starting(folder).await?;
    shut_down(folder).await
}

async fn shut_down(folder: &Path) -> Result<bool, LifecycleError> {
    let Some((endpoint, _)) = find(folder).await? else { return Ok(false) };
    match endpoint.shut_down(Clock::new(1.0).now()).await {
        // Unreachable: it has ended by itself.
        Ok(()) | Err(ControlError::Unreachable { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if wait_until(|| Ok(!is_served(folder)?)).await? {
        Ok(true)
    } else {
        Err(LifecycleError::DoesNotStop(endpoint.pid))
    }
}

/// Stops the sandbox of this folder and deletes its state. Commands that would start it wait until then.
pub async fn reset(folder: &Path) -> Result<(), LifecycleError> {
    if !folder.exists() {
        return Ok(());
    }
    if !folder::is_sandbox_folder(folder) {
        return Err(LifecycleError::ForeignFolder(folder.to_owned()));
    }
    folder::check(folder)?;
    let _lock = lock_starting(folder).await?;
    shut_down(folder).await?;
    let running = open_lock(folder, RUNNING_LOCK)?;
    if !folder::claim(&running, folder).await? {
        return Err(LifecycleError::AlreadyRunning(folder.to_owned()));
    }
    // Containers that a killed sandbox left could not be found without the folder.
    container_engine::remove_all(folder, |_| false).await;
    for name in FILES {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path)(error)),
            _ => {}
        }
    }
    for path in FOLDERS.map(|name| folder.join(name)) {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Takes the lock of starting and resetting this folder's sandbox; waits while another command has it.
async fn lock_starting(folder: &Path) -> Result<fs::File, LifecycleError> {
    let lock = open_lock(folder, STARTING_LOCK)?;
    let is_locked = wait_until(|| try_lock(&lock, folder)).await?;
    let too_long = || LifecycleError::DidNotStart("another command has been starting it for too long".into());
    is_locked.then_some(lock).ok_or_else(too_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_files_is_not_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let other_file = folder.path().join("world.redb");
        fs::File::create(&other_file).expect("a file");
        assert!(matches!(prepare(folder.path()), Err(LifecycleError::ForeignFolder(_))));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        assert!(matches!(runtime.block_on(reset(folder.path())), Err(LifecycleError::ForeignFolder(_))));
        assert!(other_file.exists());
    }

    #[tokio::test]
    async fn checking_whether_a_sandbox_runs_does_not_prevent_a_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = open_lock(folder.path(), RUNNING_LOCK).expect("a lock");
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let check = || {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                is_served(folder.path()).expect("it is seen");
            }
        };
        let start = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let starts = (0..300).map(|_| {
                let is_claimed = runtime.block_on(folder::claim(&lock, folder.path())).expect("it is tried");
                let is_seen = is_served(folder.path()).expect("it is seen");
                lock.unlock().expect("it is given back");
                is_claimed && is_seen
            });
            let failed = starts.filter(|is_good| !is_good).count();
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
            failed
        };
        let failed = std::thread::scope(|threads| {
            threads.spawn(check);
            threads.spawn(check);
            threads.spawn(start).join().expect("it does not panic")
        });
        assert_eq!(failed, 0);
    }
}
