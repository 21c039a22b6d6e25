//! Fault injection: errors, delays and aborted connections that a user sets to test clients.
//!
//! Rules are never stored: a sandbox starts without any. Calls between the sandbox's own services are not affected by rules for
//! operations, and control calls never are, so that rules can always be removed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

mod fault_rule;

pub(crate) use fault_rule::{LogRule, OperationRule, ResourceRule, Verb};

use crate::Fault;
use crate::auth::ErrorFormat;
use fault_rule::Effect;

/// All rules. The first that matches and has not been used up applies.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// For requests.
    #[serde(default)]
    operations: Vec<CountedRule<OperationRule>>,
    /// For resources of CloudFormation's stacks.
    #[serde(default)]
    resources: Vec<CountedRule<ResourceRule>>,
    /// For log events.
    #[serde(default)]
    logs: Vec<CountedRule<LogRule>>,
}

/// A rule, and how often it has been applied.
#[derive(Debug, Deserialize)]
#[serde(from = "R")]
struct CountedRule<R> {
    rule: R,
    applied: u32,
}

impl<R> From<R> for CountedRule<R> {
    fn from(rule: R) -> Self {
        Self { rule, applied: 0 }
    }
}

impl<R> CountedRule<R> {
    /// Decides, with this probability, whether the rule is applied once more, up to `times` in all.
    fn applies(&mut self, times: Option<u32>, probability: Option<f64>) -> bool {
        let is_used_up = times.is_some_and(|times| self.applied >= times);
        let applies = !is_used_up && probability.is_none_or(|probability| rand::rng().random_bool(probability));
        self.applied += u32::from(applies);
        applies
    }
}

/// The fault that is injected into a request.
#[derive(Debug, Clone, PartialEq)]
pub enum InjectedFault {
    /// The request is refused, and nothing is done.
    Refuse(Fault),
    /// The operation is delayed.
    Delay(Duration),
    /// The request gets no response, and the operation is not run.
    Hang,
    /// The connection is closed, and nothing is done.
    Cut,
    /// The operation is run, and the connection is closed in the middle of the response.
    CutResponse,
}

/// The rules of a sandbox.
#[derive(Debug, Default)]
pub struct FaultInjector(Mutex<Rules>);

impl FaultInjector {
    fn with<T>(&self, work: impl FnOnce(&mut Rules) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces all rules. `operations` and `resource_types` are everything that the sandbox serves.
    ///
    /// # Errors
    /// When a rule could never match, or its members contradict each other.
    pub fn put(&self, rules: Rules, operations: &[String], resource_types: &[&str]) -> Result<(), Fault> {
        rules.operations.iter().try_for_each(|counted| counted.rule.check(operations))?;
        rules.resources.iter().try_for_each(|counted| counted.rule.check(resource_types))?;
        rules.logs.iter().try_for_each(|counted| counted.rule.check())?;
        self.with(|current| *current = rules);
        Ok(())
    }

    /// The rules, each with how often it has been applied.
    pub fn to_output(&self) -> Value {
        fn outputs<R: Serialize>(rules: &[CountedRule<R>]) -> Vec<Value> {
            let rule_output = |counted: &CountedRule<R>| {
                let mut output = json!(counted.rule);
                output["injected"] = counted.applied.into();
                output
            };
            rules.iter().map(rule_output).collect()
        }
        self.with(|Rules { operations, resources, logs }| {
            json!({ "operations": outputs(operations), "resources": outputs(resources), "logs": outputs(logs) })
        })
    }

    /// The fault to inject into a request, if a rule matches; `name` is `SERVICE:OPERATION`.
    pub fn next_for_request(&self, name: &str, error_format: ErrorFormat, input: &Value) -> Option<InjectedFault> {
        let now = Instant::now();
        self.with(|rules| {
            let rule = rules.operations.iter_mut().find_map(|counted| {
                let OperationRule { times, probability, .. } = counted.rule;
                let is_exceeded = counted.rule.matches(name, input) && !counted.rule.is_within_rate(now);
                (is_exceeded && counted.applies(times, probability)).then_some(&counted.rule)
            })?;
            Some(match rule.effect {
                Effect::Throttle => InjectedFault::Refuse(throttled(error_format)),
                Effect::Fail => InjectedFault::Refuse(rule.refusal()),
                Effect::Delay => InjectedFault::Delay(rule.delay()),
                Effect::Hang => InjectedFault::Hang,
                Effect::Cut => InjectedFault::Cut,
                Effect::CutResponse => InjectedFault::CutResponse,
            })
        })
    }

    /// The reason with which a resource is to fail, if a rule matches.
    pub fn next_for_resource(&self, stack: &str, logical_id: &str, resource_type: &str, verb: Verb) -> Option<String> {
        self.with(|rules| {
            rules.resources.iter_mut().find_map(|counted| {
                let matches = counted.rule.matches(stack, logical_id, resource_type, verb);
                (matches && counted.applies(counted.rule.times, None)).then(|| counted.rule.reason.clone())
            })
        })
    }

    /// How much later a batch of log events of a group is to be ingested, if a rule matches.
    pub fn next_for_log_events(&self, group: &str) -> Option<Duration> {
        self.with(|rules| {
            rules.logs.iter_mut().find_map(|counted| {
                let LogRule { times, probability, .. } = counted.rule;
                (counted.rule.matches(group) && counted.applies(times, probability)).then(|| counted.rule.delay())
            })
        })
    }
}

/// The throttling error of each family of protocols.
pub(crate) fn throttled(error_format: ErrorFormat) -> Fault {
    match error_format {
        ErrorFormat::Query => Fault::new(400, "Throttling", "Rate exceeded"),
        ErrorFormat::Ec2 => Fault::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        ErrorFormat::Json => Fault::new(400, "ThrottlingException", "Rate exceeded"),
    }
}
