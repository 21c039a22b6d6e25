//! One fault: what it strikes and how, as it is written in `PutFaults`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Fault;
use crate::base::glob::matches;

/// The longest delay: an hour.
const MAX_SECONDS: f64 = 3600.0;

/// A fault of requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationFault {
    /// `service:Operation`, by the service's signing name; `*` stands for any text, `?` for any character.
    operation: String,
    /// Members that the input must have with these values; texts are patterns as well.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    input: Map<String, Value>,
    /// What happens.
    pub(super) effect: Effect,
    /// The HTTP status of `fail`; 400 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The error code of `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The sentence of `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// How long `delay` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// How often it strikes; always when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
    /// How likely it strikes, above 0 and up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
}

/// What happens to a request; see [`super::Strike`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Refused as too many requests are.
    Throttle,
    /// Refused with a code.
    Fail,
    /// Done later.
    Delay,
    /// Never answered.
    Hang,
    /// The connection is closed.
    Cut,
    /// The connection is closed in the middle of the answer.
    CutAnswer,
}

/// A fault of resources of stacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceFault {
    /// A type such as `AWS::ECS::Service`, or a logical id: a pattern.
    resource: String,
    /// The name of the stack; a pattern; any when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    /// What fails.
    on: Verb,
    /// The reason that its event gives.
    pub(super) reason: String,
    /// How often it strikes; always when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
}

/// What a stack does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Deletes it.
    Delete,
}

fn wrong(message: String) -> Fault {
    Fault::client("ValidationException", message)
}

impl OperationFault {
    pub(super) fn fits(&self, name: &str, input: &Value) -> bool {
        matches(&self.operation, name)
            && self.input.iter().all(|(member, wanted)| match (wanted, input.get(member)) {
                (Value::String(pattern), Some(Value::String(text))) => matches(pattern, text),
                (wanted, given) => given == Some(wanted),
            })
    }

    /// What `fail` answers.
    pub(super) fn refusal(&self) -> Fault {
        let message = self.message.clone().unwrap_or_else(|| "A fault that was asked for".to_owned());
        Fault::new(self.status.unwrap_or(400), self.code.clone().unwrap_or_default(), message)
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or_default().clamp(0.0, MAX_SECONDS))
    }

    /// Refuses a fault that could never strike, or whose members do not go together.
    pub(super) fn check(&self, operations: &[String]) -> Result<(), Fault> {
        let operation = &self.operation;
        if !operations.iter().any(|name| matches(operation, name)) {
            return Err(wrong(format!("the sandbox serves no operation {operation}")));
        }
        if self.effect == Effect::Fail && self.code.as_deref().unwrap_or_default().is_empty() {
            return Err(wrong(format!("the fault of {operation} needs a code")));
        }
        if self.effect != Effect::Fail && (self.status.is_some() || self.code.is_some() || self.message.is_some()) {
            return Err(wrong(format!("status, code and message of the fault of {operation} go with `fail` only")));
        }
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err(wrong(format!("the status of the fault of {operation} is not an error's (400 to 599)")));
        }
        let is_delay = self.effect == Effect::Delay;
        if is_delay != self.seconds.is_some_and(|seconds| seconds > 0.0 && seconds <= MAX_SECONDS) {
            return Err(wrong(format!(
                "`delay` takes seconds, above 0 and up to {MAX_SECONDS}, and only `delay` does"
            )));
        }
        if self.probability.is_some_and(|probability| !(probability > 0.0 && probability <= 1.0)) {
            return Err(wrong(format!("the probability of the fault of {operation} is not above 0 and up to 1")));
        }
        Ok(())
    }
}

impl ResourceFault {
    pub(super) fn fits(&self, stack: &str, logical_id: &str, kind: &str, verb: Verb) -> bool {
        self.on == verb
            && self.stack.as_ref().is_none_or(|pattern| matches(pattern, stack))
            && (matches(&self.resource, kind) || matches(&self.resource, logical_id))
    }

    /// Refuses a fault of a type that is not served.
    pub(super) fn check(&self, resource_types: &[&str]) -> Result<(), Fault> {
        let resource = &self.resource;
        if resource.contains("::") && !resource_types.iter().any(|name| matches(resource, name)) {
            return Err(wrong(format!("the sandbox serves no resource type {resource}")));
        }
        Ok(())
    }
}
