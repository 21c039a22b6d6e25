//! The flags of `deploy`, and those that `scale` shares with it.

mod inputs;
mod parse;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::outputs_file::check_writable;
use crate::commands::approve::RequireApproval;
use crate::commands::number::whole_number;
use crate::error::CliError;
use crate::ops::{self, Limits};
use crate::stack::{ProjectStack, Spec};
use crate::when;

pub use inputs::InputOptions;
use parse::{role_arn, topic_arn};

/// How a deploy asks, waits and shows what happens.
#[derive(Debug, Clone, Args)]
pub struct FollowOptions {
    /// When to ask before changing something
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub require_approval: RequireApproval,
    /// Be done when CloudFormation is, without waiting for the services to be steady
    #[arg(long)]
    pub no_wait_services: bool,
    /// Cancel an update that takes longer, which rolls it back, and exit with 4
    #[arg(long, value_name = "TIME", value_parser = when::duration)]
    pub timeout: Option<Duration>,
    /// What becomes of a stack whose creation takes longer: it cannot be cancelled
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", requires = "timeout")]
    pub on_timeout: OnTimeout,
    /// How to show what happens [default: bar on a terminal, events elsewhere]
    #[arg(long, value_enum, value_name = "HOW")]
    pub progress: Option<Progress>,
    /// Skip the checks for what is missing or in the way, which run before anything changes
    #[arg(long)]
    pub no_preflight: bool,
    /// Leave what fails as it is, instead of rolling back
    #[arg(long)]
    pub no_rollback: bool,
}

/// What becomes of a creation that takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OnTimeout {
    /// CloudFormation goes on.
    #[default]
    Leave,
    /// The stack is deleted.
    Delete,
}

/// How a deploy is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// What is in progress in place, and a line for what has happened.
    Bar,
    /// A line an event.
    Events,
}

impl FollowOptions {
    /// Whether to show what is in progress in place.
    pub fn shows_rows(&self) -> bool {
        self.progress != Some(Progress::Events)
    }

    /// How long the operation on a stack may take.
    pub fn limits(&self) -> Limits {
        Limits { limit: self.timeout, delete_late_creation: self.on_timeout == OnTimeout::Delete }
    }
}

/// How stacks are created and updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Method {
    /// Make a change set, and execute it once it is approved.
    #[default]
    ChangeSet,
    /// Make a change set and do not execute it.
    PrepareChangeSet,
    /// Create or update at once.
    Direct,
}

impl From<Method> for ops::DeployMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::ChangeSet => Self::ChangeSet,
            Method::PrepareChangeSet => Self::PrepareChangeSet,
            Method::Direct => Self::Direct,
        }
    }
}

/// Stacks that are deployed at the same time.
const CONCURRENCY: u8 = 4;

/// What else `deploy` takes.
#[derive(Debug, Clone, Args)]
pub struct DeployOptions {
    /// How stacks are created and updated
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,
    #[command(flatten)]
    pub inputs: InputOptions,
    /// The role that CloudFormation works with
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    pub role_arn: Option<String>,
    /// SNS topics that CloudFormation tells of each event
    #[arg(long = "notification-arns", value_name = "ARN", value_delimiter = ',', value_parser = topic_arn)]
    pub notification_arns: Vec<String>,
    /// Write the outputs to this file: {"STACK": {"KEY": "VALUE"}}
    #[arg(long, value_name = "FILE")]
    pub outputs_file: Option<PathBuf>,
    /// Ask CloudFormation even when the template is the deployed one
    #[arg(long)]
    pub force: bool,
    /// How many stacks to deploy at a time, where none needs the other
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY, value_parser = whole_number(1..=20u8))]
    pub concurrency: u8,
}

impl Default for DeployOptions {
    /// As if no flag had been given.
    fn default() -> Self {
        Self {
            method: Method::default(),
            inputs: InputOptions::default(),
            role_arn: None,
            notification_arns: Vec::new(),
            outputs_file: None,
            force: false,
            concurrency: CONCURRENCY,
        }
    }
}

impl DeployOptions {
    /// Finds what cannot work for these stacks, before anything is called or started: parameters that no template has, and an
    /// outputs file that cannot be written.
    pub fn check(&self, spec: &Spec, stacks: &[ProjectStack], working_dir: &Path) -> Result<(), CliError> {
        self.inputs.check(spec, stacks)?;
        let Some(file) = &self.outputs_file else { return Ok(()) };
        check_writable(&working_dir.join(file)).map_err(|error| {
            CliError::usage(format!("cannot write --outputs-file {}: {error}", file.display())).source(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct OnlyOptions {
        #[command(flatten)]
        options: DeployOptions,
    }

    #[test]
    fn without_flags_the_options_are_the_defaults() {
        let parsed = OnlyOptions::parse_from(["deploy"]).options;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", DeployOptions::default()));
    }
}
