//! `ecsws` runs services on Amazon ECS: synth, diff, deploy, logs, scale and status in one binary, with a built-in local AWS.
//!
//! [`main`] is the one place where an error becomes text and an exit code. Modules depend in one direction;
//! `tests/it/architecture.rs` checks this.

#![cfg_attr(
    not(all(unix, feature = "sandbox")),
    expect(dead_code, unused_imports, reason = "only the sandbox's commands use some views and settings")
)]

mod aws;
mod commands;
mod complete;
mod context;
mod diagnostic;
mod error;
mod exit;
mod hint;
#[expect(missing_docs, reason = "public only for this package's own tests")]
mod model;
#[expect(missing_docs, reason = "public only for this package's own tests")]
mod ops;
mod project;
mod render;
mod settings;
mod shell;
mod similar_names;
#[expect(missing_docs, reason = "public only for this package's own tests and benchmarks")]
pub mod stack;
mod time_args;
mod url;
mod waits;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use commands::Cli;
use context::Context;
use exit::Exit;
use hint::Subcommand;
use settings::{ProcessEnv, Verbosity};

/// The command line, and its subcommand as it was given.
fn parse_command_line() -> Result<(Cli, Subcommand), clap::Error> {
    let matches = Cli::command().try_get_matches()?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut Cli::command()))?;
    Ok((cli, commands::subcommand(&matches)))
}

/// Prints help, the version, or what is wrong on the command line.
fn print_clap_error(error: clap::Error) -> ExitCode {
    let error = commands::without_destructive_suggestions(error);
    let printed = error.print();
    // A failed write to stderr cannot be reported.
    if error.use_stderr() { Exit::Usage.into() } else { exit_code_of_print(printed) }
}

/// The exit code after printing to stdout. A closed pipe is not an error.
fn exit_code_of_print(printed: io::Result<()>) -> ExitCode {
    match printed.and_then(|()| io::stdout().flush()) {
        Err(failure) if failure.kind() != io::ErrorKind::BrokenPipe => {
            startup_error(Exit::Failed, &format!("cannot write to stdout: {failure}"))
        }
        _ => Exit::Done.into(),
    }
}

/// Prints an error from before there are settings.
fn startup_error(exit: Exit, message: &str) -> ExitCode {
    render::print_startup_error(message);
    exit.into()
}

/// Answers a shell's completion request, or parses the command line and runs it.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    settings::drop_empty_aws_variables();
    match complete::respond(Cli::command, commands::COMPLETION_VARIABLE) {
        Ok(false) => {}
        Ok(true) => return Exit::Done.into(),
        // clap's error has no io kind; write again to detect a closed pipe.
        Err(error) => {
            let rewritten = io::stdout().write_all(b"\n").and_then(|()| io::stdout().flush());
            return if rewritten.is_err() { exit_code_of_print(rewritten) } else { print_clap_error(error) };
        }
    }
    let (cli, subcommand) = match parse_command_line() {
        Ok(parsed) => parsed,
        Err(error) => return print_clap_error(error),
    };
    let process_env = match ProcessEnv::current() {
        Ok(process_env) => process_env,
        Err(error) => return startup_error(Exit::Failed, &format!("cannot read the working folder: {error}")),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return startup_error(Exit::Failed, &format!("cannot start threads: {error}")),
    };
    let mut settings = match settings::resolve(cli.global.clone(), process_env) {
        Ok(settings) => settings,
        Err(error) => return startup_error(Exit::Usage, &error.to_string()),
    };
    settings.command_line.subcommand = subcommand;
    let is_quiet = settings.verbosity == Verbosity::Quiet;
    let mut ctx = {
        let _runtime = runtime.enter();
        Context::new(settings)
    };
    let (interrupts, progress, waits) = (ctx.interrupts.clone(), ctx.ui.progress(), ctx.waits.clone());
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(cli, &mut ctx) => ended,
            never = progress.show_waits(waits), if !is_quiet => match never {},
            () = interrupts.wait_without_listener() => Ok(Exit::Interrupted),
        }
    });
    // A blocked read of stdin must not keep the process alive.
    runtime.shutdown_background();
    match ended {
        // A write that an interrupt has ended is no error.
        Ok(Exit::Done) if interrupts.is_pending() => Exit::Interrupted.into(),
        Ok(exit) => exit.into(),
        Err(error) => {
            error.diagnostics.iter().for_each(|diagnostic| ctx.ui.error(diagnostic));
            error.exit.into()
        }
    }
}

/// Items for this package's integration tests; not public API.
#[doc(hidden)]
pub mod testing {
    /// The AWS client layer.
    pub mod aws {
        pub use crate::aws::{Aws, Connection, StaticKeys};
    }
    pub mod diagnostic {
        pub use crate::diagnostic::{Diagnostic, Diagnostics};
    }
    /// Hints with commands.
    pub mod hint {
        pub use crate::hint::{CommandLine, Hint, Subcommand};
    }
    /// Plain values of AWS.
    pub mod model {
        pub use crate::model::{
            Container, Deployment, DiscoveryInstance, DiscoveryService, PlannedChange, ScalableTarget, ScalingActivity,
            ScalingPolicy, ServiceEvent, Stack, StackRequest, StackStatus, Task,
        };
    }
    /// Operations.
    pub mod ops {
        pub use crate::ops::{
            DeployEvent, DeployMethod, DeployRequest, DiffInputs, Execution, Finding, Message, Operation, OpsError,
            PreparedChangeSet, Question, ReadCache, ResourceEvent, RolloutState, ServicePhase, StackDiff, StackInputs,
            StackOutcome, StackUpdate, StateSummary, StatusReport, StoppedCause, TemplateSource, TemporaryChangeSets,
            Timeout, compare, deploy, destroy, locate_service, message_channel, prepare_change_set, rejections,
            rejections_before_change_set, rollout,
        };
    }
    /// Views.
    pub mod render {
        pub use crate::render::{ProgressRows, diff::text, draw};
    }
}
