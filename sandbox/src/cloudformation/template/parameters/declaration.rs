//! The declarations of parameters, and their types.

use serde_json::Value;

use super::aws_specific_types::AwsSpecificType;
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

/// The maximum length of a value, in bytes.
pub(crate) const MAX_VALUE_BYTES: usize = 4096;

pub(crate) fn check(name: &str, declaration: &Value) -> Result<(), Fault> {
    let mut members = declaration.as_object().into_iter().flatten();
    if let Some((unknown, _)) = members.find(|(key, _)| !KEYS.contains(&key.as_str())) {
        return Err(invalid(format!("Invalid template parameter property '{unknown}'")));
    }
    let Some(kind) = declaration["Type"].as_str() else {
        return Err(format_error("Every Parameters object must contain a Type member."));
    };
    let kind =
        ParameterType::parse(kind).ok_or_else(|| format_error(&format!("Unrecognized parameter type: {kind}")))?;
    for member in ["Default", "Description", "ConstraintDescription", "AllowedPattern"] {
        let value = &declaration[member];
        if !value.is_null() && scalar(value).is_none() {
            return Err(format_error(&format!("Every {member} member must be a string.")));
        }
    }
    let allowed = &declaration["AllowedValues"];
    if !allowed.is_null() && !allowed.as_array().is_some_and(|all| all.iter().all(|value| scalar(value).is_some())) {
        return Err(format_error("Every AllowedValues member must be a list of strings."));
    }
    check_bounds(name, declaration, &kind)
}

/// Checks that bounds are numbers, and that the parameter's type has them.
fn check_bounds(name: &str, declaration: &Value, kind: &ParameterType) -> Result<(), Fault> {
    let numeric = matches!(kind.element, Element::Number);
    // A `CommaDelimitedList` has neither, as on AWS.
    let textual = !numeric && !matches!(kind.element, Element::ListItem);
    let rows = [
        ("MinLength", textual, "String"),
        ("MaxLength", textual, "String"),
        ("AllowedPattern", textual, "String"),
        ("MinValue", numeric, "Number"),
        ("MaxValue", numeric, "Number"),
    ];
    for (member, is_allowed, expected) in rows {
        if declaration[member].is_null() {
            continue;
        }
        if !is_allowed {
            let sentence =
                format!("Template error: Parameter '{name}' {member} must be on a parameter of type {expected}");
            return Err(invalid(sentence));
        }
        if member != "AllowedPattern" && number(declaration, member).is_none() {
            return Err(format_error(&format!("Every {member} member must be a number.")));
        }
    }
    for (min, max) in [("MinLength", "MaxLength"), ("MinValue", "MaxValue")] {
        if let (Some(low), Some(high)) = (number(declaration, min), number(declaration, max))
            && low > high
        {
            return Err(invalid(format!("Template error: Parameter '{name}' {min} must be less than {max}.")));
        }
    }
    Ok(())
}

/// A member that is a number or the text of one.
pub(crate) fn number(declaration: &Value, member: &str) -> Option<f64> {
    scalar(&declaration[member]).and_then(|text| text.trim().parse().ok())
}

pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Whether the parameter has `NoEcho`.
pub(crate) fn is_hidden(declaration: &Value) -> bool {
    scalar(&declaration["NoEcho"]).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct ParameterType {
    /// Whether the value is the name of an SSM parameter, whose value is the value of `Ref`.
    pub is_ssm: bool,
    /// Whether the value of `Ref` is a list.
    pub is_list: bool,
    /// The type of the value, or of each item of a list.
    pub element: Element,
}

/// The type of a single value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Element {
    /// `String`.
    Text,
    Number,
    /// An item of a `CommaDelimitedList`.
    ListItem,
    /// The identifier of an existing resource.
    AwsSpecific(&'static AwsSpecificType),
}

impl ParameterType {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some(inner) = name.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>')) {
            let kind = Self::plain(inner).filter(|kind| !matches!(kind.element, Element::Number))?;
            return Some(Self { is_ssm: true, ..kind });
        }
        Self::plain(name)
    }

    fn plain(name: &str) -> Option<Self> {
        let (element, is_list) = match name.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>')) {
            Some(element) => (element, true),
            None => (name, false),
        };
        let element = match element {
            "String" => Element::Text,
            "Number" => Element::Number,
            "CommaDelimitedList" if !is_list => {
                return Some(Self { is_ssm: false, is_list: true, element: Element::ListItem });
            }
            other => Element::AwsSpecific(
                AwsSpecificType::find(other).filter(|aws_type| !is_list || aws_type.has_list_type)?,
            ),
        };
        Some(Self { is_ssm: false, is_list, element })
    }

    pub(crate) fn of(declaration: &Value) -> Option<Self> {
        Self::parse(declaration["Type"].as_str().unwrap_or_default())
    }
}
