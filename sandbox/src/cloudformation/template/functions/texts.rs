//! Functions on texts.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base64::Engine as _;
use serde_json::Value;

use super::{FunctionResult, may_be_list, may_be_text, require};
use crate::cloudformation::template::evaluation_scope::{EvaluationError, EvaluationScope, UNKNOWN};
use crate::cloudformation::template::parameters::declaration::scalar;
use crate::cloudformation::template::references::split;

/// The problem of a `Fn::Join` without a list.
pub(crate) const JOIN_ERROR: &str = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of \
                    strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";
const SUB: &str = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string \
                   as first argument, and an optional second argument to specify a mapping of values to replace in the string";
const SUB_NAME: &str = "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, \
                        underscores, periods, and colons";
const SUB_VALUE: &str = "Template error: every value of the context object of every Fn::Sub object must be a string or a \
                         function that returns a string";

pub(super) fn check_base64(argument: &Value) -> Result<(), EvaluationError> {
    require(may_be_text(argument), "Template error: every Fn::Base64 object must have a String-typed value.")
}

pub(super) fn base64(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let text = scope.text(argument)?;
    // An unknown value stays recognizable for change sets.
    let text = if text.contains(UNKNOWN) { text } else { base64::engine::general_purpose::STANDARD.encode(text) };
    Ok(Some(text.into()))
}

pub(super) fn check_join(argument: &Value) -> Result<(), EvaluationError> {
    let is_valid = matches!(argument.as_array().map(Vec::as_slice), Some([delimiter, items]) if delimiter.is_string() && may_be_list(items));
    require(is_valid, JOIN_ERROR)
}

pub(super) fn join(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let items = scope.evaluate(&argument[1])?.unwrap_or_default();
    if items == UNKNOWN {
        return Ok(Some(items));
    }
    let (Some(delimiter), Value::Array(items)) = (argument[0].as_str(), items) else {
        return Err(JOIN_ERROR.to_owned());
    };
    let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
    let texts = texts.ok_or(JOIN_ERROR)?;
    scope.produce(delimiter.len() * texts.len())?;
    Ok(Some(texts.join(delimiter).into()))
}

/// The text of a `Fn::Sub`, and its own variables.
fn sub_parts(argument: &Value) -> Option<(&str, Option<&Value>)> {
    match argument {
        Value::String(text) => Some((text, None)),
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(text), own] if own.is_object() => Some((text, Some(own))),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn check_sub(argument: &Value) -> Result<(), EvaluationError> {
    let (text, own) = sub_parts(argument).ok_or(SUB)?;
    let is_valid = |name: &str| {
        !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || "_.:".contains(character))
    };
    require(placeholders(text).iter().all(|name| is_valid(name)), SUB_NAME)?;
    let mut values = own.and_then(Value::as_object).into_iter().flatten();
    require(values.all(|(_, value)| may_be_text(value)), SUB_VALUE)
}

pub(super) fn substitute(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let (mut rest, own) = sub_parts(argument).ok_or(SUB)?;
    let mut text = String::new();
    // Each variable is evaluated once: nested `Fn::Sub`s would take exponential time.
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            text.push_str("${");
            rest = after;
            break;
        };
        match (name.strip_prefix('!'), own.and_then(|own| own.get(name.trim()))) {
            (Some(literal), _) => text.extend(["${", literal, "}"]),
            (None, Some(value)) => {
                let known = match values.entry(name.trim()) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(scope.text(value).map_err(|problem| value_problem(&problem))?),
                };
                scope.produce(known.len())?;
                text.push_str(known);
            }
            (None, None) => {
                let value = placeholder(scope, name.trim())?;
                scope.produce(value.len())?;
                text.push_str(&value);
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    Ok(Some(text.into()))
}

/// The problem of a variable: in the function's own words if it is not a text.
fn value_problem(problem: &str) -> EvaluationError {
    if problem == EvaluationScope::NOT_TEXT { SUB_VALUE.to_owned() } else { problem.to_owned() }
}

fn placeholder(scope: &EvaluationScope<'_>, name: &str) -> Result<String, EvaluationError> {
    let reference = split(name);
    let value = match &reference.attribute {
        Some(attribute) => Some(scope.attribute(&reference.name, attribute)?),
        None => scope.reference(&reference.name)?,
    };
    let no_text = || format!("Template error: variable {name} in Fn::Sub expression does not resolve to a string");
    value.as_ref().and_then(scalar).ok_or_else(no_text)
}

/// The names in the `${…}` of a text; `${!…}` is a literal.
pub(crate) fn placeholders(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { break };
        if !name.starts_with('!') {
            names.push(name.trim().to_owned());
        }
        rest = tail;
    }
    names
}

pub(super) fn check_json(argument: &Value) -> Result<(), EvaluationError> {
    let sentence = "Template error: every Fn::ToJsonString object requires an object or an array";
    require(argument.is_object() || argument.is_array(), sentence)
}

pub(super) fn json_text(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    Ok(Some(scope.evaluate(argument)?.unwrap_or_default().to_string().into()))
}
