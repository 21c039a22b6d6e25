//! What a part of a template becomes, given what is known.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::functions::{self, Place, single};
use super::{Template, dynamic};
use crate::Config;
use crate::cloudformation::model::MASK;

/// Why a part has no value.
pub type Problem = String;

/// What is known of a resource that a template refers to.
#[derive(Debug, Clone)]
pub enum Known {
    /// Its id and its attributes.
    Resource(String, Map<String, Value>),
    /// It will be there, but nothing is known of it yet.
    Later,
}

/// What references resolve to.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The template, for its mappings and conditions.
    pub template: &'a Template,
    /// The account and region.
    pub config: &'a Config,
    /// The stack's name.
    pub stack_name: &'a str,
    /// The stack's ARN.
    pub stack_id: &'a str,
    /// Parameters: texts or lists of texts.
    pub parameters: BTreeMap<String, Value>,
    /// Resources by logical id.
    pub resources: BTreeMap<String, Known>,
    /// Exports by name.
    pub exports: BTreeMap<String, String>,
    /// What dynamic references to SSM parameters stand for.
    pub dynamic: dynamic::Values,
    /// The topics that are told of the stack's events.
    pub notification_arns: Vec<String>,
    /// What has been evaluated so far.
    pub progress: Progress,
}

/// What the functions of one scope may produce, in bytes: twice AWS's largest template. Templates whose functions multiply
/// each other's results produce any amount.
const MAX_PRODUCED: usize = 2_000_000;

/// What a scope has evaluated so far.
#[derive(Debug, Default)]
pub struct Progress {
    /// The conditions that are known. Conditions name each other: without this, evaluating them takes exponential time.
    conditions: Mutex<BTreeMap<String, Result<bool, Problem>>>,
    /// Bytes of the values that functions gave.
    produced: AtomicUsize,
}

/// What stands for a value that is only known when a resource is there; it is in no user's template by accident.
pub const LATER: &str = "\u{1}known after deployment";

impl Scope<'_> {
    /// The problem of a list or an object where a text is expected.
    pub const NO_TEXT: &'static str = "Template error: a text is expected where a list or an object is";

    /// The problem of functions that produce too much.
    pub const TOO_LARGE: &'static str = "Template error: the values of the template's functions exceed 2000000 bytes";

    /// Whether a condition of the template holds.
    pub fn condition(&self, name: &str) -> Result<bool, Problem> {
        let conditions = || self.progress.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = conditions().get(name).cloned() {
            return known;
        }
        let condition = self.template.section("Conditions").get(name);
        let unknown = || format!("Template error: unresolved condition dependency {name} in Fn::If");
        let holds = condition.ok_or_else(unknown).and_then(|condition| self.holds(condition));
        conditions().insert(name.to_owned(), holds.clone());
        holds
    }

    /// Counts what a function is about to produce or has produced, in bytes.
    pub fn produce(&self, bytes: usize) -> Result<(), Problem> {
        let before = self.progress.produced.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= MAX_PRODUCED { Ok(()) } else { Err(Self::TOO_LARGE.to_owned()) }
    }

    /// Refuses a template whose functions have produced too much, even where nothing else was made of their problem.
    pub fn check_size(&self) -> Result<(), Problem> {
        self.produce(0)
    }

    /// Whether a condition function gives true.
    pub fn holds(&self, condition: &Value) -> Result<bool, Problem> {
        let function = single(condition).and_then(|(name, argument)| Some((functions::find(name)?, argument)));
        let value = match function {
            Some((function, argument)) => (function.call)(self, argument)?,
            None => Some(condition.clone()),
        };
        match value {
            Some(Value::Bool(holds)) => Ok(holds),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            _ => Err("Template error: a condition does not evaluate to true or false".to_owned()),
        }
    }

    /// A value with its functions and its dynamic references replaced; `None` for `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Result<Option<Value>, Problem> {
        Ok(self.evaluate(value)?.map(|value| self.dynamic.replace(value)))
    }

    /// A value with its functions replaced; dynamic references stay, as they do in outputs.
    pub fn evaluate(&self, value: &Value) -> Result<Option<Value>, Problem> {
        if let Some((name, argument)) = single(value)
            && functions::is_call(name)
        {
            let function = functions::find(name).filter(|function| function.place != Place::Condition);
            let value = (function.ok_or_else(|| functions::unsupported(name))?.call)(self, argument)?;
            self.produce(value.as_ref().map_or(1, size))?;
            return Ok(value);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let resolved: Result<Vec<_>, _> = items.iter().map(|item| self.evaluate(item)).collect();
                Value::Array(resolved?.into_iter().flatten().collect())
            }
            Value::Object(members) => {
                let mut resolved = Map::new();
                for (name, member) in members {
                    if let Some(member) = self.evaluate(member)? {
                        resolved.insert(name.clone(), member);
                    }
                }
                Value::Object(resolved)
            }
            scalar => scalar.clone(),
        }))
    }

    /// Resolves a value with asterisks in place of the `hidden` parameters, and of functions that cannot be evaluated on asterisks.
    pub fn resolve_masked(&self, value: &Value, hidden: &[&str]) -> Value {
        let conditions = self.template.section("Conditions").keys();
        let conditions = conditions.map(|name| (name.clone(), self.condition(name))).collect();
        let parameters = self.parameters.iter().map(|(name, value)| {
            let value = if hidden.contains(&name.as_str()) { mask(value) } else { value.clone() };
            (name.clone(), value)
        });
        let scope = Scope {
            parameters: parameters.collect(),
            resources: self.resources.clone(),
            exports: self.exports.clone(),
            dynamic: self.dynamic.clone(),
            notification_arns: self.notification_arns.clone(),
            progress: Progress { conditions: Mutex::new(conditions), produced: AtomicUsize::new(0) },
            ..*self
        };
        scope.dynamic.replace(scope.part_masked(value).unwrap_or_default())
    }

    fn part_masked(&self, value: &Value) -> Option<Value> {
        match value {
            _ if single(value).is_some_and(|(name, _)| functions::is_call(name)) => {
                self.evaluate(value).unwrap_or_else(|_| Some(MASK.into()))
            }
            Value::Array(items) => Some(items.iter().filter_map(|item| self.part_masked(item)).collect()),
            Value::Object(members) => {
                let shown = |(name, member): (&String, &Value)| Some((name.clone(), self.part_masked(member)?));
                Some(Value::Object(members.iter().filter_map(shown).collect()))
            }
            scalar => Some(scalar.clone()),
        }
    }

    /// A value as text: booleans and numbers as the template writes them.
    pub fn text(&self, value: &Value) -> Result<String, Problem> {
        match self.evaluate(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(flag.to_string()),
            _ => Err(Self::NO_TEXT.to_owned()),
        }
    }

    /// What `Ref` gives.
    pub fn reference(&self, name: &str) -> Result<Option<Value>, Problem> {
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::Region" => Some(self.config.region.as_str()),
            "AWS::AccountId" => Some(self.config.account.as_str()),
            "AWS::Partition" => Some(self.config.partition().name),
            "AWS::URLSuffix" => Some(self.config.partition().url_suffix),
            "AWS::StackName" => Some(self.stack_name),
            "AWS::StackId" => Some(self.stack_id),
            "AWS::NotificationARNs" => return Ok(Some(self.notification_arns.clone().into())),
            _ => None,
        };
        if let Some(text) = pseudo {
            return Ok(Some(text.into()));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        match self.resources.get(name) {
            Some(Known::Resource(id, _)) => Ok(Some(id.as_str().into())),
            Some(Known::Later) => Ok(Some(LATER.into())),
            None => Err(format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            )),
        }
    }

    /// What `Fn::GetAtt` gives.
    pub fn attribute(&self, name: &str, attribute: &str) -> Result<Value, Problem> {
        match self.resources.get(name) {
            Some(Known::Later) => Ok(LATER.into()),
            Some(Known::Resource(_, attributes)) => {
                let value = attributes.get(attribute).cloned();
                value.ok_or_else(|| format!("Attribute '{attribute}' does not exist"))
            }
            None => Err(format!("Template error: instance of Fn::GetAtt references undefined resource {name}")),
        }
    }
}

/// Asterisks in place of a parameter's value, or of each member of a list.
fn mask(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(mask).collect(),
        _ => MASK.into(),
    }
}

/// About how much memory a value takes, in bytes.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, member)| name.len() + size(member)).sum(),
        _ => 0,
    }
}

/// The pseudo parameters.
pub const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];
