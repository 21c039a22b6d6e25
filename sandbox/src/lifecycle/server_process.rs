//! The inner process that serves a sandbox, in the background or in the foreground, and the arguments that start it.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{LifecycleError, Options};
use crate::process::inner::MARKER;
use crate::process::{descriptors, signals};

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

/// Reads the arguments behind the marker.
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

/// Serves until a signal asks this process to end.
pub(crate) fn serve(options: Options) -> Result<(), LifecycleError> {
    // Nothing of the process that started it, such as a lock or the end of a pipeline.
    descriptors::close_inherited();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(LifecycleError::Serve).and_then(|runtime| {
        runtime.block_on(async {
            let shutdown = CancellationToken::new();
            // A handler would end what `nohup` starts.
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            for kind in kinds.into_iter().filter(|kind| !signals::is_ignored(kind.as_raw_value())) {
                let mut signals = signal(kind).map_err(LifecycleError::Serve)?;
                let shutdown = shutdown.clone();
                tokio::spawn(async move {
                    signals.recv().await;
                    shutdown.cancel();
                });
            }
            super::run(options, shutdown).await
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_serves_reads_the_arguments_that_start_it() {
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
