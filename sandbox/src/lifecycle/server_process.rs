//! The inner process that serves a sandbox, in the background or in the foreground, and the arguments that start it.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::folder::{self, RUNNING_LOCK, open_lock, prepare, read_endpoint};
use super::{Endpoint, LifecycleError, Options, background_start, serve_in_this_process};
use crate::base::clock::Clock;
use crate::base::request_log;
use crate::process::inner_args::MARKER;
use crate::process::{self, descriptors, own_executable, signals};
use crate::store::StoreError;
use crate::{Config, auth};

/// The threads that serve requests. Work that takes long or waits for the disk moves to others.
const WORKERS: usize = 4;
/// When a process that was asked to stop ends, even if its threads hang. Longer than the server waits for its background work, and shorter
/// than the command that stops it waits.
const STOP_TIMEOUT: Duration = Duration::from_secs(18);

/// The command that serves with `options`, started from `program`.
pub(super) fn command(program: &Path, options: &Options) -> Command {
    let mut command = Command::new(program);
    command.args(arguments(options));
    command
}

fn arguments(Options { account, region, state_dir, speed, host_exec }: &Options) -> [OsString; 7] {
    [
        MARKER.into(),
        "serve".into(),
        state_dir.into(),
        account.into(),
        region.into(),
        speed.to_string().into(),
        host_exec.to_string().into(),
    ]
}

/// Parses the arguments after the marker.
pub(crate) fn parse(arguments: &[OsString]) -> Option<Options> {
    let text = |argument: &OsStr| argument.to_str().map(str::to_owned);
    match arguments {
        [kind, state_dir, account, region, speed, host_exec] if kind == "serve" => Some(Options {
            account: text(account)?,
            region: text(region)?,
            state_dir: state_dir.into(),
            speed: text(speed)?.parse().ok()?,
            host_exec: text(host_exec)?.parse().ok()?,
        }),
        _ => None,
    }
}

/// Serves until this process gets a signal to end. Signals and the deadline of a stop are handled on this thread, so that they do not
/// depend on the server's.
pub(crate) fn serve(options: Options) -> Result<(), LifecycleError> {
    // Files of the process that started it, such as a lock or the end of a pipeline.
    descriptors::close_inherited();
    let server = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let this_thread = Builder::new_current_thread().enable_all().build();
    let (server, this_thread) = server.and_then(|server| Ok((server, this_thread?))).map_err(LifecycleError::Serve)?;
    let shutdown = CancellationToken::new();
    let result = this_thread.block_on(async {
        cancel_on_signals(&shutdown).map_err(LifecycleError::Serve)?;
        let serving = server.spawn(run(options, shutdown.clone()));
        until_stopped(serving, &shutdown, STOP_TIMEOUT).await
    });
    // Threads that hang must not keep the process alive. Shims end their tasks when it has ended.
    server.shutdown_background();
    result
}

/// Waits until the server ends, but no longer than `timeout` after `shutdown` is cancelled.
async fn until_stopped(
    serving: JoinHandle<Result<(), LifecycleError>>,
    shutdown: &CancellationToken,
    timeout: Duration,
) -> Result<(), LifecycleError> {
    let deadline = async {
        shutdown.cancelled().await;
        tokio::time::sleep(timeout).await;
    };
    tokio::select! {
        served = serving => served.unwrap_or_else(|panic| Err(LifecycleError::Serve(io::Error::other(panic)))),
        () = deadline => Err(LifecycleError::Serve(io::Error::new(io::ErrorKind::TimedOut, "it did not stop in time"))),
    }
}

fn cancel_on_signals(shutdown: &CancellationToken) -> io::Result<()> {
    // An ignored signal stays ignored, as with `nohup`.
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    for kind in kinds.into_iter().filter(|kind| !signals::is_ignored(kind.as_raw_value())) {
        let mut signals = signal(kind)?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            signals.recv().await;
            shutdown.cancel();
        });
    }
    Ok(())
}

/// Serves until `shutdown` is cancelled: the whole life of a sandbox's process.
async fn run(options: Options, shutdown: CancellationToken) -> Result<(), LifecycleError> {
    let is_in_background = is_in_background(&options.state_dir);
    let result = if is_in_background && background_start::ignores_signals() {
        std::env::current_exe()
            .map_err(LifecycleError::Serve)
            .and_then(|program| Err(serve_in_this_process(&program, &options)))
    } else {
        serve_folder(options, shutdown, is_in_background).await
    };
    if let Err(error) = &result
        && is_in_background
    {
        // The command that started it reads this. If it has ended, the error is in the log too.
        drop(match error {
            LifecycleError::UnusableState(reason) => write!(io::stdout(), "{reason}"),
            error => write!(io::stdout(), "{error}"),
        });
    }
    result
}

fn open_error(error: io::Error) -> LifecycleError {
    match error.downcast::<StoreError>() {
        Ok(error) if error.needs_reset() => LifecycleError::UnusableState(error.to_string()),
        Ok(error) => LifecycleError::Serve(io::Error::other(error)),
        Err(error) => LifecycleError::Serve(error),
    }
}

async fn serve_folder(
    options: Options,
    shutdown: CancellationToken,
    is_in_background: bool,
) -> Result<(), LifecycleError> {
    let folder = options.state_dir.clone();
    prepare(&folder)?;
    if is_in_background {
        // Ctrl-C and the terminal of the command that started it must not reach it or its tasks.
        let _ = nix::unistd::setsid();
    }
    // Files of the sandbox and of its tasks are not writable by others, regardless of the umask of the command that started it.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    process::adopt_orphans();
    let lock = open_lock(&folder, RUNNING_LOCK)?;
    if !folder::claim(&lock, &folder).await? {
        return Err(LifecycleError::AlreadyRunning(folder));
    }
    let previous = read_endpoint(&folder)?;
    let listener = bind(previous.as_ref()).await.map_err(LifecycleError::Serve)?;
    // Credentials that others could read are replaced.
    let reusable = previous.filter(|_| folder::is_secret(&folder));
    let new_secret = || auth::Credentials::random().secret_access_key;
    let (credentials, control_secret) = match reusable {
        // Older versions had no secret for control calls.
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
    let sandbox = crate::registry::open(config, shutdown.clone()).map_err(open_error)?;
    if is_in_background {
        background_start::close_output().map_err(LifecycleError::Serve)?;
    }
    let serving = crate::server::serve(listener, &sandbox);
    tokio::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        () = folder::wait_until_gone(&folder, &lock) => {
            shutdown.cancel();
            serving.await
        }
    };
    served.map_err(LifecycleError::Serve)
}

/// Whether [`background_start::spawn`] started this process: only then is its stderr the folder's log, and its stdout read by the command that
/// started it.
fn is_in_background(folder: &Path) -> bool {
    let log = nix::sys::stat::stat(&folder.join(request_log::LOG_FILE));
    let stderr = nix::sys::stat::fstat(io::stderr());
    log.is_ok_and(|log| stderr.is_ok_and(|stderr| (log.st_dev, log.st_ino) == (stderr.st_dev, stderr.st_ino)))
}

/// Listens on the previous sandbox's address, or on another port if that is taken.
async fn bind(previous: Option<&Endpoint>) -> io::Result<TcpListener> {
    if let Some(endpoint) = previous
        && let Ok(listener) = TcpListener::bind(endpoint.host()).await
        && listener.local_addr().is_ok_and(|address| address.ip().is_loopback())
    {
        return Ok(listener);
    }
    TcpListener::bind(("127.0.0.1", 0)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_whose_threads_hang_ends_at_the_deadline() {
        let server = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let this_thread = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (release, hung) = std::sync::mpsc::channel::<()>();
        let serving = server.spawn(async move { hung.recv().map_or(Ok(()), |()| Ok(())) });
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let stopped = this_thread.block_on(until_stopped(serving, &shutdown, Duration::from_millis(10)));
        server.shutdown_background();
        assert!(matches!(stopped, Err(LifecycleError::Serve(error)) if error.kind() == io::ErrorKind::TimedOut));
        drop(release);
    }

    #[test]
    fn the_server_process_parses_the_arguments_that_start_it() {
        let options = Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: std::path::PathBuf::from(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(
                b"/tmp/\xff".to_vec(),
            )),
            speed: 2.5,
            host_exec: false,
        };
        assert_eq!(parse(&arguments(&options)[1..]), Some(options));
    }
}
