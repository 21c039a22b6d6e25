//! What a template says of a parameter.

use serde_json::Value;

use super::kinds::{Element, Kind};
use crate::Fault;
use crate::cloudformation::template::{format_error, invalid};

const KEYS: &[&str] = &[
    "Type",
    "Default",
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
];

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 4096;

/// Checks a parameter's declaration.
pub fn check(name: &str, declaration: &Value) -> Result<(), Fault> {
    let mut members = declaration.as_object().into_iter().flatten();
    if let Some((unknown, _)) = members.find(|(key, _)| !KEYS.contains(&key.as_str())) {
        return Err(invalid(format!("Invalid template parameter property '{unknown}'")));
    }
    let Some(kind) = declaration["Type"].as_str() else {
        return Err(format_error("Every Parameters object must contain a Type member."));
    };
    let kind = Kind::parse(kind).ok_or_else(|| format_error(&format!("Unrecognized parameter type: {kind}")))?;
    for member in ["Default", "Description", "ConstraintDescription", "AllowedPattern"] {
        let value = &declaration[member];
        if !value.is_null() && scalar(value).is_none() {
            return Err(format_error(&format!("Every {member} member must be a string.")));
        }
    }
    let allowed = &declaration["AllowedValues"];
    if !allowed.is_null() && !allowed.as_array().is_some_and(|all| all.iter().all(|one| scalar(one).is_some())) {
        return Err(format_error("Every AllowedValues member must be a list of strings."));
    }
    check_bounds(name, declaration, &kind)
}

/// Bounds are numbers, and only for the types that have them.
fn check_bounds(name: &str, declaration: &Value, kind: &Kind) -> Result<(), Fault> {
    let numeric = matches!(kind.element, Element::Number);
    // A list that is written with commas has neither, for reasons of age.
    let textual = !numeric && !matches!(kind.element, Element::Members);
    let rows = [
        ("MinLength", textual, "String"),
        ("MaxLength", textual, "String"),
        ("AllowedPattern", textual, "String"),
        ("MinValue", numeric, "Number"),
        ("MaxValue", numeric, "Number"),
    ];
    for (member, fits, wanted) in rows {
        if declaration[member].is_null() {
            continue;
        }
        if !fits {
            let sentence =
                format!("Template error: Parameter '{name}' {member} must be on a parameter of type {wanted}");
            return Err(invalid(sentence));
        }
        if member != "AllowedPattern" && number(declaration, member).is_none() {
            return Err(format_error(&format!("Every {member} member must be a number.")));
        }
    }
    for (least, most) in [("MinLength", "MaxLength"), ("MinValue", "MaxValue")] {
        if let (Some(low), Some(high)) = (number(declaration, least), number(declaration, most))
            && low > high
        {
            return Err(invalid(format!("Template error: Parameter '{name}' {least} must be less than {most}.")));
        }
    }
    Ok(())
}

/// A member that is a number, or a text of one.
pub fn number(declaration: &Value, member: &str) -> Option<f64> {
    scalar(&declaration[member]).and_then(|text| text.trim().parse().ok())
}

/// A scalar as the text that it is in a template.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Whether its value is shown as asterisks.
pub fn is_hidden(declaration: &Value) -> bool {
    scalar(&declaration["NoEcho"]).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
