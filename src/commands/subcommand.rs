//! The subcommand as the user gave it, for suggestions to repeat it.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args as _, Command, CommandFactory as _};

use super::Cli;
use crate::hint::{Argument, Subcommand};
use crate::settings::GlobalArgs;

/// Arguments of the form KEY=VALUE whose values may be secret. Only KEY is repeated, so that the user has to add the value.
const SECRET: &[&str] = &["parameters"];

/// The subcommand of a parsed command line, with its arguments in the order in which they were given.
pub(crate) fn subcommand(matches: &ArgMatches) -> Subcommand {
    let (mut command, mut matches, mut names) = (Cli::command(), matches, Vec::new());
    while let Some((name, inner)) = matches.subcommand() {
        let Some(definition) = command.find_subcommand(name).cloned() else { break };
        (command, matches) = (definition, inner);
        names.push(name.to_owned());
    }
    let globals = GlobalArgs::augment_args(Command::new(""));
    let is_global = |arg: &&Arg| globals.get_arguments().any(|global| global.get_id() == arg.get_id());
    let own = command.get_arguments().filter(|arg| !is_global(arg));
    let mut arguments: Vec<(usize, Argument)> = own.flat_map(|arg| occurrences(arg, matches)).collect();
    arguments.sort_by_key(|(index, _)| *index);
    Subcommand { names, arguments: arguments.into_iter().map(|(_, argument)| argument).collect() }
}

/// Every occurrence of an argument on the command line, with its position.
fn occurrences(arg: &Arg, matches: &ArgMatches) -> Vec<(usize, Argument)> {
    let id = arg.get_id().as_str();
    if matches.value_source(id) != Some(ValueSource::CommandLine) {
        return Vec::new();
    }
    let flag = arg.get_long().map(|name| format!("--{name}"));
    let indices = matches.indices_of(id).into_iter().flatten();
    if !arg.get_action().takes_values() {
        return indices.map(|index| (index, Argument { flag: flag.clone(), value: None })).collect();
    }
    let values = matches.get_raw(id).into_iter().flatten().map(|value| value.to_string_lossy().into_owned());
    let shown = values.map(|value| match value.split_once('=') {
        Some((key, _)) if SECRET.contains(&id) => key.to_owned(),
        _ => value,
    });
    indices.zip(shown).map(|(index, value)| (index, Argument { flag: flag.clone(), value: Some(value) })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(line: &str) -> String {
        let matches = Cli::command().try_get_matches_from(line.split(' ')).expect(line);
        let Subcommand { names, arguments } = subcommand(&matches);
        let words = arguments.into_iter().flat_map(|Argument { flag, value }| flag.into_iter().chain(value));
        names.into_iter().chain(words).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn arguments_are_those_that_were_given_without_global_flags() {
        for (line, expected) in [
            ("ecsws deploy", "deploy"),
            ("ecsws --region r deploy --yes api -C x --image a=b base -q", "deploy api --image a=b base"),
            ("ecsws deploy --image a=b --image=c=d --tags k=v", "deploy --image a=b --image c=d --tags k=v"),
            (
                "ecsws deploy --notification-arns arn:aws:sns:r:123456789012:a,arn:aws:sns:r:123456789012:b",
                "deploy --notification-arns arn:aws:sns:r:123456789012:a --notification-arns arn:aws:sns:r:123456789012:b",
            ),
            ("ecsws deploy --timeout 1m --on-timeout leave --force", "deploy --timeout 1m --on-timeout leave --force"),
            ("ecsws scale --count 3 api --hotswap", "scale --count 3 api --hotswap"),
            ("ecsws logs tail -f --grep x api", "logs tail --watch --grep x api"),
        ] {
            assert_eq!(repeated(line), expected, "{line}");
        }
    }

    #[test]
    fn values_that_may_be_secret_are_left_out() {
        let line = "ecsws deploy --parameters api:Token=hidden=x --parameters Size=3";
        assert_eq!(repeated(line), "deploy --parameters api:Token --parameters Size");
    }
}
