//! `ecsws sandbox`: the local AWS.

use std::process::ExitCode;

use crate::sandbox::tasks;

/// Start, stop and look at the local AWS that `--sandbox` uses.
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    #[command(subcommand)]
    action: Action,
}

/// What the sandbox starts itself with; not for people.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Stands between the sandbox and one task's process.
    #[command(hide = true)]
    TaskShim,
    /// Becomes a task's process.
    #[command(hide = true)]
    TaskLaunch {
        /// The process id of the shim.
        shim: i32,
    },
    /// Answers like the workshop's Node.js backend.
    #[command(hide = true)]
    StandIn(StandInArgs),
}

/// See [`tasks::stand_in::StandIn`].
#[derive(Debug, clap::Args)]
struct StandInArgs {
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

/// Runs `ecsws sandbox …`.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every command")]
pub fn run(args: SandboxArgs) -> anyhow::Result<ExitCode> {
    Ok(match args.action {
        Action::TaskShim => tasks::shim::main(),
        Action::TaskLaunch { shim } => tasks::launch::main(shim),
        Action::StandIn(StandInArgs { port, cpu, address, zone, image }) => {
            tasks::stand_in::main(&tasks::stand_in::StandIn { port, cpu, address, zone, image })
        }
    })
}
