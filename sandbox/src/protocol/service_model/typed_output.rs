//! Adds the model's types to an output where a JSON value does not have them: times, bytes and maps.

use serde_json::Value;

use super::{Kind, Model, Plain, Type};

/// An output or a part of it, with types. It has no members without a value.
#[derive(Debug, Clone, PartialEq)]
pub enum TypedOutput {
    /// A string, a number or a boolean.
    Scalar(Value),
    /// Seconds since 1970.
    Time(f64),
    /// Bytes, in base64.
    Bytes(String),
    /// Items in order.
    List(Vec<TypedOutput>),
    /// Entries whose keys are data.
    Map(Vec<(String, TypedOutput)>),
    /// Members whose names are the model's.
    Structure(Vec<(String, TypedOutput)>),
}

impl TypedOutput {
    /// The output of an operation.
    pub fn from_model(model: Option<&Model>, operation: &str, output: Value) -> Self {
        let shape = model.and_then(|model| Some((model, model.operations.get(operation)?.output.as_deref()?)));
        typed(shape, output).unwrap_or_else(|| Self::Structure(Vec::new()))
    }
}

impl From<Value> for TypedOutput {
    fn from(value: Value) -> Self {
        Self::from_model(None, "", value)
    }
}

/// `None` for null. Values that are not in the model have their JSON types.
fn typed(shape: Option<(&Model, &str)>, value: Value) -> Option<TypedOutput> {
    let kind = shape.and_then(|(model, name)| Some((model, model.resolve(name)?)));
    let inner = |name: Option<&'_ str>, value| typed(kind.map(|(model, _)| model).zip(name), value);
    Some(match (kind.map(|(_, kind)| kind), value) {
        (_, Value::Null) => return None,
        (Some(Type::Plain(Plain::Timestamp)), Value::Number(seconds)) => {
            TypedOutput::Time(seconds.as_f64().unwrap_or_default())
        }
        (Some(Type::Plain(Plain::Blob)), Value::String(base64)) => TypedOutput::Bytes(base64),
        (Some(Type::Shape(shape)), Value::Object(entries)) if matches!(shape.kind, Kind::Map(..)) => {
            let Kind::Map(_, entry) = &shape.kind else { return None };
            let entries = entries.into_iter().filter_map(|(key, value)| Some((key, inner(Some(entry), value)?)));
            TypedOutput::Map(entries.collect())
        }
        (kind, Value::Object(given)) => {
            let members = match kind {
                Some(Type::Shape(shape)) => match &shape.kind {
                    Kind::Structure(members) => Some(members),
                    _ => None,
                },
                _ => None,
            };
            let member_type = |name: &str| members.and_then(|members| members.get(name)).map(String::as_str);
            let given = given.into_iter().filter_map(|(name, value)| {
                let value = inner(member_type(&name), value)?;
                Some((name, value))
            });
            TypedOutput::Structure(given.collect())
        }
        (kind, Value::Array(items)) => {
            let item_type = match kind {
                Some(Type::Shape(shape)) => match &shape.kind {
                    Kind::List(item) => Some(item.as_str()),
                    _ => None,
                },
                _ => None,
            };
            TypedOutput::List(items.into_iter().filter_map(|value| inner(item_type, value)).collect())
        }
        (_, scalar) => TypedOutput::Scalar(scalar),
    })
}
