//! Checks the names of conditions, and what conditions and rules refer to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::evaluation_scope::PSEUDO;
use super::functions::only_member;
use super::references::references;
use super::template_check::{Dependencies, cycles};
use super::{Template, format_error, invalid};
use crate::Fault;

/// Checks conditions, rules, and everything that names a condition.
pub(super) fn check(template: &Template) -> Result<(), Fault> {
    check_parameters(template, "Conditions")?;
    check_parameters(template, "Rules")?;
    let conditions = template.section("Conditions");
    let dependencies: Dependencies =
        conditions.iter().map(|(name, value)| (name.clone(), conditions_in(value))).collect();
    for name in dependencies.values().flatten() {
        if !conditions.contains_key(name) {
            return Err(unresolved(name, "Conditions"));
        }
    }
    let cycle = cycles(&dependencies);
    if !cycle.is_empty() {
        let names = cycle.join(", ");
        return Err(invalid(format!("Template error: Found circular condition dependency between [{names}]")));
    }
    for block in ["Resources", "Outputs"] {
        for member in template.section(block).values() {
            let condition = member["Condition"].as_str();
            if let Some(name) = condition.filter(|name| !conditions.contains_key(*name)) {
                return Err(unresolved(name, block));
            }
            check_ifs(template, member)?;
        }
    }
    Ok(())
}

fn unresolved(name: &str, block: &str) -> Fault {
    format_error(&format!("Unresolved condition dependency {name} in the {block} block of the template"))
}

/// Refuses references to resources, which do not exist when conditions and rules are evaluated.
fn check_parameters(template: &Template, block: &str) -> Result<(), Fault> {
    let is_parameter = |name: &str| PSEUDO.contains(&name) || template.section("Parameters").contains_key(name);
    let references = template.section(block).values().flat_map(references);
    let unresolved: BTreeSet<String> = references
        .filter(|reference| reference.attribute.is_some() || !is_parameter(&reference.name))
        .map(|reference| reference.name)
        .collect();
    if unresolved.is_empty() {
        return Ok(());
    }
    let names = unresolved.into_iter().collect::<Vec<_>>().join(", ");
    Err(format_error(&format!(
        "Unresolved dependencies [{names}]. Cannot reference resources in the {block} block of the template"
    )))
}

fn conditions_in(value: &Value) -> Vec<String> {
    match (only_member(value), value) {
        (Some(("Condition", Value::String(name))), _) => vec![name.clone()],
        (Some(("Fn::If", Value::Array(parts))), _) => {
            parts.first().and_then(Value::as_str).map(str::to_owned).into_iter().collect()
        }
        (_, Value::Array(items)) => items.iter().flat_map(conditions_in).collect(),
        (_, Value::Object(members)) => members.values().flat_map(conditions_in).collect(),
        _ => Vec::new(),
    }
}

/// Checks that the conditions of every `Fn::If` exist.
fn check_ifs(template: &Template, value: &Value) -> Result<(), Fault> {
    if let Some(("Fn::If", Value::Array(parts))) = only_member(value) {
        let name = parts.first().and_then(Value::as_str).unwrap_or_default();
        if !template.section("Conditions").contains_key(name) {
            return Err(invalid(format!("Template error: unresolved condition dependency {name} in Fn::If")));
        }
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_ifs(template, item)),
        Value::Object(members) => members.values().try_for_each(|member| check_ifs(template, member)),
        _ => Ok(()),
    }
}
