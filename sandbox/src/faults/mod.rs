//! Faults for tests: what a caller of the control API asked to go wrong, so that clients can be seen to cope with it.
//!
//! They are never stored: a sandbox that starts has none. Calls among the sandbox's own services are not touched by faults of
//! operations, and control calls never are, so that faults can always be taken back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod rules;

pub use rules::{OperationFault, ResourceFault, Verb};

use crate::Fault;
use crate::auth::Dialect;
use rules::Effect;

/// What goes wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// With requests; the first that fits a request strikes.
    #[serde(default)]
    operations: Vec<Counted<OperationFault>>,
    /// With CloudFormation's resources; the first that fits one strikes.
    #[serde(default)]
    resources: Vec<Counted<ResourceFault>>,
}

/// A fault, and how often it struck.
#[derive(Debug, Deserialize)]
#[serde(from = "F")]
struct Counted<F> {
    fault: F,
    struck: u32,
}

impl<F> From<F> for Counted<F> {
    fn from(fault: F) -> Self {
        Self { fault, struck: 0 }
    }
}

impl<F> Counted<F> {
    /// Whether it strikes this time, of at most `times`, with this probability.
    fn strikes(&mut self, times: Option<u32>, probability: Option<f64>) -> bool {
        let is_left = times.is_none_or(|times| self.struck < times);
        let strikes = is_left && probability.is_none_or(|probability| rand::rng().random_bool(probability));
        self.struck += u32::from(strikes);
        strikes
    }
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Strike {
    /// It is refused, and nothing is done.
    Refuse(Fault),
    /// It is done after a while.
    Delay(Duration),
    /// It is never answered, and nothing is done.
    Hang,
    /// Its connection is closed, and nothing is done.
    Cut,
    /// It is done, and its connection is closed in the middle of the answer.
    CutAnswer,
}

/// The faults of a sandbox.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Rules>);

impl Faults {
    fn with<T>(&self, work: impl FnOnce(&mut Rules) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the rules with others, unless one of these could never strike: `operations` and `resource_types` are all that are served.
    ///
    /// # Errors
    /// When a rule names nothing that is served, or its members do not go together.
    pub fn put(&self, rules: Rules, operations: &[String], resource_types: &[&str]) -> Result<(), Fault> {
        rules.operations.iter().try_for_each(|rule| rule.fault.check(operations))?;
        rules.resources.iter().try_for_each(|rule| rule.fault.check(resource_types))?;
        self.with(|current| *current = rules);
        Ok(())
    }

    /// The rules, each with how often it struck.
    pub fn describe(&self) -> Value {
        fn shown<F: Serialize>(rules: &[Counted<F>]) -> Vec<Value> {
            let show = |rule: &Counted<F>| {
                let mut fault = json!(rule.fault);
                fault["struck"] = rule.struck.into();
                fault
            };
            rules.iter().map(show).collect()
        }
        self.with(|rules| json!({ "operations": shown(&rules.operations), "resources": shown(&rules.resources) }))
    }

    /// What happens to a request, if anything; `name` is `SERVICE:OPERATION`.
    pub fn strike(&self, name: &str, dialect: Dialect, input: &Value) -> Option<Strike> {
        self.with(|rules| {
            let struck = rules.operations.iter_mut().find_map(|rule| {
                let OperationFault { times, probability, .. } = rule.fault;
                (rule.fault.fits(name, input) && rule.strikes(times, probability)).then_some(&rule.fault)
            })?;
            Some(match struck.effect {
                Effect::Throttle => Strike::Refuse(throttled(dialect)),
                Effect::Fail => Strike::Refuse(struck.refusal()),
                Effect::Delay => Strike::Delay(struck.delay()),
                Effect::Hang => Strike::Hang,
                Effect::Cut => Strike::Cut,
                Effect::CutAnswer => Strike::CutAnswer,
            })
        })
    }

    /// The reason why a resource fails, if it is to.
    pub fn strike_resource(&self, stack: &str, logical_id: &str, kind: &str, verb: Verb) -> Option<String> {
        self.with(|rules| {
            rules.resources.iter_mut().find_map(|rule| {
                let fits = rule.fault.fits(stack, logical_id, kind, verb);
                (fits && rule.strikes(rule.fault.times, None)).then(|| rule.fault.reason.clone())
            })
        })
    }
}

/// How each family of protocols says that there were too many requests.
fn throttled(dialect: Dialect) -> Fault {
    match dialect {
        Dialect::Query => Fault::new(400, "Throttling", "Rate exceeded"),
        Dialect::Ec2 => Fault::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        Dialect::Json => Fault::new(400, "ThrottlingException", "Rate exceeded"),
    }
}
