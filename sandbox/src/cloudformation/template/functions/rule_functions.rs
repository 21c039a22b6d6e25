//! Functions of rules, on parameters and on the resources that parameters of AWS-specific types name.

use std::collections::HashSet;

use serde_json::Value;

use super::{FunctionResult, may_be_list, require};
use crate::cloudformation::template::evaluation_scope::{EvaluationError, EvaluationScope, ResourceValues};

pub(super) fn two_lists(argument: &Value) -> Result<(), EvaluationError> {
    let is_valid = argument.as_array().is_some_and(|parts| parts.len() == 2 && may_be_list(&parts[0]));
    require(is_valid, "Template error: a function of a rule requires a list and what to compare it with")
}

pub(super) fn two_names(argument: &Value) -> Result<(), EvaluationError> {
    let is_valid = argument.as_array().is_some_and(|parts| parts.len() == 2 && parts.iter().all(Value::is_string));
    require(
        is_valid,
        "Template error: Fn::ValueOf and Fn::ValueOfAll require two strings, what to look at and the attribute",
    )
}

pub(super) fn one_name(argument: &Value) -> Result<(), EvaluationError> {
    require(argument.is_string(), "Template error: Fn::RefAll requires a parameter type")
}

fn list(scope: &EvaluationScope<'_>, value: &Value) -> Result<Vec<Value>, EvaluationError> {
    Ok(match scope.evaluate(value)? {
        Some(Value::Array(items)) => items,
        Some(item) => vec![item],
        None => Vec::new(),
    })
}

/// Whether the list of the first argument has the second.
pub(super) fn contains(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let (all, members) = (list(scope, &argument[0])?, list(scope, &argument[1])?);
    Ok(Some(are_among(&members, &all).into()))
}

/// Whether every member of the first list is the second argument.
pub(super) fn each_member_equals(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let expected = scope.evaluate(&argument[1])?.unwrap_or_default();
    Ok(Some(list(scope, &argument[0])?.iter().all(|item| *item == expected).into()))
}

/// Whether every member of the first list is in the second.
pub(super) fn each_member_in(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let all = list(scope, &argument[1])?;
    Ok(Some(are_among(&list(scope, &argument[0])?, &all).into()))
}

/// Whether every member is among all values.
fn are_among(members: &[Value], all: &[Value]) -> bool {
    let all: HashSet<String> = all.iter().map(Value::to_string).collect();
    members.iter().all(|member| all.contains(&member.to_string()))
}

/// An attribute of the resource that a parameter names; a list if the parameter is a list.
pub(super) fn value_of(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let (name, attribute) = (argument[0].as_str().unwrap_or_default(), argument[1].as_str().unwrap_or_default());
    let missing = || format!("Template error: Fn::ValueOf refers to the parameter {name}, which does not exist");
    match scope.parameters.get(name).ok_or_else(missing)? {
        Value::Array(ids) => {
            let values: Result<Vec<Value>, _> = ids.iter().map(|id| attribute_of(scope, id, attribute)).collect();
            Ok(Some(values?.into()))
        }
        id => attribute_of(scope, id, attribute).map(Some),
    }
}

/// An attribute of all resources that parameters of a type name.
pub(super) fn value_of_all(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    let attribute = argument[1].as_str().unwrap_or_default();
    let ids = of_type(scope, argument[0].as_str().unwrap_or_default());
    let values: Result<Vec<Value>, _> = ids.iter().map(|id| attribute_of(scope, id, attribute)).collect();
    Ok(Some(values?.into()))
}

/// Every value of the parameters of a type.
#[expect(clippy::unnecessary_wraps, reason = "it is a row of the table")]
pub(super) fn all_of_type(scope: &EvaluationScope<'_>, argument: &Value) -> FunctionResult {
    Ok(Some(of_type(scope, argument.as_str().unwrap_or_default()).into()))
}

fn of_type(scope: &EvaluationScope<'_>, kind: &str) -> Vec<Value> {
    let list = format!("List<{kind}>");
    let declared = scope.template.section("Parameters").iter();
    let named = declared.filter(|(_, declaration)| declaration["Type"] == kind || declaration["Type"] == list.as_str());
    let values = named.filter_map(|(name, _)| scope.parameters.get(name));
    values.flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])).collect()
}

/// An attribute of a resource. The scope of a rule has the resources that parameters name, by their ids.
fn attribute_of(scope: &EvaluationScope<'_>, id: &Value, attribute: &str) -> Result<Value, EvaluationError> {
    let id = id.as_str().unwrap_or_default();
    match scope.resources.get(id) {
        // A missing tag has an empty value; other attributes always exist.
        Some(ResourceValues::Known(_, attributes)) => match attributes.get(attribute) {
            Some(value) => Ok(value.clone()),
            None if attribute.starts_with("Tags.") => Ok("".into()),
            None => Err(format!("Template error: {id} has no attribute {attribute} for a rule")),
        },
        _ => Err(format!("Template error: {id}, which a rule looks at, does not exist")),
    }
}
