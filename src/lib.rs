//! `ecsws` runs services on Amazon ECS: synth, diff, deploy, logs, scale and status in one binary, with an AWS to try them on inside.
//!
//! [`main`] is the one place where an error becomes text and an exit code. Arrows between the modules point one way;
//! `tests/it/architecture.rs` checks them.

use std::process::ExitCode;

pub mod aws;
pub mod commands;
pub mod error;
pub mod exit;
pub mod ops;
pub mod render;
pub mod sandbox;
pub mod settings;
pub mod stack;

use clap::Parser as _;

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    match commands::run(cli) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            exit::Exit::Failed.into()
        }
    }
}
