//! `ecsws sandbox`: the local AWS.

use std::process::ExitCode;

/// Start, stop and look at the local AWS that `--sandbox` uses.
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {}

/// Runs `ecsws sandbox …`.
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the shape of every command")]
pub fn run(_args: SandboxArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
