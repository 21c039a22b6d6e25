//! Functions that look up values: references, attributes, mappings and exports.

use serde_json::Value;

use super::{FunctionResult, may_be_text, only_member, require};
use crate::cloudformation::template::evaluation_scope::{EvaluationError, EvaluationScope, UNKNOWN};
use crate::cloudformation::template::references::{attribute_reference, references};

const ATTRIBUTE_ERROR: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute";
const MAP_ERROR: &str = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the \
                   attribute for return value";

pub(super) fn check_reference(argument: &Value) -> Result<(), EvaluationError> {
    let sentence = "Template format error: Every Ref object must have a single String value.";
    require(argument.is_string(), sentence)
}

/// The value of a parameter may name `AWS::NoValue` (recorded: localstack's test_cfn_handle_log_group_resource).
pub(super) fn reference(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let value = scope.reference(argument.as_str().unwrap_or_default())?;
    Ok(value.filter(|value| value != "AWS::NoValue"))
}

pub(super) fn check_attribute(argument: &Value) -> Result<(), EvaluationError> {
    let is_name = |part: &Value| part.as_str().is_some_and(|text| !text.is_empty());
    let is_valid = match argument {
        Value::String(text) => text.split_once('.').is_some_and(|(name, rest)| !name.is_empty() && !rest.is_empty()),
        Value::Array(parts) => match parts.as_slice() {
            // The attribute, but not the resource, may be a parameter's.
            [name, attribute] if only_member(attribute).is_some_and(|(name, _)| name == "Ref") => is_name(name),
            all => all.len() >= 2 && all.iter().all(is_name),
        },
        _ => false,
    };
    require(is_valid, ATTRIBUTE_ERROR)
}

pub(super) fn attribute(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    if let Some([name, attribute]) = argument.as_array().map(Vec::as_slice)
        && attribute.is_object()
    {
        return scope.attribute(name.as_str().ok_or(ATTRIBUTE_ERROR)?, &scope.text(attribute)?).map(Some);
    }
    let reference = attribute_reference(argument).ok_or(ATTRIBUTE_ERROR)?;
    scope.attribute(&reference.name, reference.attribute.as_deref().unwrap_or_default()).map(Some)
}

pub(super) fn check_import(argument: &Value) -> Result<(), EvaluationError> {
    let sentence =
        "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string";
    require(may_be_text(argument), sentence)?;
    let depends =
        references(argument).iter().any(|reference| reference.attribute.is_some()) || calls(argument, "Fn::GetAZs");
    let sentence = "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs";
    require(!depends, sentence)
}

/// Whether a value contains a call of a function.
fn calls(value: &Value, function: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| name == function || calls(member, function)),
        Value::Array(items) => items.iter().any(|item| calls(item, function)),
        _ => false,
    }
}

pub(super) fn import(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let name = scope.text(argument)?;
    let export = scope.exports.get(&name).map(|value| Some(value.as_str().into()));
    export.ok_or_else(|| format!("No export named {name} found."))
}

/// Three parameters, and with `AWS::LanguageExtensions` a fourth that holds the default value.
pub(super) fn check_map(argument: &Value) -> Result<(), EvaluationError> {
    let parts = argument.as_array().ok_or(MAP_ERROR)?;
    let is_valid = match parts.len() {
        3 => true,
        4 => only_member(&parts[3]).is_some_and(|(name, _)| name == "DefaultValue"),
        _ => false,
    };
    require(is_valid && parts[..3].iter().all(may_be_text), MAP_ERROR)
}

pub(super) fn find_in_map(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let text = |index: usize| match scope.text(&argument[index]) {
        Err(problem) if problem == EvaluationScope::NOT_TEXT => Err(MAP_ERROR.to_owned()),
        other => other,
    };
    let (map, first, second) = (text(0)?, text(1)?, text(2)?);
    if [&map, &first, &second].iter().any(|part| part.contains(UNKNOWN)) {
        return Ok(Some(UNKNOWN.into()));
    }
    let default = argument.pointer("/3/DefaultValue");
    let mapping = scope.template.section("Mappings").get(&map);
    match (mapping.and_then(|map| map.get(&first)?.get(&second)), default) {
        (Some(value), _) => Ok(Some(value.clone())),
        (None, Some(default)) => scope.evaluate(default),
        (None, None) if mapping.is_none() => {
            Err(format!("Template error: Mapping named '{map}' is not present in the 'Mappings' section of template."))
        }
        (None, None) => Err(format!("Template error: Unable to get mapping for {map}::{first}::{second}")),
    }
}
