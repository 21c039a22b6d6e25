//! One rule of fault injection, as it is written in `PutFaults`: what it matches and what it does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Fault;
use crate::base::glob;

const MAX_DELAY_SECONDS: f64 = 3600.0;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OperationRule {
    /// `service:Operation`, by the service's signing name, with the wildcards `*` and `?`.
    operation: String,
    /// Members that the input must have with these values; strings may have wildcards.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    input: Map<String, Value>,
    pub(super) effect: Effect,
    /// The HTTP status of `fail`; 400 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The error code of `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The message of `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// How long `delay` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// How often it is applied; always when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
    /// The probability with which it is applied, above 0 and up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
}

/// What a rule does to a request; see [`super::InjectedFault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Effect {
    /// Refused with the protocol's throttling error.
    Throttle,
    /// Refused with `code`.
    Fail,
    /// Done after `seconds`.
    Delay,
    /// There is no response.
    Hang,
    /// The connection is closed.
    Cut,
    /// The connection is closed in the middle of the response.
    #[serde(rename = "cutAnswer")]
    CutResponse,
}

/// A rule for resources of stacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ResourceRule {
    /// A type such as `AWS::ECS::Service`, or a logical id, with wildcards.
    resource: String,
    /// The name of the stack, with wildcards; any when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<String>,
    /// The action that fails.
    on: Verb,
    /// The reason that its event gives.
    pub(super) reason: String,
    /// How often it is applied; always when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
}

/// An action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    Create,
    Update,
    Delete,
}

fn validation_error(message: String) -> Fault {
    Fault::client("ValidationException", message)
}

impl OperationRule {
    pub(super) fn matches(&self, name: &str, input: &Value) -> bool {
        glob::matches(&self.operation, name)
            && self.input.iter().all(|(member, expected)| match (expected, input.get(member)) {
                (Value::String(pattern), Some(Value::String(text))) => glob::matches(pattern, text),
                (expected, given) => given == Some(expected),
            })
    }

    /// The error of `fail`.
    pub(super) fn refusal(&self) -> Fault {
        let message = self.message.clone().unwrap_or_else(|| "an injected fault".to_owned());
        Fault::new(self.status.unwrap_or(400), self.code.clone().unwrap_or_default(), message)
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or_default().clamp(0.0, MAX_DELAY_SECONDS))
    }

    /// Refuses a rule that could never match, or whose members contradict each other.
    pub(super) fn check(&self, operations: &[String]) -> Result<(), Fault> {
        let operation = &self.operation;
        if !operations.iter().any(|name| glob::matches(operation, name)) {
            return Err(validation_error(format!("the sandbox serves no operation {operation}")));
        }
        if self.effect == Effect::Fail && self.code.as_deref().unwrap_or_default().is_empty() {
            return Err(validation_error(format!("the rule for {operation} has the effect `fail` but no code")));
        }
        if self.effect != Effect::Fail && (self.status.is_some() || self.code.is_some() || self.message.is_some()) {
            return Err(validation_error(format!(
                "the rule for {operation} has a status, code or message, which apply only to the effect `fail`"
            )));
        }
        if self.status.is_some_and(|status| !(400..600).contains(&status)) {
            return Err(validation_error(format!(
                "the status of the rule for {operation} is not an error status (400 to 599)"
            )));
        }
        let is_delay = self.effect == Effect::Delay;
        if is_delay != self.seconds.is_some_and(|seconds| seconds > 0.0 && seconds <= MAX_DELAY_SECONDS) {
            return Err(validation_error(format!(
                "the effect `delay`, and no other, needs seconds: above 0 and at most {MAX_DELAY_SECONDS}"
            )));
        }
        if self.probability.is_some_and(|probability| !(probability > 0.0 && probability <= 1.0)) {
            return Err(validation_error(format!(
                "the probability of the rule for {operation} must be above 0 and at most 1"
            )));
        }
        Ok(())
    }
}

impl ResourceRule {
    pub(super) fn matches(&self, stack: &str, logical_id: &str, resource_type: &str, verb: Verb) -> bool {
        self.on == verb
            && self.stack.as_ref().is_none_or(|pattern| glob::matches(pattern, stack))
            && (glob::matches(&self.resource, resource_type) || glob::matches(&self.resource, logical_id))
    }

    /// Refuses a rule for a type that is not served.
    pub(super) fn check(&self, resource_types: &[&str]) -> Result<(), Fault> {
        let resource = &self.resource;
        if resource.contains("::") && !resource_types.iter().any(|name| glob::matches(resource, name)) {
            return Err(validation_error(format!("the sandbox serves no resource type {resource}")));
        }
        Ok(())
    }
}
