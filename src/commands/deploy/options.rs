//! The flags of `deploy`, and those that `scale` shares with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::commands::approve::RequireApproval;
use crate::commands::number::whole_number;
use crate::ops::Limits;
use crate::render::Progress;
use crate::when;

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
    /// Go on without looking first for what is missing in the account
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

impl FollowOptions {
    pub fn limits(&self) -> Limits {
        Limits { limit: self.timeout, delete_late_creation: self.on_timeout == OnTimeout::Delete }
    }
}

/// How CloudFormation is asked for the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Method {
    /// Make a change set, and execute it once it is approved.
    #[default]
    ChangeSet,
    /// Make a change set, and leave it to somebody else to execute.
    PrepareChangeSet,
    /// Create or update at once.
    Direct,
}

/// What else `deploy` takes.
#[derive(Debug, Clone, Args)]
pub struct DeployOptions {
    /// How CloudFormation is asked
    #[arg(long, value_enum, default_value_t)]
    pub method: Method,
    /// Deploy a service with another image than the file's
    #[arg(long = "image", value_name = "SERVICE=IMAGE", value_parser = pair)]
    pub images: Vec<(String, String)>,
    /// A parameter of the template; what is not given keeps its value
    #[arg(long = "parameters", value_name = "[STACK:]KEY=VALUE", value_parser = parameter)]
    pub parameters: Vec<Parameter>,
    /// A tag of the stacks, besides those of the file
    #[arg(long = "tags", value_name = "KEY=VALUE", value_parser = pair)]
    pub tags: Vec<(String, String)>,
    /// The role that CloudFormation works with
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// SNS topics that CloudFormation tells of each event
    #[arg(long = "notification-arns", value_name = "ARN", value_delimiter = ',')]
    pub notification_arns: Vec<String>,
    /// Write the outputs to this file: {"STACK": {"KEY": "VALUE"}}
    #[arg(long, value_name = "FILE")]
    pub outputs_file: Option<PathBuf>,
    /// Ask CloudFormation even when the template is the deployed one
    #[arg(long)]
    pub force: bool,
    /// How many stacks to deploy at a time, where none needs the other
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = whole_number(1..=20u8))]
    pub concurrency: u8,
}

impl Default for DeployOptions {
    /// As if no flag had been given.
    fn default() -> Self {
        Self {
            method: Method::default(),
            images: Vec::new(),
            parameters: Vec::new(),
            tags: Vec::new(),
            role_arn: None,
            notification_arns: Vec::new(),
            outputs_file: None,
            force: false,
            concurrency: 1,
        }
    }
}

/// A template's parameter, for one stack or for each that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub stack: Option<String>,
    pub key: String,
    pub value: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

fn parameter(text: &str) -> Result<Parameter, String> {
    let (key, value) = pair(text)?;
    Ok(match key.split_once(':') {
        Some((stack, key)) => Parameter { stack: Some(stack.to_owned()), key: key.to_owned(), value },
        None => Parameter { stack: None, key, value },
    })
}

impl DeployOptions {
    /// The parameters given for a stack, by key; those for it alone win.
    pub fn parameters_of(&self, stack: &str) -> BTreeMap<&str, &str> {
        let of = |wanted: Option<&str>| {
            let matching = self.parameters.iter().filter(move |given| given.stack.as_deref() == wanted);
            matching.map(|given| (given.key.as_str(), given.value.as_str())).collect::<Vec<_>>()
        };
        of(None).into_iter().chain(of(Some(stack))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_may_name_its_stack() {
        let of = |stack: Option<&str>, key: &str, value: &str| {
            Ok(Parameter { stack: stack.map(str::to_owned), key: key.to_owned(), value: value.to_owned() })
        };
        assert_eq!(parameter("Size=3"), of(None, "Size", "3"));
        assert_eq!(parameter("web:Url=a=b:c"), of(Some("web"), "Url", "a=b:c"));
        assert!(parameter("Size").is_err() && parameter("=3").is_err());
        let options = DeployOptions {
            parameters: ["web:Size=2", "Size=1"].into_iter().filter_map(|text| parameter(text).ok()).collect(),
            ..DeployOptions::default()
        };
        assert_eq!(options.parameters_of("web"), BTreeMap::from([("Size", "2")]));
        assert_eq!(options.parameters_of("api"), BTreeMap::from([("Size", "1")]));
    }
}
