//! Evaluates resources and outputs before there are resources, to refuse functions that can have no value.

use serde_json::Value;

use super::evaluation_scope::{EvaluationError, EvaluationScope, Evaluations, PSEUDO, UNKNOWN};
use super::functions::{is_call, only_member};
use super::references::{imports, references};
use super::{Template, invalid, policies};
use crate::Fault;

/// Refuses functions that can have no value, such as `Fn::FindInMap` with a key that the mapping does not have (recorded: localstack's
/// test_mapping_with_nonexisting_key). Resources are unknown in the scope, and exports become unknown. Parts whose conditions do not
/// hold are not evaluated.
pub(crate) fn check(template: &Template, scope: &mut EvaluationScope<'_>) -> Result<(), Fault> {
    let is_active =
        |part: &&Value| part["Condition"].as_str().and_then(|name| scope.condition(name).ok()) != Some(false);
    let resources = template.resources().values().filter(is_active).map(|resource| &resource["Properties"]);
    let outputs = template.outputs().values().filter(is_active);
    let outputs = outputs.flat_map(|output| [Some(&output["Value"]), output.pointer("/Export/Name")]).flatten();
    let values: Vec<&Value> = resources.chain(outputs).collect();
    let is_true = |name: &str| scope.condition(name).ok();
    let imported: Vec<&Value> = values.iter().flat_map(|value| imports(value, &is_true)).collect();
    let exports: Vec<String> = imported.into_iter().filter_map(|name| scope.text(name).ok()).collect();
    scope.exports.extend(exports.into_iter().map(|name| (name, UNKNOWN.to_owned())));
    values.into_iter().try_for_each(|value| refuse(scope.evaluate(value)))?;
    policies::check_functions(template, scope)?;
    // Later evaluations of the same values have the full limit of their sizes.
    scope.progress = Evaluations::default();
    Ok(())
}

/// The same for the calls that depend on no parameter and no condition, which have no values yet.
pub(crate) fn check_independent(template: &Template, scope: &EvaluationScope<'_>) -> Result<(), Fault> {
    let is_unconditional = |part: &&Value| part["Condition"].is_null();
    let resources = template.resources().values().filter(is_unconditional).map(|resource| &resource["Properties"]);
    let outputs = template.outputs().values().filter(is_unconditional).map(|output| &output["Value"]);
    resources.chain(outputs).try_for_each(|value| check_calls(scope, value))
}

fn check_calls(scope: &EvaluationScope<'_>, value: &Value) -> Result<(), Fault> {
    match (only_member(value), value) {
        (Some(("Fn::If", _)), _) => Ok(()),
        (Some((name, argument)), _) if is_call(name) => {
            if is_independent(value) {
                refuse(scope.evaluate(value))
            } else {
                check_calls(scope, argument)
            }
        }
        (_, Value::Array(items)) => items.iter().try_for_each(|item| check_calls(scope, item)),
        (_, Value::Object(members)) => members.values().try_for_each(|member| check_calls(scope, member)),
        _ => Ok(()),
    }
}

fn is_independent(value: &Value) -> bool {
    references(value).iter().all(|reference| PSEUDO.contains(&reference.name.as_str()))
        && !has_call(value, &["Fn::If", "Fn::ImportValue"])
}

fn has_call(value: &Value, functions: &[&str]) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_call(item, functions)),
        Value::Object(members) => {
            members.iter().any(|(name, member)| functions.contains(&name.as_str()) || has_call(member, functions))
        }
        _ => false,
    }
}

/// Refuses a part of a template that cannot be evaluated. Problems of resources, which do not exist yet, are not the template's.
fn refuse(result: Result<Option<Value>, EvaluationError>) -> Result<(), Fault> {
    match result {
        Err(problem) if problem.starts_with("Template error: ") => Err(invalid(problem)),
        _ => Ok(()),
    }
}
