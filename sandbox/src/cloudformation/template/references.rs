//! The references in a part of a template.

use serde_json::Value;

use super::functions::{only_member, placeholders};

/// A reference to a name or to an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// A resource, a parameter or a pseudo parameter.
    pub name: String,
    /// The attribute of a resource.
    pub attribute: Option<String>,
    /// Whether it is in the text of a `Fn::Sub`.
    pub in_text: bool,
}

/// Every `Ref`, `Fn::GetAtt` and `${…}` of `Fn::Sub` in a value.
pub(crate) fn references(value: &Value) -> Vec<Reference> {
    active_references(value, &|_| None)
}

/// Every reference in a value, except those in branches of `Fn::If` that do not apply; `is_true` evaluates conditions.
pub(crate) fn active_references(value: &Value, is_true: &dyn Fn(&str) -> Option<bool>) -> Vec<Reference> {
    let mut references = Vec::new();
    collect(value, is_true, &mut references);
    references
}

fn collect(value: &Value, is_true: &dyn Fn(&str) -> Option<bool>, references: &mut Vec<Reference>) {
    let below = |value: &Value, references: &mut Vec<Reference>| collect(value, is_true, references);
    match (only_member(value), value) {
        (Some(("Ref", argument)), _) => {
            let name = argument.as_str().unwrap_or_default().to_owned();
            references.push(Reference { name, attribute: None, in_text: false });
        }
        (Some(("Fn::GetAtt", argument)), _) => {
            references.extend(attribute_reference(argument));
            // The attribute may be a parameter's value.
            argument.as_array().into_iter().flatten().for_each(|part| below(part, references));
        }
        (Some(("Fn::Sub", argument)), _) => {
            references.extend(sub_references(argument));
            below(argument, references);
        }
        (Some(("Fn::If", argument)), _) => {
            active_branches(argument, is_true).for_each(|(_, part)| below(part, references));
        }
        (_, Value::Array(items)) => items.iter().for_each(|item| below(item, references)),
        (_, Value::Object(members)) => members.values().for_each(|member| below(member, references)),
        _ => {}
    }
}

/// The resource and the attribute of a `Fn::GetAtt`, in any of its forms.
pub(crate) fn attribute_reference(argument: &Value) -> Option<Reference> {
    let (name, attribute) = match argument {
        Value::String(text) => text.split_once('.').map(|(name, rest)| (name.to_owned(), rest.to_owned()))?,
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            let (name, rest) = texts.split_first()?;
            ((*name).to_owned(), rest.join("."))
        }
        _ => return None,
    };
    Some(Reference { name, attribute: Some(attribute), in_text: false })
}

fn sub_references(argument: &Value) -> Vec<Reference> {
    let (text, own) = match argument {
        Value::String(text) => (text.as_str(), None),
        Value::Array(parts) => (parts.first().and_then(Value::as_str).unwrap_or_default(), parts.get(1)),
        _ => return Vec::new(),
    };
    let names = placeholders(text).into_iter().filter(|name| own.is_none_or(|own| own.get(name).is_none()));
    names.map(|name| split(&name)).collect()
}

/// The reference of a placeholder: `Name` or `Name.Attribute`.
pub(crate) fn split(name: &str) -> Reference {
    let (name, attribute) = match name.split_once('.') {
        Some((name, attribute)) => (name, Some(attribute.to_owned())),
        None => (name, None),
    };
    Reference { name: name.to_owned(), attribute, in_text: true }
}

/// The arguments of every `Fn::ImportValue` in a value, without those in branches that do not apply.
pub(crate) fn imports<'a>(value: &'a Value, is_true: &dyn Fn(&str) -> Option<bool>) -> Vec<&'a Value> {
    match (only_member(value), value) {
        (Some(("Fn::ImportValue", argument)), _) => vec![argument],
        (Some(("Fn::If", argument)), _) => {
            active_branches(argument, is_true).flat_map(|(_, part)| imports(part, is_true)).collect()
        }
        (_, Value::Array(items)) => items.iter().flat_map(|item| imports(item, is_true)).collect(),
        (_, Value::Object(members)) => members.values().flat_map(|member| imports(member, is_true)).collect(),
        _ => Vec::new(),
    }
}

/// The parts of a `Fn::If`, each with its index, without the branch that does not apply.
pub(crate) fn active_branches<'a>(
    argument: &'a Value,
    is_true: &dyn Fn(&str) -> Option<bool>,
) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    let parts = argument.as_array().map_or(&[][..], Vec::as_slice);
    let skipped = parts.first().and_then(Value::as_str).and_then(is_true).map(|is_true| if is_true { 2 } else { 1 });
    parts.iter().enumerate().filter(move |(at, _)| skipped != Some(*at))
}
