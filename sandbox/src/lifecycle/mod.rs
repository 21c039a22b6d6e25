//! The process in the background: where its state is, how it is started, found, stopped and forgotten.
//!
//! A sandbox holds a lock on its state folder for as long as it lives, so that a killed one is never taken for a running
//! one. Its endpoint file stays when it ends: the next one has the same credentials and, when it is free, the same port.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod folder;
mod home;
pub(crate) mod server_process;
mod start;
mod trust;

pub use super::client::{ControlError, Endpoint};
use super::{Config, auth};
use crate::base::clock::Clock;
use crate::base::request_log;
use crate::process::{self, engine, own_executable};
pub use folder::check;
use folder::{
    CONTENTS, ENDPOINT_FILE, FOLDERS, RUNNING_LOCK, STARTING_LOCK, at, is_served, open_lock, prepare, read_endpoint,
    try_lock,
};
pub use home::StateHome;
pub use start::serve_in_this_process;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);
/// How long a sandbox that holds its lock may take to answer.
const STARTING: Duration = Duration::from_secs(5);

/// What a sandbox is started with, by whoever starts it.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The account of the sandbox: twelve digits.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The folder of its state.
    pub state_dir: PathBuf,
    /// How many times faster than the clock it waits.
    pub speed: f64,
    /// Whether commands from requests may run on this machine.
    pub host_exec: bool,
}

/// Why a sandbox could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// Neither `HOME` nor any of the variables that stand in for it is set.
    #[error("no place for the sandbox's state: set HOME, XDG_STATE_HOME or ECSWS_SANDBOX_DIR")]
    NoStateHome,
    /// A file of the state folder.
    #[error("the sandbox cannot use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The account is not twelve digits, or the region no region's name; both are part of a path.
    #[error("`{0}` is not an account (twelve digits) or region (such as us-east-1)")]
    NotAPlace(String),
    /// The folder holds something else.
    #[error("{0} is not empty and not a sandbox's folder: choose another one")]
    NotOurs(PathBuf),
    /// The state folder, an entry of it or a parent folder belongs to another user.
    #[error("{path} belongs to {owner}, not to {user}: remove it, or choose another folder with ECSWS_SANDBOX_DIR")]
    NotOwner {
        /// The path.
        path: PathBuf,
        /// The owner's name and uid.
        owner: String,
        /// This process's user.
        user: String,
    },
    /// The state folder, an entry of it or a parent folder is writable by other users.
    #[error(
        "other users can change {path} (mode {mode:o}): close it with `chmod go-w`, or choose another folder with ECSWS_SANDBOX_DIR"
    )]
    Exposed {
        /// The path.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Other users can read the sandbox's keys.
    #[error(
        "other users can read {0}, which holds the sandbox's keys: stop the sandbox, and the next start makes new ones"
    )]
    Readable(PathBuf),
    /// What should be a file of the sandbox leads elsewhere.
    #[error("{0} is a link, and the sandbox follows none: remove it")]
    Link(PathBuf),
    /// Another process serves this state.
    #[error("a sandbox is already running on {0}")]
    AlreadyRunning(PathBuf),
    /// The process in the background ended instead of answering.
    #[error("the sandbox did not start: {0}")]
    DidNotStart(String),
    /// It does not end.
    #[error("the sandbox (process {0}) does not stop")]
    DoesNotStop(u32),
    /// It was asked and did not answer well.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The server failed.
    #[error("the sandbox failed: {0}")]
    Serve(io::Error),
}

/// Serves until `shutdown` is cancelled: the whole life of a sandbox's process.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), LifecycleError> {
    let is_in_background = is_in_background(&options.state_dir);
    let ended = if is_in_background && start::ignores_signals() {
        std::env::current_exe()
            .map_err(LifecycleError::Serve)
            .and_then(|program| Err(serve_in_this_process(&program, &options)))
    } else {
        live(options, shutdown, is_in_background).await
    };
    if let Err(error) = &ended
        && is_in_background
    {
        // Whoever started it and has gone meanwhile finds it in the log.
        drop(write!(io::stdout(), "{error}"));
    }
    ended
}

async fn live(options: Options, shutdown: CancellationToken, is_in_background: bool) -> Result<(), LifecycleError> {
    let folder = options.state_dir.clone();
    prepare(&folder)?;
    if is_in_background {
        // Ctrl-C and the terminal of the command that started it are not meant for it, nor for its tasks.
        let _ = nix::unistd::setsid();
    }
    // Whatever the command that started it allows others, files of the sandbox and of its tasks are not theirs to change.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    process::adopt_orphans();
    let lock = open_lock(&folder, RUNNING_LOCK)?;
    if !folder::claim(&lock, &folder).await? {
        return Err(LifecycleError::AlreadyRunning(folder));
    }
    let earlier = read_endpoint(&folder)?;
    let listener = bind(earlier.as_ref()).await.map_err(LifecycleError::Serve)?;
    // Credentials that others could read are not secret any more.
    let kept = earlier.filter(|_| folder::is_secret(&folder));
    let new_secret = || auth::Credentials::random().secret_access_key;
    let (credentials, control_secret) = match kept {
        // An older version had no secret for control calls.
        Some(Endpoint { credentials, control_secret, .. }) if control_secret.is_empty() => (credentials, new_secret()),
        Some(Endpoint { credentials, control_secret, .. }) => (credentials, control_secret),
        None => (auth::Credentials::random(), new_secret()),
    };
    let endpoint = Endpoint {
        url: format!("http://{}", listener.local_addr().map_err(LifecycleError::Serve)?),
        credentials: credentials.clone(),
        control_secret: control_secret.clone(),
        account: options.account.clone(),
        region: options.region.clone(),
        pid: std::process::id(),
        started_at: Clock::new(1.0).now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    folder::write_endpoint(&folder, &endpoint)?;
    let Options { account, region, state_dir, speed, host_exec } = options;
    let program = own_executable().map_err(LifecycleError::Serve)?;
    let config = Config { account, region, state_dir, credentials, control_secret, program, speed, host_exec };
    let sandbox = crate::open(config, shutdown.clone()).map_err(LifecycleError::Serve)?;
    if is_in_background {
        start::close_output().map_err(LifecycleError::Serve)?;
    }
    let serving = super::serve(listener, &sandbox);
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = folder::is_gone(&folder, &lock) => {
            shutdown.cancel();
            serving.await
        }
    };
    served.map_err(LifecycleError::Serve)
}

/// Whether [`start::spawn`] started this process: only then is its stderr the folder's log, and its stdout read by who started it.
fn is_in_background(folder: &Path) -> bool {
    let log = nix::sys::stat::stat(&folder.join(request_log::FILE));
    let stderr = nix::sys::stat::fstat(io::stderr());
    log.is_ok_and(|log| stderr.is_ok_and(|stderr| (log.st_dev, log.st_ino) == (stderr.st_dev, stderr.st_ino)))
}

async fn bind(earlier: Option<&Endpoint>) -> io::Result<TcpListener> {
    if let Some(endpoint) = earlier
        && let Ok(listener) = TcpListener::bind(endpoint.host()).await
        && listener.local_addr().is_ok_and(|address| address.ip().is_loopback())
    {
        return Ok(listener);
    }
    TcpListener::bind(("127.0.0.1", 0)).await
}

/// The sandbox of these options: the one that runs, or else a new one in the background, started from `program`.
pub async fn ensure_running(program: &Path, options: &Options) -> Result<Endpoint, LifecycleError> {
    start(program, options).await.map(|(endpoint, _)| endpoint)
}

/// The same, and what it says of itself: a moment later somebody may have stopped it.
pub async fn start(program: &Path, options: &Options) -> Result<(Endpoint, Value), LifecycleError> {
    let folder = &options.state_dir;
    prepare(folder)?;
    let _starting = starting(folder).await?;
    if let Some(found) = status(folder).await? {
        return Ok(found);
    }
    let said_before = fs::metadata(folder.join(request_log::FILE)).map_or(0, |log| log.len());
    let mut child = start::spawn(program, options)?;
    start::answered(folder, &mut child, said_before).await
}

async fn wait_until(mut done: impl FnMut() -> Result<bool, LifecycleError>) -> Result<bool, LifecycleError> {
    let clock = Clock::new(1.0);
    let deadline = clock.now() + PATIENCE;
    while clock.now() < deadline {
        if done()? {
            return Ok(true);
        }
        clock.sleep(POLL).await;
    }
    Ok(false)
}

/// The sandbox that serves this folder's state and what it says of itself; `None` when none runs. One whose keys others can read is
/// refused.
pub async fn status(folder: &Path) -> Result<Option<(Endpoint, Value)>, LifecycleError> {
    let found = find(folder).await?;
    if found.is_some() && !folder::is_secret(folder) {
        return Err(LifecycleError::Readable(folder.join(ENDPOINT_FILE)));
    }
    Ok(found)
}

async fn find(folder: &Path) -> Result<Option<(Endpoint, Value)>, LifecycleError> {
    folder::check(folder)?;
    let clock = Clock::new(1.0);
    let (deadline, end) = (clock.now() + STARTING, clock.now() + PATIENCE);
    loop {
        if !is_served(folder)? {
            return Ok(None);
        }
        // One that is just starting has its lock before its endpoint, and its endpoint before it answers.
        let called = match read_endpoint(folder)? {
            Some(endpoint) => Some(endpoint.call("Status", &json!({}), clock.now()).await.map(|said| (endpoint, said))),
            None => None,
        };
        match called {
            Some(Ok(found)) => return Ok(Some(found)),
            // One that is just ending listens no more, and has its lock until its tasks are stopped.
            Some(Err(error)) if error.is_refusal_to_connect() && clock.now() < end => clock.sleep(POLL).await,
            Some(Err(error)) if clock.now() >= deadline => return Err(error.into()),
            None if clock.now() >= deadline => return Ok(None),
            _ => clock.sleep(POLL).await,
        }
    }
}

/// Ends the sandbox of this folder, and waits for it; false when none runs. One that another command starts is waited for first.
pub async fn stop(folder: &Path) -> Result<bool, LifecycleError> {
    folder::check(folder)?;
    if !folder.join(RUNNING_LOCK).exists() {
        return Ok(false);
    }
    let _starting = starting(folder).await?;
    end(folder).await
}

async fn end(folder: &Path) -> Result<bool, LifecycleError> {
    let Some((endpoint, _)) = find(folder).await? else { return Ok(false) };
    match endpoint.call("Shutdown", &json!({}), Clock::new(1.0).now()).await {
        // One that ends by itself meanwhile is as good.
        Ok(_) | Err(ControlError::Unreachable { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if wait_until(|| Ok(!is_served(folder)?)).await? {
        Ok(true)
    } else {
        Err(LifecycleError::DoesNotStop(endpoint.pid))
    }
}

/// Ends the sandbox of this folder and forgets everything that it knows. Commands that would start it meanwhile wait.
pub async fn reset(folder: &Path) -> Result<(), LifecycleError> {
    if !folder.exists() {
        return Ok(());
    }
    if !folder::is_ours(folder) {
        return Err(LifecycleError::NotOurs(folder.to_owned()));
    }
    folder::check(folder)?;
    let _starting = starting(folder).await?;
    end(folder).await?;
    let running = open_lock(folder, RUNNING_LOCK)?;
    if !folder::claim(&running, folder).await? {
        return Err(LifecycleError::AlreadyRunning(folder.to_owned()));
    }
    // Those that a killed sandbox left: nobody would know of them any more.
    engine::remove_all(folder, |_| false).await;
    for name in CONTENTS {
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

/// Waits until no other command starts or forgets this folder's sandbox, and keeps others from it.
async fn starting(folder: &Path) -> Result<fs::File, LifecycleError> {
    let lock = open_lock(folder, STARTING_LOCK)?;
    let is_mine = wait_until(|| try_lock(&lock, folder)).await?;
    let too_long = || LifecycleError::DidNotStart("another command has been starting it for too long".into());
    is_mine.then_some(lock).ok_or_else(too_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("world.redb");
        fs::File::create(&kept).expect("a file");
        assert!(matches!(prepare(folder.path()), Err(LifecycleError::NotOurs(_))));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        assert!(matches!(runtime.block_on(reset(folder.path())), Err(LifecycleError::NotOurs(_))));
        assert!(kept.exists());
    }

    #[tokio::test]
    async fn looking_whether_a_sandbox_runs_does_not_stop_one_from_starting() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = open_lock(folder.path(), RUNNING_LOCK).expect("a lock");
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let look = || {
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
            threads.spawn(look);
            threads.spawn(look);
            threads.spawn(start).join().expect("it does not panic")
        });
        assert_eq!(failed, 0);
    }
}
