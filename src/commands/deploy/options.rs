//! The flags of `deploy`, and those that `scale` shares with it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::commands::approve::RequireApproval;
use crate::commands::number::whole_number;
use crate::error::CliError;
use crate::model::Stack;
use crate::ops::{self, Limits, StackInputs};
use crate::project::Project;
use crate::stack::{ProjectStack, Spec, declared_parameters, image_error, is_cdk_parameter, stack_named, tags_error};
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

/// What `deploy` and `diff` take besides the file.
#[derive(Debug, Clone, Default, Args)]
pub struct InputOptions {
    /// Use another image for a service than the file's
    #[arg(long = "image", value_name = "SERVICE=IMAGE", value_parser = image)]
    pub images: Vec<(String, String)>,
    /// A parameter of the template; what is not given keeps its value
    #[arg(long = "parameters", value_name = "[STACK:]KEY=VALUE", value_parser = parameter)]
    pub parameters: Vec<Parameter>,
    /// A tag of the stacks, besides those of the file
    #[arg(long = "tags", value_name = "KEY=VALUE", value_parser = pair)]
    pub tags: Vec<(String, String)>,
}

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

fn image(text: &str) -> Result<(String, String), String> {
    let (service, image) = text.split_once('=').unwrap_or_default();
    if service.is_empty() || image.is_empty() {
        return Err("write it as SERVICE=IMAGE".to_owned());
    }
    image_error(image).map_or_else(|| Ok((service.to_owned(), image.to_owned())), Err)
}

fn role_arn(text: &str) -> Result<String, String> {
    arn(text, "iam", "role/", "arn:aws:iam::123456789012:role/NAME")
}

fn topic_arn(text: &str) -> Result<String, String> {
    arn(text, "sns", "", "arn:aws:sns:us-east-1:123456789012:NAME")
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, where the resource has something after `prefix`.
fn arn(text: &str, service: &str, prefix: &str, example: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_valid = match parts.as_slice() {
        ["arn", partition, is, _, account, resource] => {
            let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
            let is_resource = resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
            partition.starts_with("aws") && *is == service && is_account && is_resource
        }
        _ => false,
    };
    if is_valid { Ok(text.to_owned()) } else { Err(format!("expected an ARN such as {example}")) }
}

fn parameter(text: &str) -> Result<Parameter, String> {
    let (key, value) = pair(text).map_err(|_| "write it as KEY=VALUE or STACK:KEY=VALUE".to_owned())?;
    Ok(match key.split_once(':') {
        Some(("", _) | (_, "")) => return Err("write it as KEY=VALUE or STACK:KEY=VALUE".to_owned()),
        Some((stack, key)) => Parameter { stack: Some(stack.to_owned()), key: key.to_owned(), value },
        None => Parameter { stack: None, key, value },
    })
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

impl InputOptions {
    /// Finds what cannot work for these stacks: parameters that no template has, images of services that are not among them, and tags that
    /// CloudFormation refuses.
    pub fn check(&self, spec: &Spec, stacks: &[ProjectStack]) -> Result<(), CliError> {
        for stack in stacks.iter().filter(|_| !self.tags.is_empty()) {
            let tags = self.tags_of(stack);
            if let Some(mistake) = tags_error(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))) {
                return Err(CliError::usage(format!("--tags: {mistake}")));
            }
        }
        for (index, (key, image)) in self.images.iter().enumerate() {
            let other = self.images[..index].iter().find(|(earlier, other)| earlier == key && other != image);
            if let Some((_, other)) = other {
                return Err(CliError::usage(format!("--image gives service `{key}` two images: {other} and {image}")));
            }
            let stack = spec.services.get(key).map(|service| &service.stack);
            if stack.is_some_and(|stack| !stacks.iter().any(|chosen| chosen.name == *stack)) {
                let message = format!("--image is for service `{key}`, whose stack is not among those that are named");
                return Err(CliError::usage(message).hint("name its stack too, or leave --image out"));
            }
        }
        self.parameters.iter().try_for_each(|parameter| check_parameter(parameter, spec, stacks))
    }

    /// The parameters given for a stack, by key; those for it alone win.
    pub fn parameters_of(&self, stack: &str) -> BTreeMap<&str, &str> {
        let given_for = |stack: Option<&str>| {
            let matching = self.parameters.iter().filter(move |given| given.stack.as_deref() == stack);
            matching.map(|given| (given.key.as_str(), given.value.as_str())).collect::<Vec<_>>()
        };
        given_for(None).into_iter().chain(given_for(Some(stack))).collect()
    }

    /// The tags of a stack: those of the file, and those given.
    pub fn tags_of(&self, stack: &ProjectStack) -> Vec<(String, String)> {
        let mut tags = stack.tags.clone();
        tags.extend(self.tags.iter().cloned());
        tags.into_iter().collect()
    }

    /// Gives every parameter the name of its stack, for which the key of a service may stand.
    pub fn resolve_stacks(&mut self, spec: &Spec) {
        for stack in self.parameters.iter_mut().filter_map(|parameter| parameter.stack.as_mut()) {
            if let Some(name) = stack_named(spec, stack) {
                name.clone_into(stack);
            }
        }
    }

    /// What a stack is deployed with. `seen` is the stack as it was just looked up.
    pub fn stack_inputs<'a>(&'a self, stack: &'a ProjectStack, seen: Option<Stack>) -> StackInputs<'a> {
        let own = self.parameters.iter().filter(|given| given.stack.as_ref() == Some(&stack.name));
        StackInputs {
            stack,
            seen,
            tags: self.tags_of(stack),
            parameters: self.parameters_of(&stack.name),
            required_parameters: own.map(|given| given.key.as_str()).collect(),
        }
    }

    /// Puts the given images in the place of the file's.
    pub fn set_images(&self, project: &mut Project) -> Result<(), CliError> {
        self.images.iter().try_for_each(|(key, image)| project.set_image(key, image))
    }
}

/// A parameter for one stack has to be in its template, another one in any of the templates.
fn check_parameter(given: &Parameter, spec: &Spec, stacks: &[ProjectStack]) -> Result<(), CliError> {
    let Parameter { stack, key, .. } = given;
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    let targets = match stack {
        Some(stack) if !names.contains(&stack.as_str()) => {
            return Err(CliError::usage(format!("--parameters is for stack `{stack}`, which is not deployed here"))
                .hint(format!("the stacks are {}", names.join(", "))));
        }
        Some(stack) => vec![stack.as_str()],
        None => names,
    };
    let declared: Vec<Option<Vec<String>>> = targets.iter().map(|stack| declared_parameters(spec, stack)).collect();
    let is_known =
        is_cdk_parameter(key) || declared.iter().any(|names| names.as_ref().is_none_or(|names| names.contains(key)));
    if is_known {
        return Ok(());
    }
    let error = CliError::usage(format!("the template of {} has no parameter `{key}`", targets.join(" or of ")));
    let known: Vec<String> = declared.into_iter().flatten().flatten().collect();
    Err(if known.is_empty() { error } else { error.hint(format!("its parameters are {}", known.join(", "))) })
}

/// Whether a file can be written, which is left as it is: not created and not shortened. Anything but a regular file, such as a pipe,
/// is only opened when it is written: its reader would see the end.
fn check_writable(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(found) if found.is_file() || found.is_dir() => OpenOptions::new().append(true).open(file).map(drop),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().write(true).create_new(true).open(file)?;
            fs::remove_file(file)
        }
        Err(error) => Err(error),
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

    #[test]
    fn an_image_is_checked_where_it_is_given() {
        assert_eq!(image("api=acme/api:1"), Ok(("api".to_owned(), "acme/api:1".to_owned())));
        for wrong in ["api=", "=acme/api", "api", "", "api=Acme/api", "api=https://acme/api", "api=acme/api:", "api= "]
        {
            assert!(image(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn arns_are_those_of_roles_and_topics() {
        for arn in ["arn:aws:iam::123456789012:role/deploy", "arn:aws-cn:iam::123456789012:role/path/deploy"] {
            assert_eq!(role_arn(arn), Ok(arn.to_owned()));
        }
        for wrong in [
            "x",
            "",
            "deploy",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::1:role/a",
            "arn:aws:sns:r:123456789012:a",
        ] {
            assert!(role_arn(wrong).is_err(), "{wrong}");
        }
        assert!(topic_arn("arn:aws:sns:us-east-1:123456789012:events").is_ok());
        assert!(topic_arn("arn:aws:iam::123456789012:role/deploy").is_err());
    }

    #[test]
    fn an_outputs_file_is_checked_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("outputs.json");
        assert!(check_writable(&file).is_ok() && !file.exists());
        #[expect(clippy::disallowed_methods, reason = "tests write files")]
        fs::write(&file, "kept").expect("it can be written");
        assert!(check_writable(&file).is_ok());
        assert_eq!(fs::metadata(&file).expect("it is there").len(), 4);
        for wrong in [folder.path().to_owned(), folder.path().join("no/such"), file.join("below")] {
            assert!(check_writable(&wrong).is_err(), "{}", wrong.display());
        }
    }

    #[test]
    fn a_parameter_may_name_its_stack() {
        let of = |stack: Option<&str>, key: &str, value: &str| {
            Ok(Parameter { stack: stack.map(str::to_owned), key: key.to_owned(), value: value.to_owned() })
        };
        assert_eq!(parameter("Size=3"), of(None, "Size", "3"));
        assert_eq!(parameter("web:Url=a=b:c"), of(Some("web"), "Url", "a=b:c"));
        for wrong in ["Size", "=3", ":Size=3", "web:=3", ""] {
            assert!(parameter(wrong).is_err(), "{wrong}");
        }
        let options = InputOptions {
            parameters: ["web:Size=2", "Size=1"].into_iter().filter_map(|text| parameter(text).ok()).collect(),
            ..InputOptions::default()
        };
        assert_eq!(options.parameters_of("web"), BTreeMap::from([("Size", "2")]));
        assert_eq!(options.parameters_of("api"), BTreeMap::from([("Size", "1")]));
    }
}
