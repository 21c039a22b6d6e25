//! The command table: each row is a file of this folder with its arguments (their doc comments are the help) and its `run`.

mod approval_rules;
mod cancel;
mod choose;
mod completions;
mod deploy;
mod destroy;
mod diff;
mod init;
mod interrupted_diffs;
mod json_help;
mod logs;
mod ls;
mod number;
mod restart;
#[cfg(all(unix, feature = "sandbox"))]
mod sandbox;
mod scale;
mod show_progress;
mod status;
mod subcommand;
mod synth;
mod target;
mod templates;

use std::io;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

use crate::context::Context;
use crate::error::CliError;
use crate::exit::{self, Exit};
use crate::render;
use crate::settings::GlobalArgs;

pub(crate) use completions::VARIABLE as COMPLETION_VARIABLE;
pub(crate) use subcommand::subcommand;

/// Run services on Amazon ECS: see what will change, deploy it, watch it, scale it.
///
/// Services are described in an ecsws.toml. With --sandbox, all commands use a local AWS that is built into ecsws.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::help(), after_long_help = exit::help())]
pub(crate) struct Cli {
    /// The flags that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Synth(synth::SynthArgs),
    Diff(diff::DiffArgs),
    Deploy(deploy::DeployArgs),
    Ls(ls::LsArgs),
    Status(status::StatusArgs),
    Logs(Box<logs::LogsArgs>),
    Scale(scale::ScaleArgs),
    Restart(restart::RestartArgs),
    Destroy(destroy::DestroyArgs),
    Cancel(cancel::CancelArgs),
    #[cfg(all(unix, feature = "sandbox"))]
    Sandbox(sandbox::SandboxArgs),
    Completions(completions::CompletionsArgs),
}

/// Words of the command line that delete something or skip a confirmation.
const DESTRUCTIVE: &[&str] = &["destroy", "reset", "delete", "--yes"];

/// Removes suggestions that would delete something from the error of a misspelled command line, because suggestions get pasted unread. An
/// alternative to such a suggestion is removed too.
pub(crate) fn without_destructive_suggestions(mut error: clap::Error) -> clap::Error {
    let is_harmless = |word: &String| !DESTRUCTIVE.contains(&word.as_str());
    // Clap's usage line has the flag that it suggests where it otherwise has `[OPTIONS]`.
    if let Some(ContextValue::StyledStr(usage)) = error.remove(ContextKind::Usage) {
        let usage = usage.ansi().to_string().replace("--yes", "[OPTIONS]");
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage.into()));
    }
    // Tips in words: "'SUBCOMMAND FLAG' exists".
    if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        tips.retain(|tip| !tip.to_string().split([' ', '\'']).any(|word| DESTRUCTIVE.contains(&word)));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        let kept = match error.remove(kind) {
            Some(ContextValue::String(word)) => Some(word).filter(is_harmless).map(ContextValue::String),
            Some(ContextValue::Strings(words)) => words.iter().all(is_harmless).then_some(ContextValue::Strings(words)),
            other => other,
        };
        if let Some(kept) = kept {
            error.insert(kind, kept);
        }
    }
    error
}

/// Runs the chosen command.
pub(crate) async fn run(cli: Cli, ctx: &mut Context) -> Result<Exit, CliError> {
    let prints_events = matches!(
        cli.command,
        Command::Deploy(_) | Command::Scale(_) | Command::Restart(_) | Command::Destroy(_) | Command::Cancel(_)
    );
    let ended = match cli.command {
        Command::Init(args) => init::run(&args, ctx),
        Command::Synth(args) => synth::run(args, ctx).await,
        Command::Diff(args) => diff::run(args, ctx).await,
        Command::Deploy(args) => Box::pin(deploy::run(args, ctx)).await,
        Command::Ls(args) => ls::run(&args, ctx).await,
        Command::Status(args) => Box::pin(status::run(args, ctx)).await,
        Command::Logs(args) => Box::pin(logs::run(*args, ctx)).await,
        Command::Scale(args) => Box::pin(scale::run(args, ctx)).await,
        Command::Restart(args) => Box::pin(restart::run(args, ctx)).await,
        Command::Destroy(args) => Box::pin(destroy::run(args, ctx)).await,
        Command::Cancel(args) => Box::pin(cancel::run(args, ctx)).await,
        #[cfg(all(unix, feature = "sandbox"))]
        Command::Sandbox(args) => sandbox::run(args, ctx).await,
        Command::Completions(args) => completions::run(&args, ctx),
    };
    if prints_events {
        match &ended {
            Ok(_) => render::print_done(&mut ctx.ui)?,
            Err(error) => render::print_failed(&mut ctx.ui, error.exit.code(), &error.summary())?,
        }
    }
    with_output(ended, ctx.ui.finish())
}

/// The result of a command after its output was written. A failed write is an error, after the command's own error.
fn with_output(ended: Result<Exit, CliError>, written: io::Result<()>) -> Result<Exit, CliError> {
    let Err(error) = written else { return ended };
    let lost = CliError::failed(format!("cannot write to stdout: {error}")).source(error);
    match ended {
        Ok(_) => Err(lost),
        Err(mut error) => {
            error.diagnostics.extend(lost.diagnostics);
            Err(error)
        }
    }
}
