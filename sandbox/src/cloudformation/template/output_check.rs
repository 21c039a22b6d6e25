//! Checks outputs as far as possible before there are resources.

use std::collections::BTreeSet;

use serde_json::Value;

use super::evaluation_scope::EvaluationScope;
use super::functions::{is_call, only_member};
use super::{Template, format_error};
use crate::Fault;

/// Refuses values that are not strings, and duplicate export names. AWS's sentence for the latter is not known: this one is the
/// sandbox's own.
pub(crate) fn check(template: &Template, scope: &EvaluationScope<'_>) -> Result<(), Fault> {
    let mut exported = BTreeSet::new();
    for (key, output) in template.outputs() {
        if output["Condition"].as_str().and_then(|name| scope.condition(name).ok()) == Some(false) {
            continue;
        }
        check_value(scope, &output["Value"])?;
        let name = output.pointer("/Export/Name").and_then(|name| scope.text(name).ok());
        if let Some(name) = name
            && !exported.insert(name.clone())
        {
            return Err(format_error(&format!(
                "Output {key} is malformed. Another output already exports the name {name}"
            )));
        }
    }
    Ok(())
}

/// Values that cannot be evaluated yet are checked again when the outputs are created.
fn check_value(scope: &EvaluationScope<'_>, declared: &Value) -> Result<(), Fault> {
    let is_function = only_member(declared).is_some_and(|(name, _)| is_call(name));
    let more = match (declared, scope.evaluate(declared)) {
        (Value::Array(_), _) => " and not a List",
        (Value::Object(_), _) if !is_function => " and not a Map",
        (_, Ok(Some(Value::Array(_) | Value::Object(_) | Value::Null) | None)) => "",
        _ => return Ok(()),
    };
    Err(format_error(&format!("The Value field of every Outputs member must evaluate to a String{more}.")))
}
