//! What the sandbox starts this program as: processes of its own, each with a small runtime or none, and no context.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::sandbox::tasks::stand_in::{self, StandIn};
use crate::sandbox::tasks::{launch, shim};

/// The hidden subcommands of `ecsws sandbox`.
#[derive(Debug, Subcommand)]
pub enum InnerCommand {
    /// Stand between the sandbox and one task's process
    #[command(hide = true)]
    TaskShim,
    /// Become a task's process
    #[command(hide = true)]
    TaskLaunch {
        /// The process id of the shim
        shim: i32,
    },
    /// Answer like the workshop's Node.js backend
    #[command(hide = true)]
    StandIn(StandInArgs),
}

/// See [`StandIn`].
#[derive(Debug, Clone, Args)]
pub struct StandInArgs {
    #[arg(long)]
    port: u16,
    #[arg(long, default_value_t = 256)]
    cpu: u32,
    #[arg(long, default_value = "127.0.0.1")]
    address: String,
    #[arg(long, default_value = "us-east-1a")]
    zone: String,
    #[arg(long, default_value = "stand-in")]
    image: String,
}

impl InnerCommand {
    /// Runs it to its end.
    pub fn run(&self) -> ExitCode {
        match self {
            Self::TaskShim => shim::main(),
            Self::TaskLaunch { shim } => launch::main(*shim),
            Self::StandIn(args) => {
                let StandInArgs { port, cpu, address, zone, image } = args.clone();
                stand_in::main(&StandIn { port, cpu, address, zone, image })
            }
        }
    }
}
