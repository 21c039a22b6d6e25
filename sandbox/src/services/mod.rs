//! The table of what the sandbox serves. A service is a row here and a folder beside; an operation is a row there and a file.

#![expect(clippy::needless_pass_by_value, reason = "the table hands every operation its input whole")]

use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::auth::Identity;
use super::model::{self, Misread, Model, Violation};
use super::wire::Protocol;
use super::wire::event_stream::EventStream;
use super::wire::lenient::{self, Misfit};
use super::{Fault, Sandbox};

pub mod allowed_pattern;
pub mod autoscaling;
pub mod cloudformation;
pub mod cloudmap;
pub mod cloudwatch;
pub mod control;
pub mod ec2;
pub mod ecs;
pub mod glob;
pub mod iam;
pub mod logs;
pub mod paging;
pub mod secretsmanager;
pub mod ssm;
pub mod sts;
pub mod tagging;

/// Everything that is served.
pub static SERVICES: &[&Service] = &[
    &control::SERVICE,
    &sts::SERVICE,
    &cloudformation::SERVICE,
    &iam::SERVICE,
    &ssm::SERVICE,
    &ec2::SERVICE,
    &cloudmap::SERVICE,
    &ecs::SERVICE,
    &logs::SERVICE,
    &autoscaling::SERVICE,
    &secretsmanager::SERVICE,
    &cloudwatch::SERVICE,
];

/// What runs as long as the sandbox does: each starts its loops with [`Sandbox::spawn`] or `sandbox.background.spawn`.
pub const LOOPS: &[fn(&Arc<Sandbox>)] = &[
    cloudformation::resume,
    ssm::resume,
    ec2::start,
    ecs::start,
    ecs::limits::watch,
    ecs::publish,
    logs::expire,
    cloudwatch::start,
    autoscaling::start,
];

/// One AWS service.
#[derive(Debug)]
pub struct Service {
    /// Its name in the scope of a signature.
    pub signing_name: &'static str,
    /// How it speaks; a caller that speaks in none of these ways is answered in the first.
    pub protocols: &'static [Protocol],
    /// The code of its refusals of an input that does not satisfy its model.
    pub validation_code: &'static str,
    /// What it serves.
    pub operations: &'static [Operation],
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Such as `DescribeStacks`.
    pub name: &'static str,
    /// Does it. Use the `operation!` macro.
    pub run: fn(Call) -> Running,
}

/// An operation at work.
pub type Running = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send>>;

/// What an operation answers: members by their wire names, or a refusal.
pub type Reply = Result<Value, Fault>;

/// What an operation answers when it does not refuse.
#[derive(Debug)]
pub enum Answer {
    /// The output.
    Whole(Value),
    /// A first message, and more as they come.
    Stream(EventStream),
}

impl From<Value> for Answer {
    fn from(output: Value) -> Self {
        Self::Whole(output)
    }
}

impl From<EventStream> for Answer {
    fn from(stream: EventStream) -> Self {
        Self::Stream(stream)
    }
}

/// What an operation's function may give: an answer or a refusal, or an output where nothing can be refused.
pub trait IntoAnswer {
    /// The answer.
    fn into_answer(self) -> Result<Answer, Fault>;
}

impl<T: Into<Answer>> IntoAnswer for Result<T, Fault> {
    fn into_answer(self) -> Result<Answer, Fault> {
        self.map(Into::into)
    }
}

impl IntoAnswer for Value {
    fn into_answer(self) -> Result<Answer, Fault> {
        Ok(self.into())
    }
}

/// One call of an operation.
#[derive(Debug)]
pub struct Call {
    /// The sandbox that is called.
    pub sandbox: Arc<Sandbox>,
    /// The service whose operation it is.
    pub service: &'static Service,
    /// The operation.
    pub operation: &'static str,
    /// The members, by their wire names.
    pub input: Value,
    /// Who calls.
    pub identity: Identity,
}

impl Call {
    /// The typed input, or the service's validation error.
    pub fn parse<T: DeserializeOwned>(self) -> Result<(Arc<Sandbox>, T), Fault> {
        match lenient::from_value(self.input) {
            Ok(input) => Ok((self.sandbox, input)),
            Err(misfit) => {
                Err(self.service.misfit(&format!("{}:{}", self.service.signing_name, self.operation), &misfit))
            }
        }
    }
}

impl Service {
    /// Calls an operation, or refuses one that is not served, or whose input does not satisfy the model.
    pub async fn call(
        &'static self,
        sandbox: &Arc<Sandbox>,
        operation: &str,
        mut input: Value,
        identity: Identity,
    ) -> Result<Answer, Fault> {
        if self.signing_name == control::SIGNING_NAME && matches!(identity, Identity::Role(_)) {
            return Err(Fault::client("AccessDeniedException", "Control calls need the sandbox's own credentials"));
        }
        let Some(found) = self.operations.iter().find(|candidate| candidate.name == operation) else {
            return Err(Fault::not_implemented(&format!("{}:{operation}", self.signing_name)));
        };
        if let Some(model) = self.model() {
            self.satisfied(&model::violations(model, operation, &input))?;
        }
        if self.is_ec2() && input.get("DryRun").is_some_and(|asked| *asked == true) {
            let message = "Request would have succeeded, but DryRun flag is set.";
            return Err(Fault::new(412, "DryRunOperation", message));
        }
        if self.is_ec2() {
            ec2::members::strip(operation, &mut input);
        }
        (found.run)(Call { sandbox: Arc::clone(sandbox), service: self, operation: found.name, input, identity }).await
    }

    /// Refuses what only AWS's own services may ask of it: a caller's requests come through here, theirs do not.
    pub fn check_caller(&self, operation: &str, input: &Value) -> Result<(), Fault> {
        let is_served = self.operations.iter().any(|candidate| candidate.name == operation);
        if is_served { tagging::check_caller(self.signing_name, input) } else { Ok(()) }
    }

    /// What AWS's own model says of the service.
    pub fn model(&self) -> Option<&'static Model> {
        model::of(self.signing_name)
    }

    /// A decoded input with the types that the model gives its members.
    pub fn read(&self, protocol: Protocol, operation: &str, input: Value) -> Result<Value, Fault> {
        let Some(model) = self.model() else { return Ok(input) };
        if self.is_ec2()
            && let Some(unknown) =
                input.as_object().and_then(|given| given.keys().find(|name| !model.knows(operation, name)))
        {
            return Err(Fault::client("UnknownParameter", format!("The parameter {unknown} is not recognized")));
        }
        model::read(model, operation, protocol.source(), input).map_err(|misread| self.misread(misread))
    }

    /// An input that did not come over the wire, with the types of the model all the same. EC2's model has the names that
    /// only its queries use.
    pub fn typed(&self, operation: &str, input: Value) -> Result<Value, Fault> {
        let Some(model) = self.model().filter(|_| !self.is_ec2()) else { return Ok(input) };
        model::read(model, operation, model::Source::Typed, input).map_err(|misread| self.misread(misread))
    }

    fn misread(&self, misread: Misread) -> Fault {
        match misread {
            Misread::Type(sentence) => Fault::client("SerializationException", sentence),
            Misread::Text(path, text) if self.is_ec2() => {
                Fault::client("InvalidParameterValue", format!("Invalid value '{text}' for {path}."))
            }
            Misread::Text(path, text) => {
                Fault::client("MalformedInput", format!("'{text}' at '{}' is no such value", lower_first(&path)))
            }
        }
    }

    fn is_ec2(&self) -> bool {
        matches!(self.protocols, [Protocol::Ec2Query { .. }])
    }

    fn satisfied(&self, violations: &[Violation]) -> Result<(), Fault> {
        let Some(first) = violations.first() else { return Ok(()) };
        let message = match first {
            Violation::Missing(path) if self.is_ec2() => {
                return Err(Fault::client("MissingParameter", missing_parameter(path)));
            }
            Violation::Said(sentence) => sentence.clone(),
            _ => {
                let clauses: Vec<String> = violations.iter().filter_map(clause).collect();
                let errors = if clauses.len() == 1 { "error" } else { "errors" };
                format!("{} validation {errors} detected: {}", clauses.len(), clauses.join("; "))
            }
        };
        Err(Fault::client(self.validation_code, message))
    }

    fn misfit(&self, asked: &str, misfit: &Misfit) -> Fault {
        let message = match misfit {
            // The inputs that refuse unknown members: what AWS would do with it, the sandbox does not.
            Misfit::Unknown(member) if self.model().is_some() => {
                return Fault::not_implemented(&format!("{asked} with the member {member}"));
            }
            Misfit::Missing(member) if self.is_ec2() => missing_parameter(member),
            Misfit::Other(_) | Misfit::Beyond(..) if self.is_ec2() => {
                return Fault::client("InvalidParameterValue", misfit.to_string());
            }
            Misfit::Missing(member) => {
                let clause = clause(&Violation::Missing((*member).to_owned())).unwrap_or_default();
                format!("1 validation error detected: {clause}")
            }
            beyond @ Misfit::Beyond(..) => format!("1 validation error detected: {beyond}"),
            other => other.to_string(),
        };
        Fault::client(self.validation_code, message)
    }
}

fn missing_parameter(path: &str) -> String {
    format!("The request must contain the parameter {path}")
}

fn clause(violation: &Violation) -> Option<String> {
    match violation {
        Violation::Missing(path) => {
            let path = path.split('.').map(lower_first).collect::<Vec<_>>().join(".");
            Some(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"))
        }
        Violation::Unsatisfied(clause) => Some(clause.clone()),
        Violation::Said(_) => None,
    }
}

/// `stackName` for `StackName`, as AWS's validation errors write members.
pub fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// The service of a signing name.
pub fn find(signing_name: &str) -> Result<&'static Service, Fault> {
    let found = SERVICES.iter().find(|service| service.signing_name == signing_name);
    found.copied().ok_or_else(|| Fault::not_implemented(&format!("the service {signing_name}")))
}

/// A row of a service's operations: `operation!("Name" => function)` for `fn(&Arc<Sandbox>, Input) -> Reply` (or `-> Value`),
/// `operation!(async "Name" => function)` for `async fn(Arc<Sandbox>, Input) -> Reply`.
macro_rules! operation {
    ($name:literal => $function:expr) => {
        $crate::services::Operation {
            name: $name,
            run: |call| {
                Box::pin(async move {
                    let (sandbox, input) = call.parse()?;
                    $crate::services::IntoAnswer::into_answer(($function)(&sandbox, input))
                })
            },
        }
    };
    (async $name:literal => $function:expr) => {
        $crate::services::Operation {
            name: $name,
            run: |call| {
                Box::pin(async move {
                    let (sandbox, input) = call.parse()?;
                    $crate::services::IntoAnswer::into_answer(($function)(sandbox, input).await)
                })
            },
        }
    };
}
pub(crate) use operation;
