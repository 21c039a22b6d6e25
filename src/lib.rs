//! `ecsws` runs services on Amazon ECS: synth, diff, deploy, logs, scale and status in one binary, with an AWS to try them on inside.
//!
//! [`main`] is the one place where an error becomes text and an exit code. Arrows between the modules point one way;
//! `tests/it/architecture.rs` checks them.

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
mod interrupts;
mod model;
mod ops;
mod project;
mod render;
mod settings;
pub mod stack;
mod when;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use commands::Cli;
use context::Context;
use exit::Exit;
use hint::Subcommand;
use settings::ProcessEnv;

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
    // Where stderr cannot be written, there is no place to say so.
    if error.use_stderr() { Exit::Usage.into() } else { exit_code_of_print(printed) }
}

/// How printing to stdout ended. A closed pipe is a reader that has read enough.
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
        // The error has become text. Another attempt to write tells whether the reader is gone.
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
    let mut ctx = Context::new(settings);
    let interrupts = ctx.interrupts.clone();
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(cli, &mut ctx) => ended,
            () = interrupts.unclaimed() => Ok(Exit::Interrupted),
        }
    });
    // What still reads from the terminal in the background must not keep the process alive.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            error.diagnostics.iter().for_each(|diagnostic| ctx.ui.error(diagnostic));
            error.exit.into()
        }
    }
}

/// What this package's own tests use, which are a crate of their own. It is not an interface for others.
#[doc(hidden)]
pub mod testing {
    /// The AWS client layer.
    pub mod aws {
        pub use crate::aws::{Aws, Connection, StaticKeys};
    }
    /// Diagnostics.
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
            Container, Deployment, DiscoveryInstance, DiscoveryService, PlannedChange, ScalableTarget, ScalingPolicy,
            ServiceEvent, Stack, StackRequest, Task,
        };
    }
    /// Operations.
    pub mod ops {
        pub use crate::ops::{
            DeployEvent, DeployMethod, DeployRequest, Desired, Execution, Finding, Limits, Message, Operation,
            OpsError, Prepared, Question, Ready, ResourceEvent, RolloutState, StackDiff, StackInputs, StackOutcome,
            StackUpdate, StatusReport, TemplateSource, compare, deploy, destroy, locate_service, message_channel,
            prepare, rejections, rejections_before_change_set, rollout,
        };
    }
    /// Views.
    pub mod render {
        pub use crate::render::{ProgressRows, diff, draw};
    }
}
