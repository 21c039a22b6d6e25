//! `ecsws` runs services on Amazon ECS: synth, diff, deploy, logs, scale and status in one binary, with an AWS to try them on inside.
//!
//! [`main`] is the one place where an error becomes text and an exit code. Arrows between the modules point one way;
//! `tests/it/architecture.rs` checks them.

pub mod aws;
pub mod commands;
mod complete;
pub mod context;
pub mod error;
pub mod exit;
pub mod hint;
pub mod interrupts;
pub mod model;
pub mod ops;
pub mod project;
pub mod render;
pub mod settings;
pub mod stack;
pub mod when;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use commands::{Cli, Outcome};
use context::Context;
use exit::Exit;
use settings::Surroundings;

/// Answers a shell's completion request, or parses the command line and runs it.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    settings::drop_empty_aws_variables();
    complete::answer(Cli::command, commands::COMPLETION_VARIABLE);
    let cli = Cli::try_parse().unwrap_or_else(|error| commands::without_destructive_suggestions(error).exit());
    let surroundings = match Surroundings::of_this_process() {
        Ok(surroundings) => surroundings,
        Err(error) => return render::without_ui(Exit::Failed, &format!("the working folder cannot be found: {error}")),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return render::without_ui(Exit::Failed, &format!("threads cannot be started: {error}")),
    };
    let settings = match settings::resolve(cli.global.clone(), surroundings) {
        Ok(settings) => settings,
        Err(error) => return render::without_ui(Exit::Usage, &error.to_string()),
    };
    let mut ctx = Context::new(settings);
    let interrupts = ctx.interrupts.clone();
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = commands::run(cli, &mut ctx) => ended,
            () = interrupts.unclaimed() => Ok(Outcome::Interrupted),
        }
    });
    // What still reads from the terminal in the background must not keep the process alive.
    runtime.shutdown_background();
    match ended {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            ctx.ui.error(&error);
            error.exit.into()
        }
    }
}
