//! Shell completion of service and stack names from the project's `ecsws.toml`. Calls no AWS and prints no errors.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::FromArgMatches as _;
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::project::Project;
use crate::settings::{GlobalArgs, ProcessEnv, resolve};
use crate::stack;

/// Builds the definition of the command line, with which the completers parse the global flags.
static COMMAND: OnceLock<fn() -> clap::Command> = OnceLock::new();

/// Responds to a shell's completion request, recognised by the environment variable `variable`. Returns `false` if this is not one.
pub(crate) fn respond(command: fn() -> clap::Command, variable: &'static str) -> Result<bool, clap::Error> {
    COMMAND.get_or_init(|| command);
    let working_dir = ProcessEnv::current().ok().map(|process_env| process_env.working_dir);
    CompleteEnv::with_factory(command).var(variable).try_complete(std::env::args_os(), working_dir.as_deref())
}

/// Keys of the services in `ecsws.toml`.
pub(crate) fn services() -> ArgValueCandidates {
    ArgValueCandidates::new(|| names(|project| project.spec.services.keys().cloned().collect()))
}

/// Names of the stacks in `ecsws.toml`, then the keys of services, which are accepted as stack names.
pub(crate) fn stacks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        names(|project| {
            let mut names: Vec<String> = stack::stacks(&project.spec).into_iter().map(|stack| stack.name).collect();
            let keys = project.spec.services.keys().filter(|key| !names.contains(key)).cloned().collect::<Vec<_>>();
            names.extend(keys);
            names
        })
    })
}

fn names(list: impl Fn(&Project) -> Vec<String>) -> Vec<CompletionCandidate> {
    let names = project().map(|project| list(&project)).unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The project of the command line that is being completed; `None` if there is no valid one.
fn project() -> Option<Project> {
    let process_env = ProcessEnv::current().ok()?;
    let home = process_env.variables.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    // The shell passes the words of the command line after `--`.
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let words = typed_words(words.map(|word| word.to_string_lossy().into_owned()));
    let settings = resolve(global_flags(&words, home.as_deref())?, process_env).ok()?;
    Project::find(&settings).ok()?
}

/// The global flags of an unfinished command line, program name first.
fn global_flags(words: &[String], home: Option<&Path>) -> Option<GlobalArgs> {
    let command = COMMAND.get()?();
    // An unfinished command line is invalid, but its global flags can be parsed.
    let matches = command.ignore_errors(true).try_get_matches_from(words).ok()?;
    let mut flags = GlobalArgs::from_arg_matches(&matches).ok()?;
    flags.project = flags.project.map(|dir| match (dir.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => dir,
    });
    Some(flags)
}

/// The words as the program would receive them. Bash and zsh pass them with their quotes, and bash also splits them at `=` and `:`.
fn typed_words(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut continues = false;
    for word in words {
        let splits = word == ":" || (word == "=" && joined.last().is_some_and(|last| last.starts_with("--")));
        match joined.last_mut() {
            Some(last) if continues || splits => last.push_str(&word),
            _ => joined.push(word),
        }
        continues = splits;
    }
    let unquoted = joined.into_iter().map(|word| match shlex::split(&word).as_deref() {
        Some([only]) => only.clone(),
        _ => word,
    });
    unquoted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        typed_words(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn words_are_unquoted_and_joined_as_the_program_would_receive_them() {
        assert_eq!(words(&["ecsws", "--project", "=", "a", "logs", ""]), ["ecsws", "--project=a", "logs", ""]);
        assert_eq!(words(&["ecsws", "-C", "'a b'", "logs"]), ["ecsws", "-C", "a b", "logs"]);
        assert_eq!(words(&["ecsws", "-C", "a\\ b", "it's"]), ["ecsws", "-C", "a b", "it's"]);
        let url = ["ecsws", "--endpoint-url", "http", ":", "//localhost", ":", "1", "logs"];
        assert_eq!(words(&url), ["ecsws", "--endpoint-url", "http://localhost:1", "logs"]);
    }
}
