//! `ecsws completions`: the script that makes a shell complete commands, flags, services and stacks.

use clap::{Args, ValueEnum};
use clap_complete::env::Shells;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

/// Print a completion script
///
/// The script calls ecsws for completions, so it also completes the services and stacks of the current ecsws.toml.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ecsws completions bash > ~/.local/share/bash-completion/completions/ecsws
  ecsws completions zsh > ~/.zfunc/_ecsws
  ecsws completions fish > ~/.config/fish/completions/ecsws.fish")]
pub(super) struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// The variable that marks a completion request of a shell.
pub(crate) const VARIABLE: &str = "COMPLETE";

pub(super) fn run(args: &CompletionsArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let name = args.shell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let shells = Shells::builtins();
    let shell = shells.completer(&name).ok_or_else(|| CliError::usage(format!("there is no completion for {name}")))?;
    shell.write_registration(VARIABLE, "ecsws", "ecsws", "ecsws", &mut ctx.ui.results())?;
    Ok(Exit::Done)
}
