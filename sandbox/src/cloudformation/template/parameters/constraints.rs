//! What a template asks of a parameter's value. Of an SSM parameter type it is the name that is looked at, as on AWS.

use serde_json::Value;

use super::declared::{MAX_VALUE_BYTES, number, scalar};
use super::kinds::{Element, Kind};
use super::members;
use crate::Fault;
use crate::base::java_regex::JavaRegex;
use crate::cloudformation::template::invalid;

/// Refuses a value that does not fit.
pub fn check(key: &str, declaration: &Value, value: &str) -> Result<(), Fault> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(invalid(format!("Parameter '{key}' must not be longer than {MAX_VALUE_BYTES} bytes")));
    }
    let Some(kind) = Kind::of(declaration) else { return Ok(()) };
    let parts: Vec<&str> = if kind.list && !kind.stored { members(value).collect() } else { vec![value] };
    let Ok(pattern) = scalar(&declaration["AllowedPattern"]).map(|text| JavaRegex::whole(&text).ok_or(())).transpose()
    else {
        return Err(invalid(format!("Parameter '{key}' AllowedPattern must be a valid regular expression.")));
    };
    match parts.into_iter().find_map(|part| broken(declaration, kind, pattern.as_ref(), part)) {
        None => Ok(()),
        Some(broken) => Err(invalid(match scalar(&declaration["ConstraintDescription"]) {
            Some(description) => format!("Parameter '{key}' failed to satisfy constraint: {description}"),
            None => format!("Parameter '{key}' {broken}"),
        })),
    }
}

/// What is wrong with a value.
fn broken(declaration: &Value, kind: Kind, pattern: Option<&JavaRegex>, value: &str) -> Option<String> {
    let allowed = declaration["AllowedValues"].as_array();
    if allowed.is_some_and(|allowed| !allowed.iter().filter_map(scalar).any(|one| one == value)) {
        return Some("must be one of AllowedValues".to_owned());
    }
    let bound = |member: &str| scalar(&declaration[member]).unwrap_or_default();
    if matches!(kind.element, Element::Number) {
        let Some(given) = value.trim().parse::<f64>().ok().filter(|given| given.is_finite()) else {
            return Some("must be a number".to_owned());
        };
        if number(declaration, "MinValue").is_some_and(|least| given < least) {
            return Some(format!("must be a number not less than {}", bound("MinValue")));
        }
        if number(declaration, "MaxValue").is_some_and(|most| given > most) {
            return Some(format!("must be a number not greater than {}", bound("MaxValue")));
        }
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a value has at most four thousand characters")]
    let length = value.chars().count() as f64;
    if number(declaration, "MinLength").is_some_and(|least| length < least) {
        return Some(format!("must contain at least {} characters", bound("MinLength")));
    }
    if number(declaration, "MaxLength").is_some_and(|most| length > most) {
        return Some(format!("must contain at most {} characters", bound("MaxLength")));
    }
    let is_refused = pattern.is_some_and(|pattern| !pattern.is_match(value));
    is_refused.then(|| format!("must match pattern {}", bound("AllowedPattern")))
}
