//! Which names a part of a template refers to.

use serde_json::Value;

/// A name that a template refers to, and the attribute when it asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// A resource, a parameter or a pseudo parameter.
    pub name: String,
    /// The attribute of a resource.
    pub attribute: Option<String>,
}

/// Every `Ref`, `Fn::GetAtt` and `${…}` of `Fn::Sub` in a value.
pub fn references(value: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<Reference>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => {
            for (name, argument) in members {
                match name.as_str() {
                    "Ref" if members.len() == 1 => {
                        let name = argument.as_str().unwrap_or_default().to_owned();
                        found.push(Reference { name, attribute: None });
                    }
                    "Fn::GetAtt" => found.extend(attribute_reference(argument)),
                    "Fn::Sub" => {
                        found.extend(sub_references(argument));
                        collect(argument, found);
                    }
                    _ => collect(argument, found),
                }
            }
        }
        _ => {}
    }
}

/// The resource and the attribute of a `Fn::GetAtt`, in any of its forms.
pub fn attribute_reference(argument: &Value) -> Option<Reference> {
    let (name, attribute) = match argument {
        Value::String(text) => text.split_once('.').map(|(name, rest)| (name.to_owned(), rest.to_owned()))?,
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            let (name, rest) = texts.split_first()?;
            ((*name).to_owned(), rest.join("."))
        }
        _ => return None,
    };
    Some(Reference { name, attribute: Some(attribute) })
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
pub fn split(name: &str) -> Reference {
    match name.split_once('.') {
        Some((name, attribute)) => Reference { name: name.to_owned(), attribute: Some(attribute.to_owned()) },
        None => Reference { name: name.to_owned(), attribute: None },
    }
}

/// The names in the `${…}` of a text; `${!…}` is a literal.
fn placeholders(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { break };
        if !name.starts_with('!') {
            names.push(name.trim().to_owned());
        }
        rest = tail;
    }
    names
}

/// The arguments of every `Fn::ImportValue` in a value.
pub fn imports(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(imports).collect(),
        Value::Object(members) => {
            let nested =
                members.iter().flat_map(
                    |(name, argument)| {
                        if name == "Fn::ImportValue" { vec![argument] } else { imports(argument) }
                    },
                );
            nested.collect()
        }
        _ => Vec::new(),
    }
}
