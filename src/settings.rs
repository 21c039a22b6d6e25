//! Resolves flags and environment variables into [`Settings`]. No other module reads the environment.

mod args;
mod process_env;

use std::collections::HashMap;
use std::path::PathBuf;

use clap::ValueEnum;

pub(crate) use args::{ColorWhen, GlobalArgs, OutputFormat};
#[cfg(unix)]
pub(crate) use process_env::drop_empty_aws_variables;
pub(crate) use process_env::{ProcessEnv, Terminals};

use crate::hint::{CommandLine, Subcommand, SuggestedCommand};
use crate::url::without_user_info;

/// How much is printed to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Questions and errors.
    Quiet,
    /// Also progress and notes.
    Normal,
    /// Also details.
    Verbose,
}

/// An environment variable with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be {expected}, not `{value}`")]
pub(crate) struct InvalidVariable {
    pub name: &'static str,
    /// What it accepts.
    pub expected: String,
    pub value: String,
}

/// The settings of a command, resolved from flags and environment.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Use the sandbox.
    pub sandbox: bool,
    pub profile: Option<String>,
    /// `--region`, as the user typed it.
    pub region_flag: Option<String>,
    /// AWS_REGION or AWS_DEFAULT_REGION.
    pub region_variable: Option<String>,
    pub endpoint_url: Option<String>,
    /// The environment's variables that are not empty, for the AWS configuration.
    pub variables: HashMap<String, String>,
    /// The program's name and global flags as given, for suggested commands.
    pub command_line: CommandLine,
    /// The `--state-dir` of the `sandbox` commands, as given.
    pub state_dir_flag: Option<PathBuf>,
    /// `--project`, absolute.
    pub project: Option<PathBuf>,
    /// The working folder.
    pub working_dir: PathBuf,
    /// Text or JSON.
    pub output: OutputFormat,
    /// When to use colour.
    pub color: ColorWhen,
    /// How much to print to stderr.
    pub verbosity: Verbosity,
    /// Answer every question with yes.
    pub yes: bool,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// ECSWS_SANDBOX_DIR: the folder of the sandbox's state.
    pub sandbox_dir: Option<PathBuf>,
    pub xdg_state_home: Option<PathBuf>,
    pub home: Option<PathBuf>,
    /// SUDO_UID: the id of the user who called sudo.
    pub sudo_user: Option<u32>,
}

impl Settings {
    /// A `sandbox` subcommand with the same state folder.
    pub(crate) fn sandbox_command(&self, name: &str) -> SuggestedCommand {
        let state_dir =
            self.state_dir_flag.iter().flat_map(|dir| ["--state-dir".to_owned(), dir.display().to_string()]);
        SuggestedCommand::ecsws(std::iter::once("sandbox".to_owned()).chain(state_dir).chain([name.to_owned()]))
    }
}

/// The flags as given, so that a suggested command acts on the same project, account and endpoint. Omits credentials in an endpoint's
/// URL.
fn command_line(program: String, flags: &GlobalArgs) -> CommandLine {
    let GlobalArgs { sandbox, profile, region, endpoint_url, project, output, color, quiet, verbose, yes } = flags;
    let valued = |flag: &str, value: Option<String>| value.map(|value| [flag.to_owned(), value]).into_iter().flatten();
    let profile_flags: Vec<String> = valued("--profile", profile.clone()).collect();
    let aws_flags: Vec<String> = valued("--region", region.clone())
        .chain(valued("--endpoint-url", endpoint_url.as_deref().map(without_user_info)))
        .collect();
    let switches = [(sandbox, "--sandbox"), (quiet, "--quiet"), (verbose, "--verbose"), (yes, "--yes")];
    let flags = switches
        .into_iter()
        .filter(|(given, _)| **given)
        .map(|(_, flag)| flag.to_owned())
        .chain(profile_flags.iter().chain(&aws_flags).cloned())
        .chain(valued("-C", project.as_ref().map(|dir| dir.display().to_string())))
        .chain(valued("--output", output.as_ref().map(name_of)))
        .chain(valued("--color", color.as_ref().map(name_of)))
        .collect();
    CommandLine { program, flags, profile_flags, aws_flags, subcommand: Subcommand::default(), in_sandbox: false }
}

/// The name of a value on the command line.
fn name_of<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The value of the flag, or else of the variable, or else the default.
fn choice<T: ValueEnum + Default>(
    name: &'static str,
    flag: Option<T>,
    variable: Option<&String>,
) -> Result<T, InvalidVariable> {
    let (None, Some(value)) = (&flag, variable) else { return Ok(flag.unwrap_or_default()) };
    T::from_str(value, true).map_err(|_| {
        let accepted: Vec<String> = T::value_variants().iter().map(name_of).collect();
        InvalidVariable { name, expected: accepted.join(" or "), value: value.clone() }
    })
}

/// The value of a boolean variable.
fn switch(name: &'static str, value: Option<&String>) -> Result<bool, InvalidVariable> {
    let Some(value) = value else { return Ok(false) };
    match value.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(InvalidVariable { name, expected: "true or false".to_owned(), value: value.clone() }),
    }
}

/// Resolves settings, purely from its arguments. Flags take precedence over variables; an empty variable counts as unset.
pub(crate) fn resolve(flags: GlobalArgs, process_env: ProcessEnv) -> Result<Settings, InvalidVariable> {
    let ProcessEnv { program, mut variables, working_dir, terminals } = process_env;
    variables.retain(|_, value| !value.is_empty());
    let command_line = command_line(program, &flags);
    let GlobalArgs { sandbox, profile, region, endpoint_url, project, output, color, quiet, verbose, yes } = flags;
    let variable = |name: &str| variables.get(name);
    let path = |name: &str| variable(name).map(|dir| working_dir.join(dir));
    let verbosity = match (quiet, verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    let sandbox = sandbox || switch("ECSWS_SANDBOX", variable("ECSWS_SANDBOX"))?;
    Ok(Settings {
        sandbox,
        profile,
        region_flag: region,
        region_variable: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).cloned(),
        endpoint_url,
        command_line: CommandLine { in_sandbox: sandbox, ..command_line },
        state_dir_flag: None,
        project: project.map(|dir| working_dir.join(dir)).or_else(|| path("ECSWS_PROJECT")),
        output: choice("ECSWS_OUTPUT", output, variable("ECSWS_OUTPUT"))?,
        color: choice("ECSWS_COLOR", color, variable("ECSWS_COLOR"))?,
        verbosity,
        yes: yes || switch("ECSWS_YES", variable("ECSWS_YES"))?,
        terminals,
        sandbox_dir: path("ECSWS_SANDBOX_DIR"),
        xdg_state_home: variable("XDG_STATE_HOME").map(PathBuf::from),
        home: variable("HOME").map(PathBuf::from),
        sudo_user: variable("SUDO_UID").and_then(|id| id.parse().ok()),
        variables,
        working_dir,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process_env(variables: &[(&str, &str)]) -> ProcessEnv {
        ProcessEnv {
            program: "ecsws".to_owned(),
            variables: variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            working_dir: "/home/a".into(),
            terminals: Terminals { stdin: false, stdout: false, stderr: false },
        }
    }

    fn resolved(flags: GlobalArgs, variables: &[(&str, &str)]) -> Settings {
        resolve(flags, process_env(variables)).expect("the variables are valid")
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let names = ["SANDBOX", "YES", "OUTPUT", "COLOR", "PROJECT", "SANDBOX_DIR"].map(|name| format!("ECSWS_{name}"));
        let aws = ["AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"].map(str::to_owned);
        let empty: Vec<(&str, &str)> = names.iter().chain(&aws).map(|name| (name.as_str(), "")).collect();
        let settings = resolved(GlobalArgs::default(), &empty);
        assert_eq!(format!("{settings:?}"), format!("{:?}", resolved(GlobalArgs::default(), &[])));
    }

    #[test]
    fn an_invalid_variable_is_reported_with_the_accepted_values() {
        for (name, value, message) in [
            ("ECSWS_SANDBOX", "maybe", "ECSWS_SANDBOX must be true or false, not `maybe`"),
            ("ECSWS_YES", "2", "ECSWS_YES must be true or false, not `2`"),
            ("ECSWS_OUTPUT", "xml", "ECSWS_OUTPUT must be text or json, not `xml`"),
            ("ECSWS_COLOR", "blue", "ECSWS_COLOR must be auto or always or never, not `blue`"),
        ] {
            let error = resolve(GlobalArgs::default(), process_env(&[(name, value)])).expect_err(name);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn flags_take_precedence_over_variables() {
        let variables = [("ECSWS_SANDBOX", "On"), ("ECSWS_YES", "0"), ("ECSWS_OUTPUT", "JSON"), ("ECSWS_PROJECT", "b")];
        let settings = resolved(GlobalArgs::default(), &variables);
        assert_eq!((settings.sandbox, settings.yes, settings.output), (true, false, OutputFormat::Json));
        assert_eq!(settings.project, Some("/home/a/b".into()));
        let flags =
            GlobalArgs { output: Some(OutputFormat::Text), project: Some("/c".into()), ..GlobalArgs::default() };
        let settings = resolved(flags, &[("ECSWS_OUTPUT", "wrong"), ("ECSWS_PROJECT", "b")]);
        assert_eq!((settings.output, settings.project), (OutputFormat::Text, Some("/c".into())));
    }

    #[test]
    fn suggested_commands_repeat_flags_but_not_variables() {
        let flags = GlobalArgs {
            profile: Some("my dev".to_owned()),
            region: Some("eu-west-1".to_owned()),
            endpoint_url: Some("http://me:secret@localhost:1".to_owned()),
            project: Some("a b".into()),
            output: Some(OutputFormat::Json),
            color: Some(ColorWhen::Never),
            sandbox: true,
            quiet: true,
            verbose: true,
            yes: true,
        };
        let line = resolved(flags, &[]).command_line;
        assert_eq!(
            line.flags.join(" "),
            "--sandbox --quiet --verbose --yes --profile my dev --region eu-west-1 --endpoint-url http://localhost:1 \
             -C a b --output json --color never"
        );
        assert_eq!(line.profile_flags, ["--profile", "my dev"]);
        assert_eq!(line.aws_flags.join(" "), "--region eu-west-1 --endpoint-url http://localhost:1");
        let variables =
            [("ECSWS_SANDBOX", "1"), ("ECSWS_PROJECT", "b"), ("AWS_PROFILE", "dev"), ("ECSWS_OUTPUT", "json")];
        assert_eq!(resolved(GlobalArgs::default(), &variables).command_line.flags, [""; 0]);
    }

    #[test]
    fn the_region_flag_and_the_region_variable_are_separate_settings() {
        let settings = resolved(GlobalArgs::default(), &[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-west-1")]);
        assert_eq!(settings.region_flag, None);
        assert_eq!(settings.region_variable.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn relative_folders_are_resolved_against_the_working_folder() {
        let flags = GlobalArgs { project: Some("examples".into()), ..GlobalArgs::default() };
        let settings = resolved(flags, &[("ECSWS_SANDBOX_DIR", "box")]);
        assert_eq!(settings.project, Some("/home/a/examples".into()));
        assert_eq!(settings.sandbox_dir, Some("/home/a/box".into()));
    }
}
