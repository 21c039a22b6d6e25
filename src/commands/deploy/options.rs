//! The flags of `deploy`, and those that `scale` shares with it.

mod inputs;
mod value_parsers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::outputs_file::check_writable;
use crate::commands::approval_rules::RequireApproval;
use crate::commands::number::whole_number;
use crate::error::CliError;
use crate::ops::{self, Timeout};
use crate::stack::{ProjectStack, Spec};
use crate::time_args;

pub(crate) use inputs::InputOptions;
use value_parsers::{role_arn, topic_arn};

/// How a deploy asks for approval, waits and shows progress.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExecutionOptions {
    /// When to ask before changing something
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub require_approval: RequireApproval,
    /// Return once CloudFormation is done, without waiting for services to become steady
    #[arg(long)]
    pub no_wait_services: bool,
    /// Cancel and roll back an update that takes longer than this, and exit with 4
    #[arg(long, value_name = "TIME", value_parser = time_args::parse_duration)]
    pub timeout: Option<Duration>,
    /// What to do when creating a stack exceeds --timeout
    #[arg(long, value_enum, default_value_t, value_name = "WHAT", requires = "timeout")]
    pub on_timeout: OnTimeout,
    /// How to show progress [default: bar on a terminal, events elsewhere]
    #[arg(long, value_enum, value_name = "HOW")]
    pub progress: Option<ProgressStyle>,
    /// Skip the checks for missing or conflicting resources that run before anything changes
    #[arg(long)]
    pub no_preflight: bool,
    /// Keep failed resources as they are instead of rolling back
    #[arg(long)]
    pub no_rollback: bool,
    /// Cancel an operation that is already in progress on a stack, instead of following it: an update is rolled back, a stack that is being created
    /// is deleted
    #[arg(long)]
    pub cancel_running: bool,
    /// Leave this resource as it is when continuing a rollback that failed because of it
    #[arg(long = "skip-resource", value_name = "LOGICAL_ID")]
    pub skip_resources: Vec<String>,
}

/// What happens to a creation that exceeds the timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OnTimeout {
    /// Leave it running in CloudFormation.
    #[default]
    Leave,
    /// Delete the stack.
    Delete,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// Rows for what is in progress, and a line for each finished resource.
    Bar,
    /// One line per event.
    Events,
}

impl ExecutionOptions {
    /// Whether to show what is in progress in place.
    pub(crate) fn shows_rows(&self) -> bool {
        self.progress != Some(ProgressStyle::Events)
    }

    /// The time limit of the operation on each stack.
    pub(crate) fn timeout(&self) -> Timeout {
        Timeout { duration: self.timeout, delete_creation: self.on_timeout == OnTimeout::Delete }
    }
}

/// How stacks are created and updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Method {
    /// Create a change set, and execute it once it is approved.
    #[default]
    ChangeSet,
    /// Create a change set without executing it.
    PrepareChangeSet,
    /// Create or update the stack directly, without a change set.
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

/// How many stacks are deployed concurrently by default.
const CONCURRENCY: u8 = 4;

/// The other flags of `deploy`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeployOptions {
    /// How stacks are created and updated
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,
    #[command(flatten)]
    pub inputs: InputOptions,
    /// Role that CloudFormation assumes
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    pub role_arn: Option<String>,
    /// SNS topics that receive the events of the stacks
    #[arg(long = "notification-arns", value_name = "ARN", value_delimiter = ',', value_parser = topic_arn)]
    pub notification_arns: Vec<String>,
    /// Write the outputs to this file: {"STACK": {"KEY": "VALUE"}}
    #[arg(long, value_name = "FILE")]
    pub outputs_file: Option<PathBuf>,
    /// Create a change set even when the template equals the deployed one
    #[arg(long)]
    pub force: bool,
    /// Maximum number of independent stacks to deploy concurrently
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY, value_parser = whole_number(1..=20u8))]
    pub concurrency: u8,
}

impl Default for DeployOptions {
    /// The options without any flag.
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
    /// Checks the options for these stacks before any call: parameters that no template has, and an outputs file that cannot be written.
    pub(crate) fn check(&self, spec: &Spec, stacks: &[ProjectStack], working_dir: &Path) -> Result<(), CliError> {
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
