//! The process in the background: where its state is, how it is started, found, stopped and forgotten.
//!
//! A sandbox holds a lock on its state folder for as long as it lives, so that a killed one is never taken for a running
//! one. Its endpoint file stays when it ends: the next one has the same credentials and, when it is free, the same port.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use super::client::{ControlError, Endpoint};
use super::tasks::engine;
use super::world::clock::Clock;
use super::{Config, auth};

const ENDPOINT_FILE: &str = "endpoint.json";
const RUNNING_LOCK: &str = "running.lock";
const STARTING_LOCK: &str = "starting.lock";
const LOG_FILE: &str = "sandbox.log";
/// What a sandbox puts into its folder besides the locks: `reset` removes these and nothing else.
const CONTENTS: &[&str] = &["world.redb", ENDPOINT_FILE, LOG_FILE, engine::ENGINES_FILE];
/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// What a sandbox is started with, by whoever starts it.
#[derive(Debug, Clone)]
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

/// The parts of the environment that say where state is kept.
#[derive(Debug, Clone, Default)]
pub struct StateHome {
    /// `ECSWS_SANDBOX_DIR`: the whole folder.
    pub sandbox_dir: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

/// Why a sandbox could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// Neither `HOME` nor any of the variables that stand in for it is set.
    #[error("no place for the sandbox's state: set HOME, XDG_STATE_HOME or ECSWS_SANDBOX_DIR")]
    NoStateHome,
    /// A file of the state folder.
    #[error("{path}: {source}")]
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

impl StateHome {
    /// The state folder of an account's sandbox in a region.
    pub fn state_dir(&self, account: &str, region: &str) -> Result<PathBuf, LifecycleError> {
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(wrong) = [(is_account, account), (is_region(region), region)].iter().find(|(right, _)| !right) {
            return Err(LifecycleError::NotAPlace(wrong.1.to_owned()));
        }
        if let Some(folder) = &self.sandbox_dir {
            return Ok(folder.clone());
        }
        let in_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
        let home = self.xdg_state_home.clone().or_else(|| Some(self.home.as_ref()?.join(in_home)));
        Ok(home.ok_or(LifecycleError::NoStateHome)?.join("ecsws/sandbox").join(account).join(region))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> LifecycleError {
    let path = path.to_owned();
    |source| LifecycleError::File { path, source }
}

/// Letters, digits and hyphens: at least two hyphens, a number at the end.
fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let words =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    parts.len() >= 3
        && parts.iter().all(words)
        && parts.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Makes the folder, for its owner only. A folder that holds something else is left as it is.
fn prepare(folder: &Path) -> Result<(), LifecycleError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
    if !is_ours(folder) {
        return Err(LifecycleError::NotOurs(folder.to_owned()));
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(at(folder))
}

/// A sandbox's folder has its locks in it, or nothing yet.
fn is_ours(folder: &Path) -> bool {
    let locked = [RUNNING_LOCK, STARTING_LOCK].iter().any(|name| folder.join(name).exists());
    locked || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn open_lock(folder: &Path, name: &str) -> Result<File, LifecycleError> {
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(at(&path))
}

fn try_lock(file: &File, path: &Path) -> Result<bool, LifecycleError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(at(path)(source)),
    }
}

/// Whether a process serves this folder's state.
fn is_served(folder: &Path) -> Result<bool, LifecycleError> {
    if !folder.join(RUNNING_LOCK).exists() {
        return Ok(false);
    }
    Ok(!try_lock(&open_lock(folder, RUNNING_LOCK)?, folder)?)
}

fn read_endpoint(folder: &Path) -> Option<Endpoint> {
    serde_json::from_slice(&fs::read(folder.join(ENDPOINT_FILE)).ok()?).ok()
}

/// Writes the endpoint file in one step: it is read by other processes at any moment.
fn write_endpoint(folder: &Path, endpoint: &Endpoint) -> Result<(), LifecycleError> {
    let (path, draft) = (folder.join(ENDPOINT_FILE), folder.join("endpoint.json.new"));
    let mut file =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft).map_err(at(&draft))?;
    let text = json!(endpoint).to_string();
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(at(&draft))?;
    fs::rename(&draft, &path).map_err(at(&path))
}

/// Serves until `shutdown` is cancelled: the whole life of a sandbox's process.
pub async fn run(options: Options, shutdown: CancellationToken) -> Result<(), LifecycleError> {
    let folder = options.state_dir.clone();
    prepare(&folder)?;
    if is_in_background(&folder) {
        // Ctrl-C and the terminal of the command that started it are not meant for it, nor for its tasks.
        let _ = nix::unistd::setsid();
    }
    let lock = open_lock(&folder, RUNNING_LOCK)?;
    if !try_lock(&lock, &folder)? {
        return Err(LifecycleError::AlreadyRunning(folder));
    }
    let earlier = read_endpoint(&folder);
    let listener = bind(earlier.as_ref()).await.map_err(LifecycleError::Serve)?;
    let credentials = earlier.map_or_else(auth::Credentials::random, |endpoint| endpoint.credentials);
    let endpoint = Endpoint {
        url: format!("http://{}", listener.local_addr().map_err(LifecycleError::Serve)?),
        credentials: credentials.clone(),
        account: options.account.clone(),
        region: options.region.clone(),
        pid: std::process::id(),
        started_at: Clock::new(1.0).now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    write_endpoint(&folder, &endpoint)?;
    let Options { account, region, state_dir, speed, host_exec } = options;
    let config = Config { account, region, state_dir, credentials, speed, host_exec };
    super::serve(listener, shutdown, config).await.map_err(LifecycleError::Serve)
}

/// Whether [`spawn`] started this process: only then is its stderr the folder's log.
fn is_in_background(folder: &Path) -> bool {
    let log = nix::sys::stat::stat(&folder.join(LOG_FILE));
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
    let folder = &options.state_dir;
    prepare(folder)?;
    let starting = open_lock(folder, STARTING_LOCK)?;
    wait_until(|| try_lock(&starting, folder))
        .await?
        .then_some(())
        .ok_or_else(|| LifecycleError::DidNotStart("another command has been starting it for too long".into()))?;
    if let Some((endpoint, _)) = status(folder).await? {
        return Ok(endpoint);
    }
    let mut child = spawn(program, options)?;
    answered(folder, &mut child).await
}

fn spawn(program: &Path, options: &Options) -> Result<Child, LifecycleError> {
    let log = options.state_dir.join(LOG_FILE);
    let stderr = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&log).map_err(at(&log))?;
    let mut command = Command::new(program);
    command.args(["sandbox", "start", "--foreground", "--state-dir"]).arg(&options.state_dir);
    command.args(["--account", &options.account, "--region", &options.region, "--speed", &options.speed.to_string()]);
    if !options.host_exec {
        command.arg("--no-host-exec");
    }
    // It takes a session of its own once it runs, which the leader of a process group could not.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    command.spawn().map_err(at(program))
}

/// Waits until the new process answers, or tells why it ended.
async fn answered(folder: &Path, child: &mut Child) -> Result<Endpoint, LifecycleError> {
    let clock = Clock::new(1.0);
    let deadline = clock.now() + PATIENCE;
    while clock.now() < deadline {
        if let Some(endpoint) = read_endpoint(folder).filter(|endpoint| endpoint.pid == child.id())
            && endpoint.call("Status", &json!({}), clock.now()).await.is_ok()
        {
            return Ok(endpoint);
        }
        if child.try_wait().map_err(at(folder))?.is_some() {
            let log = fs::read(folder.join(LOG_FILE)).unwrap_or_default();
            return Err(LifecycleError::DidNotStart(String::from_utf8_lossy(&log).trim().to_owned()));
        }
        clock.sleep(POLL).await;
    }
    // It is of no use to anybody; that it has ended by itself by now is as good.
    drop(child.kill());
    Err(LifecycleError::DidNotStart("it does not answer".into()))
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

/// The sandbox that serves this folder's state and what it says of itself; `None` when none runs.
pub async fn status(folder: &Path) -> Result<Option<(Endpoint, Value)>, LifecycleError> {
    if !is_served(folder)? {
        return Ok(None);
    }
    let Some(endpoint) = read_endpoint(folder) else { return Ok(None) };
    let status = endpoint.call("Status", &json!({}), Clock::new(1.0).now()).await?;
    Ok(Some((endpoint, status)))
}

/// Ends the sandbox of this folder, and waits for it; false when none runs.
pub async fn stop(folder: &Path) -> Result<bool, LifecycleError> {
    let Some((endpoint, _)) = status(folder).await? else { return Ok(false) };
    endpoint.call("Shutdown", &json!({}), Clock::new(1.0).now()).await?;
    if wait_until(|| Ok(!is_served(folder)?)).await? {
        Ok(true)
    } else {
        Err(LifecycleError::DoesNotStop(endpoint.pid))
    }
}

/// Ends the sandbox of this folder and forgets everything that it knows.
pub async fn reset(folder: &Path) -> Result<(), LifecycleError> {
    if folder.exists() && !is_ours(folder) {
        return Err(LifecycleError::NotOurs(folder.to_owned()));
    }
    stop(folder).await?;
    // Those that a killed sandbox left: nobody would know of them any more.
    engine::remove_all(folder, |_| false).await;
    for name in CONTENTS {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path)(error)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_could_leave_the_state_folder_are_refused() {
        let home = StateHome { home: Some("/home/a".into()), ..StateHome::default() };
        assert!(home.state_dir("123456789012", "us-gov-west-1").is_ok());
        for (account, region) in
            [("12", "us-east-1"), ("123456789012", "../../x"), ("123456789012", "us east"), ("123456789012", "")]
        {
            assert!(matches!(home.state_dir(account, region), Err(LifecycleError::NotAPlace(_))), "{account} {region}");
        }
    }

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
}
