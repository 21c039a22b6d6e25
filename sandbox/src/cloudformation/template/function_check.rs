//! Checks the function calls of a template: that the functions exist, are allowed where they are used, and have arguments of the
//! right form.

use serde_json::Value;

use super::functions::{self, AllowedIn, only_member};
use super::template_check::FUNCTION_MEMBERS;
use super::{Template, invalid};
use crate::Fault;

/// Checks every function of a template.
pub(super) fn check(template: &Template) -> Result<(), Fault> {
    for condition in template.section("Conditions").values() {
        check_condition(condition, AllowedIn::Condition)?;
    }
    for rule in template.section("Rules").values() {
        let assertions = rule["Assertions"].as_array().into_iter().flatten();
        let conditions = rule.get("RuleCondition").into_iter().chain(assertions.map(|assertion| &assertion["Assert"]));
        for condition in conditions {
            check_condition(condition, AllowedIn::Rule)?;
        }
    }
    for resource in template.resources().values() {
        for member in FUNCTION_MEMBERS {
            check_value(template, &resource[*member])?;
        }
    }
    for output in template.outputs().values() {
        check_value(template, output)?;
    }
    Ok(())
}

fn check_condition(condition: &Value, place: AllowedIn) -> Result<(), Fault> {
    let function = only_member(condition).and_then(|(name, argument)| Some((functions::find(name)?, argument)));
    match function {
        Some((function, argument)) if matches!(function.allowed_in, AllowedIn::Condition | AllowedIn::Rule) => {
            if function.allowed_in == AllowedIn::Rule && place != AllowedIn::Rule {
                return Err(misplaced(function.name));
            }
            (function.check_argument)(argument).map_err(invalid)?;
            // The arguments of a comparison are values; those of other condition functions are conditions.
            let parts = argument.as_array().map_or(&[][..], Vec::as_slice);
            let compares = function.name == "Fn::Equals" || function.allowed_in == AllowedIn::Rule;
            parts.iter().try_for_each(
                |part| {
                    if compares { check_part(part, place) } else { check_condition(part, place) }
                },
            )
        }
        _ => check_part(condition, place),
    }
}

fn check_part(value: &Value, place: AllowedIn) -> Result<(), Fault> {
    walk(value, &|function| place == AllowedIn::Rule || function != AllowedIn::Rule)
}

fn check_value(template: &Template, value: &Value) -> Result<(), Fault> {
    let extended = template.is_extended();
    walk(value, &|place| place == AllowedIn::Value || (place == AllowedIn::Extension && extended))
}

fn walk(value: &Value, allowed: &dyn Fn(AllowedIn) -> bool) -> Result<(), Fault> {
    match (only_member(value), value) {
        (Some((name, argument)), _) if functions::is_call(name) => {
            if name == "Fn::Transform" {
                return Err(Fault::not_implemented("Fn::Transform"));
            }
            let function = functions::find(name).ok_or_else(|| invalid(functions::unsupported(name)))?;
            if !allowed(function.allowed_in) {
                return Err(misplaced(name));
            }
            (function.check_argument)(argument).map_err(invalid)?;
            walk(argument, allowed)
        }
        (_, Value::Array(items)) => items.iter().try_for_each(|item| walk(item, allowed)),
        (_, Value::Object(members)) => members.values().try_for_each(|member| walk(member, allowed)),
        _ => Ok(()),
    }
}

fn misplaced(name: &str) -> Fault {
    match functions::find(name).map(|function| function.allowed_in) {
        Some(AllowedIn::Condition | AllowedIn::Rule) => {
            invalid(format!("Template error: {name} cannot be partially collapsed"))
        }
        _ => invalid(functions::unsupported(name)),
    }
}
