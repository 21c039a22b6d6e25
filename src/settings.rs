//! Flags and environment become [`Settings`], by a pure `resolve`. The environment is read here and nowhere else.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum, ValueHint};

/// The flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Use the AWS that ecsws carries inside, on this machine; it starts by itself
    #[arg(long, global = true, env = "ECSWS_SANDBOX", value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub sandbox: bool,
    /// The profile of the AWS config files; it goes before keys in the environment [env: AWS_PROFILE]
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// The AWS region [env: AWS_REGION]
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Call this address instead of AWS's own [env: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, value_parser = endpoint_url)]
    pub endpoint_url: Option<String>,
    /// The folder of ecsws.toml, instead of this one or the nearest above
    #[arg(short = 'C', long, global = true, value_name = "DIR", env = "ECSWS_PROJECT", value_hint = ValueHint::DirPath, hide_env_values = true)]
    pub project: Option<PathBuf>,
    /// What results look like on stdout
    #[arg(long, global = true, value_enum, default_value_t, env = "ECSWS_OUTPUT", hide_env_values = true)]
    pub output: Output,
    /// When to use colour; NO_COLOR is respected
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        env = "ECSWS_COLOR",
        hide_env_values = true
    )]
    pub color: ColorWhen,
    /// Say only results, questions and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: where calls go, and what is looked up
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Answer every question with yes
    #[arg(long, global = true, env = "ECSWS_YES", value_parser = BoolishValueParser::new(), hide_env_values = true)]
    pub yes: bool,
}

/// The two renderings of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs: one object, or one event a line.
    Json,
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal.
    #[default]
    Auto,
    /// Also into a pipe.
    Always,
    /// Not even on a terminal.
    Never,
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Questions and errors.
    Quiet,
    /// Also progress and notes.
    Normal,
    /// Also details.
    Verbose,
}

/// A URL that calls can go to.
fn endpoint_url(text: &str) -> Result<String, String> {
    let url: http::Uri = text.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(_)) => Ok(text.to_owned()),
        _ => Err("write it as http://HOST:PORT or https://HOST".to_owned()),
    }
}

/// Which of the standard streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminals {
    /// A person can answer.
    pub stdin: bool,
    /// A person reads results.
    pub stdout: bool,
    /// A person watches.
    pub stderr: bool,
}

/// What the process was given besides its flags.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The program's name as it was called.
    pub program: String,
    /// Environment variables.
    pub variables: HashMap<String, String>,
    /// The working folder.
    pub working_dir: PathBuf,
    /// Which streams are terminals.
    pub terminals: Terminals,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> std::io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that looks at the process's surroundings")]
        let working_dir = std::env::current_dir()?;
        Ok(Self {
            program: std::env::args_os()
                .next()
                .map_or_else(|| "ecsws".to_owned(), |name| name.to_string_lossy().into_owned()),
            variables: std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            working_dir,
            terminals: Terminals {
                stdin: std::io::stdin().is_terminal(),
                stdout: std::io::stdout().is_terminal(),
                stderr: std::io::stderr().is_terminal(),
            },
        })
    }
}

/// Everything that is decided before a command runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Use the sandbox.
    pub sandbox: bool,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`, as the user typed it.
    pub region_flag: Option<String>,
    /// AWS_REGION or AWS_DEFAULT_REGION.
    pub region_variable: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// The program's name as it was called.
    pub program: String,
    /// `--project`, as it was given; empty when left out.
    pub project_flag: Option<PathBuf>,
    /// `--project`, absolute.
    pub project: Option<PathBuf>,
    /// The working folder.
    pub working_dir: PathBuf,
    /// Text or JSON.
    pub output: Output,
    /// When to use colour.
    pub color: ColorWhen,
    /// How much is said.
    pub verbosity: Verbosity,
    /// Answer every question with yes.
    pub yes: bool,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// Where the sandbox keeps its state, when ECSWS_SANDBOX_DIR says so.
    pub sandbox_dir: Option<PathBuf>,
    /// XDG_STATE_HOME.
    pub xdg_state_home: Option<PathBuf>,
    /// HOME.
    pub home: Option<PathBuf>,
    /// SUDO_UID: the user who became root with sudo.
    pub sudo_user: Option<u32>,
}

impl Settings {
    /// How the user would call ecsws again for the same project and the same place.
    pub fn command_line(&self) -> String {
        format!("{}{}", self.program, self.flags())
    }

    /// The flags that say which project and which place; each has a space before it.
    pub fn flags(&self) -> String {
        let project = self.project_flag.as_ref().map(|dir| format!(" -C {}", dir.display())).unwrap_or_default();
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        format!("{sandbox}{project}")
    }
}

/// Flags win over the environment; nothing is looked at but the arguments.
pub fn resolve(flags: GlobalArgs, surroundings: Surroundings) -> Settings {
    let GlobalArgs { sandbox, profile, region, endpoint_url, project, output, color, quiet, verbose, yes } = flags;
    let Surroundings { program, variables, working_dir, terminals } = surroundings;
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
    let verbosity = match (quiet, verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    Settings {
        sandbox,
        profile,
        region_flag: region,
        region_variable: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")),
        endpoint_url,
        program,
        project: project.as_ref().map(|dir| working_dir.join(dir)),
        project_flag: project,
        output,
        color,
        verbosity,
        yes,
        terminals,
        sandbox_dir: variable("ECSWS_SANDBOX_DIR").map(|dir| working_dir.join(dir)),
        xdg_state_home: variable("XDG_STATE_HOME").map(PathBuf::from),
        home: variable("HOME").map(PathBuf::from),
        sudo_user: variable("SUDO_UID").and_then(|id| id.parse().ok()),
        working_dir,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            program: "ecsws".to_owned(),
            variables: variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            working_dir: "/home/a".into(),
            terminals: Terminals { stdin: false, stdout: false, stderr: false },
        }
    }

    #[test]
    fn the_region_variable_is_kept_apart_from_the_flag() {
        let settings =
            resolve(GlobalArgs::default(), surroundings(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-west-1")]));
        assert_eq!(settings.region_flag, None);
        assert_eq!(settings.region_variable.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        for right in ["http://127.0.0.1:4566", "https://ecs.eu-west-1.amazonaws.com/"] {
            assert_eq!(endpoint_url(right).as_deref(), Ok(right));
        }
        for wrong in ["", "banana", "localhost:4566", "ftp://host", "http://", "http://a b"] {
            assert!(endpoint_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn relative_folders_are_taken_from_the_working_folder() {
        let flags = GlobalArgs { project: Some("examples".into()), ..GlobalArgs::default() };
        let settings = resolve(flags, surroundings(&[("ECSWS_SANDBOX_DIR", "box")]));
        assert_eq!(settings.project, Some("/home/a/examples".into()));
        assert_eq!(settings.sandbox_dir, Some("/home/a/box".into()));
    }
}
