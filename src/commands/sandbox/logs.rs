//! `ecsws sandbox logs`: prints the sandbox's log.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use ecsws_sandbox::{LogReader, lifecycle};

use crate::context::Context;
use crate::error::CliError;
use crate::hint::Hint;
use crate::render;

/// How often the log is read.
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct SandboxLogsArgs {
    /// Keep printing new lines until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// Print only the last N lines
    #[arg(short = 'n', long, value_name = "N")]
    lines: Option<usize>,
}

pub(super) async fn run(args: SandboxLogsArgs, state_dir: &Path, ctx: &mut Context) -> Result<(), CliError> {
    let SandboxLogsArgs { watch, lines } = args;
    lifecycle::check(state_dir)?;
    let (mut reader, earlier) = LogReader::open(state_dir).map_err(|error| {
        CliError::failed(format!("no log of a sandbox in {}: {error}", state_dir.display()))
            .source(error)
            .hint(Hint::default().then(ctx.settings.sandbox_command("start")).text(" starts one"))
    })?;
    let skipped = lines.map_or(0, |lines| earlier.len().saturating_sub(lines));
    render::sandbox_log(&mut ctx.ui, &earlier[skipped..])?;
    if !watch {
        return Ok(());
    }
    let mut reader_gone = pin!(render::stdout_closed());
    while ctx.ui.can_write() {
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = &mut reader_gone => return Ok(()),
        }
        let fresh = reader.read()?;
        render::sandbox_log(&mut ctx.ui, &fresh)?;
    }
    Ok(())
}
