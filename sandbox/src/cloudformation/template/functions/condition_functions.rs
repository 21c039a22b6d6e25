//! Functions of conditions, and `Fn::If`.

use serde_json::Value;

use super::{AllowedIn, FunctionResult, find, only_member, require};
use crate::cloudformation::template::evaluation_scope::{EvaluationError, EvaluationScope};

const EQUALS: &str = "Template error: every Fn::Equals object requires a list of 2 string parameters.";
const IF: &str = "Template error: Fn::If requires a list argument with three elements";

fn is_condition(value: &Value) -> bool {
    let function = only_member(value).and_then(|(name, _)| find(name));
    function.is_some_and(|function| matches!(function.allowed_in, AllowedIn::Condition | AllowedIn::Rule))
}

pub(super) fn check_equals(argument: &Value) -> Result<(), EvaluationError> {
    require(argument.as_array().is_some_and(|parts| parts.len() == 2), EQUALS)
}

pub(super) fn equals(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let [left, right] = [&argument[0], &argument[1]].map(|side| comparable(scope, side));
    Ok(Some(Value::Bool(left? == right?)))
}

/// Scalars are compared as text: `true` and `"true"` are equal. A parameter is compared by its text, even if that is `AWS::NoValue`.
fn comparable(scope: &EvaluationScope<'_>, side: &Value) -> FunctionResult {
    let reference = only_member(side).filter(|(name, _)| *name == "Ref");
    let parameter = reference.and_then(|(_, name)| scope.parameters.get(name.as_str()?));
    Ok(match parameter.map_or_else(|| scope.evaluate(side), |value| Ok(Some(value.clone())))? {
        Some(Value::Bool(flag)) => Some(flag.to_string().into()),
        Some(Value::Number(number)) => Some(number.to_string().into()),
        other => other,
    })
}

pub(super) fn check_not(argument: &Value) -> Result<(), EvaluationError> {
    let parts = argument.as_array().filter(|parts| parts.len() == 1);
    let sentence = "Template error: every Fn::Not object requires one boolean parameter.";
    require(parts.is_some_and(|parts| is_condition(&parts[0])), sentence)
}

pub(super) fn not(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    Ok(Some(Value::Bool(!scope.is_true(&argument[0])?)))
}

fn check_list(argument: &Value, name: &str) -> Result<(), EvaluationError> {
    let parts = argument.as_array().filter(|parts| (2..=10).contains(&parts.len()));
    if parts.is_some_and(|parts| parts.iter().all(is_condition)) {
        return Ok(());
    }
    Err(format!("Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."))
}

pub(super) fn check_and(argument: &Value) -> Result<(), EvaluationError> {
    check_list(argument, "Fn::And")
}

pub(super) fn and(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let mut all = argument.as_array().into_iter().flatten();
    Ok(Some(Value::Bool(
        all.try_fold(true, |result, condition| Ok::<_, EvaluationError>(scope.is_true(condition)? && result))?,
    )))
}

pub(super) fn check_or(argument: &Value) -> Result<(), EvaluationError> {
    check_list(argument, "Fn::Or")
}

pub(super) fn or(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let mut all = argument.as_array().into_iter().flatten();
    Ok(Some(Value::Bool(
        all.try_fold(false, |result, condition| Ok::<_, EvaluationError>(scope.is_true(condition)? || result))?,
    )))
}

pub(super) fn check_named(argument: &Value) -> Result<(), EvaluationError> {
    require(argument.is_string(), "Template format error: Every Condition member must be a string.")
}

pub(super) fn named(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    Ok(Some(Value::Bool(scope.condition(argument.as_str().unwrap_or_default())?)))
}

pub(super) fn check_if_else(argument: &Value) -> Result<(), EvaluationError> {
    let parts = argument.as_array().filter(|parts| parts.first().is_some_and(Value::is_string));
    let parts =
        parts.ok_or("Template error: Fn::If requires a list argument with the first element being a condition")?;
    require(parts.len() == 3, IF)
}

pub(super) fn if_else(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let Some([Value::String(name), yes, no]) = argument.as_array().map(Vec::as_slice) else {
        return Err(IF.to_owned());
    };
    scope.evaluate(if scope.condition(name)? { yes } else { no })
}
