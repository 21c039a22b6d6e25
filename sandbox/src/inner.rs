//! The inner processes of a sandbox: the server in the background, and what stands around and in its tasks.
//!
//! A sandbox starts them from the program that contains it. Such a program calls [`inner()`] first thing in `main`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::lifecycle::{self, LifecycleError, Options};
use crate::tasks::stand_in::{self, StandIn};
use crate::tasks::{descriptors, launch, shim};

/// The first argument of every inner process.
const MARKER: &str = "sandbox-inner";

/// Runs this process to its end if it is an inner process of a sandbox, as its arguments say; otherwise does nothing.
///
/// `arguments` are those of the process, with the program's name first.
pub fn inner(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != MARKER {
        return None;
    }
    let arguments: Vec<OsString> = arguments.collect();
    Some(match Inner::parse(&arguments) {
        Some(inner) => inner.run(),
        None => fail(&format!(
            "{MARKER} starts the sandbox's own processes, and these are not their arguments: {arguments:?}"
        )),
    })
}

/// An inner process.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Inner {
    /// Serves a sandbox.
    Serve(Options),
    /// Stands between the sandbox and one task's process.
    TaskShim,
    /// Becomes a task's process.
    TaskLaunch {
        /// The process id of its shim.
        shim: i32,
    },
    /// Answers like the workshop's Node.js backend.
    StandIn(StandIn),
}

impl Inner {
    /// The command that starts it from `program`.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(self.arguments());
        command
    }

    /// Its arguments, without the program's name. [`Self::parse`] reads them.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let rest: Vec<OsString> = match self {
            Self::Serve(Options { account, region, state_dir, speed, host_exec }) => vec![
                "serve".into(),
                state_dir.into(),
                account.into(),
                region.into(),
                speed.to_string().into(),
                host_exec.to_string().into(),
            ],
            Self::TaskShim => vec!["task-shim".into()],
            Self::TaskLaunch { shim } => vec!["task-launch".into(), shim.to_string().into()],
            Self::StandIn(StandIn { port, cpu, address, zone, image }) => {
                vec![
                    "stand-in".into(),
                    port.to_string().into(),
                    cpu.to_string().into(),
                    address.into(),
                    zone.into(),
                    image.into(),
                ]
            }
        };
        std::iter::once(MARKER.into()).chain(rest).collect()
    }

    fn parse(arguments: &[OsString]) -> Option<Self> {
        let text = |argument: &OsStr| argument.to_str().map(str::to_owned);
        Some(match arguments {
            [kind, state_dir, account, region, speed, host_exec] if kind == "serve" => Self::Serve(Options {
                account: text(account)?,
                region: text(region)?,
                state_dir: state_dir.into(),
                speed: text(speed)?.parse().ok()?,
                host_exec: text(host_exec)?.parse().ok()?,
            }),
            [kind] if kind == "task-shim" => Self::TaskShim,
            [kind, shim] if kind == "task-launch" => Self::TaskLaunch { shim: text(shim)?.parse().ok()? },
            [kind, port, cpu, address, zone, image] if kind == "stand-in" => Self::StandIn(StandIn {
                port: text(port)?.parse().ok()?,
                cpu: text(cpu)?.parse().ok()?,
                address: text(address)?,
                zone: text(zone)?,
                image: text(image)?,
            }),
            _ => return None,
        })
    }

    fn run(&self) -> ExitCode {
        match self {
            Self::Serve(options) => serve(options.clone()),
            Self::TaskShim => shim::main(),
            Self::TaskLaunch { shim } => launch::main(*shim),
            Self::StandIn(stand_in) => stand_in::main(stand_in),
        }
    }
}

/// Serves until a signal asks this process to end.
fn serve(options: Options) -> ExitCode {
    // Nothing of the process that started it, such as a lock or the end of a pipeline.
    descriptors::close_inherited();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let served = runtime.map_err(LifecycleError::Serve).and_then(|runtime| {
        runtime.block_on(async {
            let shutdown = CancellationToken::new();
            for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
                let mut signals = signal(kind).map_err(LifecycleError::Serve)?;
                let shutdown = shutdown.clone();
                tokio::spawn(async move {
                    signals.recv().await;
                    shutdown.cancel();
                });
            }
            lifecycle::run(options, shutdown).await
        })
    });
    served.map_or_else(|error| fail(&error.to_string()), |()| ExitCode::SUCCESS)
}

fn fail(message: &str) -> ExitCode {
    // Without a stderr that takes it, the exit code remains.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_inner_process_reads_the_arguments_that_start_it() {
        let options = Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: std::path::PathBuf::from(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(
                b"/tmp/\xff".to_vec(),
            )),
            speed: 2.5,
            host_exec: false,
        };
        let stand_in = StandIn {
            port: 3000,
            cpu: 256,
            address: "10.0.0.7".to_owned(),
            zone: "us-east-1a".to_owned(),
            image: "--image".to_owned(),
        };
        for inner in [Inner::Serve(options), Inner::TaskShim, Inner::TaskLaunch { shim: 7 }, Inner::StandIn(stand_in)] {
            let arguments = inner.arguments();
            assert_eq!(arguments[0], MARKER);
            assert_eq!(Inner::parse(&arguments[1..]), Some(inner));
        }
    }

    #[test]
    fn other_arguments_are_left_to_the_program() {
        for arguments in [&[][..], &["ecsws"], &["ecsws", "sandbox"], &["ecsws", "deploy", MARKER]] {
            assert!(inner(arguments.iter().map(OsString::from)).is_none(), "{arguments:?}");
        }
    }
}
