//! Rules of fault injection, as they are written in `PutFaults`: what they match and what they do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::Fault;
use crate::base::glob;
use crate::base::token_bucket::TokenBucket;

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
    /// The requests per second that `throttle` lets pass; none when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<f64>,
    #[serde(skip)]
    bucket: Option<TokenBucket>,
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

/// A rule for log events: a batch of them is ingested late.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LogRule {
    /// The name of the log group, with wildcards.
    group: String,
    /// How much later the events are ingested, by the wall clock.
    seconds: f64,
    /// How often it is applied; always when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
    /// The probability with which it is applied, above 0 and up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
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

fn is_valid_delay(seconds: f64) -> bool {
    seconds > 0.0 && seconds <= MAX_DELAY_SECONDS
}

fn to_delay(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, MAX_DELAY_SECONDS))
}

fn check_probability(probability: Option<f64>, name: &str) -> Result<(), Fault> {
    if probability.is_some_and(|probability| !(probability > 0.0 && probability <= 1.0)) {
        return Err(validation_error(format!("the probability of the rule for {name} must be above 0 and at most 1")));
    }
    Ok(())
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
        to_delay(self.seconds.unwrap_or_default())
    }

    /// Counts a request, and returns whether it is within `perSecond`.
    pub(super) fn is_within_rate(&mut self, now: Instant) -> bool {
        self.per_second
            .is_some_and(|per_second| self.bucket.get_or_insert_with(|| TokenBucket::new(per_second, now)).take(now))
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
        if is_delay != self.seconds.is_some_and(is_valid_delay) {
            return Err(validation_error(format!(
                "the effect `delay`, and no other, needs seconds: above 0 and at most {MAX_DELAY_SECONDS}"
            )));
        }
        let is_throttle = self.effect == Effect::Throttle;
        if self.per_second.is_some_and(|rate| !(is_throttle && rate > 0.0 && rate.is_finite())) {
            return Err(validation_error(format!(
                "perSecond of the rule for {operation} must be above 0, and only the effect `throttle` has it"
            )));
        }
        check_probability(self.probability, operation)
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

impl LogRule {
    pub(super) fn matches(&self, group: &str) -> bool {
        glob::matches(&self.group, group)
    }

    pub(super) fn delay(&self) -> Duration {
        to_delay(self.seconds)
    }

    /// Refuses a rule with numbers out of range.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let group = &self.group;
        if !is_valid_delay(self.seconds) {
            return Err(validation_error(format!(
                "seconds of the rule for the log group {group} must be above 0 and at most {MAX_DELAY_SECONDS}"
            )));
        }
        check_probability(self.probability, group)
    }
}
