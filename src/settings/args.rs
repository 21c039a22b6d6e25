//! The global flags.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::url::is_endpoint_url;

/// Global flags. [`resolve`](super::resolve) reads their environment variables: clap would reject empty variables, and report an
/// invalid variable as an invalid flag.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Use the local AWS built into ecsws, started on first use [env: ECSWS_SANDBOX]
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Use this profile from the AWS config files [env: AWS_PROFILE]
    ///
    /// Unlike the variable, the flag takes precedence over keys in the environment.
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Use this AWS region [env: AWS_REGION]
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Send requests to this URL instead of AWS [env: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, value_parser = endpoint_url)]
    pub endpoint_url: Option<String>,
    /// Use the ecsws.toml in this folder instead of the nearest one, here or above [env: ECSWS_PROJECT]
    #[arg(short = 'C', long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub project: Option<PathBuf>,
    /// Format of results on stdout [env: ECSWS_OUTPUT] [default: text]
    #[arg(long, global = true, value_enum)]
    pub output: Option<OutputFormat>,
    /// When to use colour; respects NO_COLOR [env: ECSWS_COLOR] [default: auto]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub color: Option<ColorWhen>,
    /// Print only results, questions and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more details, such as endpoints, look-ups and causes of errors
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Answer yes to every question [env: ECSWS_YES]
    #[arg(long, global = true)]
    pub yes: bool,
}

/// The output format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object, or one event per line.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal.
    #[default]
    Auto,
    /// Also into a pipe.
    Always,
    /// Not even on a terminal.
    Never,
}

/// Parses an endpoint URL.
fn endpoint_url(text: &str) -> Result<String, String> {
    if is_endpoint_url(text) {
        Ok(text.to_owned())
    } else {
        Err("write it as http://HOST:PORT or https://HOST".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        for valid in ["http://127.0.0.1:4566", "https://ecs.eu-west-1.amazonaws.com/"] {
            assert_eq!(endpoint_url(valid).as_deref(), Ok(valid));
        }
        for invalid in ["", "banana", "localhost:4566", "ftp://host", "http://", "http://a b"] {
            assert!(endpoint_url(invalid).is_err(), "{invalid}");
        }
    }
}
