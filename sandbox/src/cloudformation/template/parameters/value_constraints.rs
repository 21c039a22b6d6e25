//! The constraints of parameter values. With an SSM parameter type they apply to the SSM parameter's name, as on AWS.

use serde_json::Value;

use super::declaration::{Element, MAX_VALUE_BYTES, ParameterType, number, scalar};
use super::list_items;
use crate::Fault;
use crate::base::java_regex::JavaRegex;
use crate::cloudformation::template::invalid;

/// Refuses a value that violates a constraint.
pub(super) fn check(key: &str, declaration: &Value, value: &str) -> Result<(), Fault> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(invalid(format!("Parameter '{key}' must not be longer than {MAX_VALUE_BYTES} bytes")));
    }
    let Some(kind) = ParameterType::of(declaration) else { return Ok(()) };
    let parts: Vec<&str> = if kind.is_list && !kind.is_ssm { list_items(value).collect() } else { vec![value] };
    let Ok(pattern) =
        scalar(&declaration["AllowedPattern"]).map(|text| JavaRegex::anchored(&text).ok_or(())).transpose()
    else {
        return Err(invalid(format!("Parameter '{key}' AllowedPattern must be a valid regular expression.")));
    };
    match parts.into_iter().find_map(|part| violation(declaration, kind, pattern.as_ref(), part)) {
        None => Ok(()),
        Some(violation) => Err(invalid(match scalar(&declaration["ConstraintDescription"]) {
            Some(description) => format!("Parameter '{key}' failed to satisfy constraint: {description}"),
            None => format!("Parameter '{key}' {violation}"),
        })),
    }
}

/// The constraint that a value violates.
fn violation(declaration: &Value, kind: ParameterType, pattern: Option<&JavaRegex>, value: &str) -> Option<String> {
    let allowed = declaration["AllowedValues"].as_array();
    if allowed.is_some_and(|allowed| !allowed.iter().filter_map(scalar).any(|allowed_value| allowed_value == value)) {
        return Some("must be one of AllowedValues".to_owned());
    }
    let bound = |member: &str| scalar(&declaration[member]).unwrap_or_default();
    if matches!(kind.element, Element::Number) {
        let Some(given) = value.trim().parse::<f64>().ok().filter(|given| given.is_finite()) else {
            return Some("must be a number.".to_owned());
        };
        if number(declaration, "MinValue").is_some_and(|min| given < min) {
            return Some(format!("must be a number not less than {}", bound("MinValue")));
        }
        if number(declaration, "MaxValue").is_some_and(|max| given > max) {
            return Some(format!("must be a number not greater than {}", bound("MaxValue")));
        }
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a value has at most four thousand characters")]
    let length = value.chars().count() as f64;
    if number(declaration, "MinLength").is_some_and(|min| length < min) {
        return Some(format!("must contain at least {} characters", bound("MinLength")));
    }
    if number(declaration, "MaxLength").is_some_and(|max| length > max) {
        return Some(format!("must contain at most {} characters", bound("MaxLength")));
    }
    let is_refused = pattern.is_some_and(|pattern| !pattern.is_match(value));
    is_refused.then(|| format!("must match pattern {}", bound("AllowedPattern")))
}
