//! Evaluates parts of a template in a scope.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::functions::{self, AllowedIn, only_member};
use super::{Template, dynamic_references, parameters};
use crate::Config;
use crate::cloudformation::model::{MASK, StackDefinition};

/// Why a part cannot be evaluated.
pub(crate) type EvaluationError = String;

/// The values of a resource that a template refers to.
#[derive(Debug, Clone)]
pub(crate) enum ResourceValues {
    /// The physical id and the attributes.
    Known(String, Map<String, Value>),
    /// Not known until the resource exists.
    Unknown,
}

/// What the references of a template resolve to.
#[derive(Debug)]
pub(crate) struct EvaluationScope<'a> {
    /// The template, whose mappings and conditions are used.
    pub template: &'a Template,
    /// The account and region.
    pub config: &'a Config,
    pub stack_name: &'a str,
    /// The stack's ARN.
    pub stack_id: &'a str,
    /// Parameters: texts or lists of texts.
    pub parameters: BTreeMap<String, Value>,
    /// Resources by logical id.
    pub resources: BTreeMap<String, ResourceValues>,
    /// Exports by name.
    pub exports: BTreeMap<String, String>,
    /// The values of dynamic references to SSM parameters.
    pub dynamic: dynamic_references::ResolvedReferences,
    /// The stack's notification topics.
    pub notification_arns: Vec<String>,
    /// What has been evaluated so far.
    pub progress: Evaluations,
}

/// The maximum size of what the functions of one scope produce, in bytes: twice AWS's largest template. Nested functions can multiply
/// the sizes of their results.
const MAX_PRODUCED: usize = 2_000_000;

/// What a scope has evaluated so far.
#[derive(Debug, Default)]
pub(crate) struct Evaluations {
    /// The evaluated conditions. Conditions refer to each other: without this, evaluating them takes exponential time.
    conditions: Mutex<BTreeMap<String, Result<bool, EvaluationError>>>,
    /// The size of the values of functions, in bytes.
    produced: AtomicUsize,
}

/// The placeholder of a value that is not known until a resource exists. It cannot be in a template by accident.
pub(crate) const UNKNOWN: &str = "\u{1}known after deployment";

impl<'a> EvaluationScope<'a> {
    /// The scope of a template with parameters, and without resources, exports and dynamic references.
    pub(crate) fn new(
        template: &'a Template,
        config: &'a Config,
        stack_name: &'a str,
        stack_id: &'a str,
        parameters: BTreeMap<String, Value>,
    ) -> Self {
        Self {
            template,
            config,
            stack_name,
            stack_id,
            parameters,
            resources: BTreeMap::new(),
            exports: BTreeMap::new(),
            dynamic: dynamic_references::ResolvedReferences::default(),
            notification_arns: Vec::new(),
            progress: Evaluations::default(),
        }
    }

    /// The scope of a stack's definition, without resources and exports. `template` is the definition's.
    pub(crate) fn of_definition(
        definition: &StackDefinition,
        template: &'a Template,
        config: &'a Config,
        stack_name: &'a str,
        stack_id: &'a str,
    ) -> Self {
        Self {
            dynamic: definition.dynamic.clone(),
            notification_arns: definition.notification_arns.clone(),
            ..Self::new(template, config, stack_name, stack_id, parameters::scope(template, &definition.parameters))
        }
    }
}

impl EvaluationScope<'_> {
    /// The problem of a list or an object where a text is expected.
    pub(crate) const NOT_TEXT: &'static str = "Template error: a text is expected where a list or an object is";

    /// The problem of functions that produce too much.
    pub(crate) const TOO_LARGE: &'static str =
        "Template error: the values of the template's functions exceed 2000000 bytes";

    /// Whether a condition of the template holds.
    pub(crate) fn condition(&self, name: &str) -> Result<bool, EvaluationError> {
        let conditions = || self.progress.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = conditions().get(name).cloned() {
            return known;
        }
        let condition = self.template.section("Conditions").get(name);
        let unknown = || format!("Template error: unresolved condition dependency {name} in Fn::If");
        let is_true = condition.ok_or_else(unknown).and_then(|condition| self.is_true(condition));
        conditions().insert(name.to_owned(), is_true.clone());
        is_true
    }

    /// Counts bytes that a function produces, and refuses too many.
    pub(crate) fn produce(&self, bytes: usize) -> Result<(), EvaluationError> {
        let before = self.progress.produced.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= MAX_PRODUCED { Ok(()) } else { Err(Self::TOO_LARGE.to_owned()) }
    }

    /// Refuses a template whose functions have produced too much, even if their problems were ignored.
    pub(crate) fn check_size(&self) -> Result<(), EvaluationError> {
        self.produce(0)
    }

    pub(crate) fn is_true(&self, condition: &Value) -> Result<bool, EvaluationError> {
        let function = only_member(condition).and_then(|(name, argument)| Some((functions::find(name)?, argument)));
        let value = match function {
            Some((function, argument)) => (function.call)(self, argument)?,
            None => Some(condition.clone()),
        };
        match value {
            Some(Value::Bool(is_true)) => Ok(is_true),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            _ => Err("Template error: a condition does not evaluate to true or false".to_owned()),
        }
    }

    /// Evaluates a value, and replaces its dynamic references; `None` for `AWS::NoValue`.
    pub(crate) fn resolve(&self, value: &Value) -> Result<Option<Value>, EvaluationError> {
        Ok(self.evaluate(value)?.map(|value| self.dynamic.replace(value)))
    }

    /// Evaluates a value; dynamic references stay, as they do in outputs.
    pub(crate) fn evaluate(&self, value: &Value) -> Result<Option<Value>, EvaluationError> {
        if let Some((name, argument)) = only_member(value)
            && functions::is_call(name)
        {
            let function = functions::find(name).filter(|function| function.allowed_in != AllowedIn::Condition);
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

    /// Resolves a value with masks in place of `hidden` parameters, and of functions that cannot be evaluated on masks.
    pub(crate) fn resolve_masked(&self, value: &Value, hidden: &[&str]) -> Value {
        let conditions = self.template.section("Conditions").keys();
        let conditions = conditions.map(|name| (name.clone(), self.condition(name))).collect();
        let parameters = self.parameters.iter().map(|(name, value)| {
            let value = if hidden.contains(&name.as_str()) { mask(value) } else { value.clone() };
            (name.clone(), value)
        });
        let scope = EvaluationScope {
            parameters: parameters.collect(),
            resources: self.resources.clone(),
            exports: self.exports.clone(),
            dynamic: self.dynamic.clone(),
            notification_arns: self.notification_arns.clone(),
            progress: Evaluations { conditions: Mutex::new(conditions), produced: AtomicUsize::new(0) },
            ..*self
        };
        scope.dynamic.replace(scope.evaluate_masked(value).unwrap_or_default())
    }

    fn evaluate_masked(&self, value: &Value) -> Option<Value> {
        match value {
            _ if only_member(value).is_some_and(|(name, _)| functions::is_call(name)) => {
                self.evaluate(value).unwrap_or_else(|_| Some(MASK.into()))
            }
            Value::Array(items) => Some(items.iter().filter_map(|item| self.evaluate_masked(item)).collect()),
            Value::Object(members) => {
                let masked = |(name, member): (&String, &Value)| Some((name.clone(), self.evaluate_masked(member)?));
                Some(Value::Object(members.iter().filter_map(masked).collect()))
            }
            scalar => Some(scalar.clone()),
        }
    }

    /// Evaluates a value to text.
    pub(crate) fn text(&self, value: &Value) -> Result<String, EvaluationError> {
        match self.evaluate(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(flag.to_string()),
            _ => Err(Self::NOT_TEXT.to_owned()),
        }
    }

    /// The value of `Ref`.
    pub(crate) fn reference(&self, name: &str) -> Result<Option<Value>, EvaluationError> {
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
            Some(ResourceValues::Known(id, _)) => Ok(Some(id.as_str().into())),
            Some(ResourceValues::Unknown) => Ok(Some(UNKNOWN.into())),
            None => Err(format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            )),
        }
    }

    /// The value of `Fn::GetAtt`.
    pub(crate) fn attribute(&self, name: &str, attribute: &str) -> Result<Value, EvaluationError> {
        match self.resources.get(name) {
            Some(ResourceValues::Unknown) => Ok(UNKNOWN.into()),
            Some(ResourceValues::Known(_, attributes)) => {
                let value = attributes.get(attribute).cloned();
                value.ok_or_else(|| format!("Attribute '{attribute}' does not exist"))
            }
            None => Err(format!("Template error: instance of Fn::GetAtt references undefined resource {name}")),
        }
    }
}

/// A mask in place of a parameter's value, or of each item of a list.
fn mask(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(mask).collect(),
        _ => MASK.into(),
    }
}

/// The approximate size of a value in memory, in bytes.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, member)| name.len() + size(member)).sum(),
        _ => 0,
    }
}

/// The pseudo parameters.
pub(crate) const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];
