//! Converts decoded inputs to the types of the model. Unknown members are dropped, as AWS does; wrong types are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::{Kind, Model, Plain, Type};

/// The form of decoded values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputEncoding {
    /// JSON or CBOR, where a number is a number.
    Typed,
    /// A Query protocol, where all values are text, and lists are structures with numbers for names.
    Text,
}

/// Why a value cannot be converted.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It has another type: the message of AWS's JSON parser.
    Type(String),
    /// Its text is not a value of the type: the member's path, and the text.
    Text(String, String),
}

/// Converts the input of an operation. That of an unknown operation stays as it is.
pub fn read(model: &Model, operation: &str, source: InputEncoding, input: Value) -> Result<Value, ReadError> {
    let Some(operation) = model.operations.get(operation) else { return Ok(input) };
    match &operation.input {
        Some(shape) => Reader { model, source }.value(shape, "", input),
        None => Ok(Value::Object(Map::new())),
    }
}

struct Reader<'a> {
    model: &'a Model,
    source: InputEncoding,
}

impl Reader<'_> {
    fn value(&self, name: &str, path: &str, value: Value) -> Result<Value, ReadError> {
        if value.is_null() {
            return Ok(value);
        }
        let (kind, plain) = match self.model.resolve(name) {
            None => return Ok(value),
            Some(Type::Plain(plain)) => (None, plain),
            Some(Type::Shape(shape)) => match &shape.kind {
                Kind::Plain(plain) => (None, *plain),
                kind => (Some(kind), Plain::String),
            },
        };
        match (kind, self.source) {
            (Some(Kind::Structure(members)), _) => self.structure(members, path, value),
            (Some(Kind::List(item)), InputEncoding::Typed) => self.list(item, path, value),
            (Some(Kind::List(item)), InputEncoding::Text) => self.list(item, path, list_from_text(value)),
            (Some(Kind::Map(_, entry)), InputEncoding::Typed) => self.map(entry, path, value),
            (Some(Kind::Map(_, entry)), InputEncoding::Text) => self.map(entry, path, map_from_text(value)),
            (_, InputEncoding::Typed) => typed(plain, value),
            (_, InputEncoding::Text) => from_text(plain, path, value),
        }
    }

    fn structure(
        &self,
        members: &indexmap::IndexMap<String, String>,
        path: &str,
        value: Value,
    ) -> Result<Value, ReadError> {
        let Value::Object(mut given) = value else {
            // `Name=` in a query is a structure without members.
            return if value == "" { Ok(Value::Object(Map::new())) } else { Err(structure_expected(&value)) };
        };
        let mut typed = Map::new();
        for (name, kind) in members {
            if let Some(value) = given.remove(name) {
                typed.insert(name.clone(), self.value(kind, &child_path(path, name), value)?);
            }
        }
        Ok(Value::Object(typed))
    }

    fn list(&self, item: &str, path: &str, value: Value) -> Result<Value, ReadError> {
        let Value::Array(items) = value else {
            let sentence = match value {
                Value::Object(_) => "Start of structure or map found where not expected.",
                _ => "Expected list or null",
            };
            return Err(ReadError::Type(sentence.to_owned()));
        };
        let items = items.into_iter().enumerate();
        items.map(|(at, value)| self.value(item, &child_path(path, &(at + 1).to_string()), value)).collect()
    }

    fn map(&self, entry: &str, path: &str, value: Value) -> Result<Value, ReadError> {
        let Value::Object(entries) = value else { return Err(structure_expected(&value)) };
        let entries = entries.into_iter();
        let read = entries.map(|(key, value)| Ok((key.clone(), self.value(entry, &child_path(path, &key), value)?)));
        Ok(Value::Object(read.collect::<Result<_, ReadError>>()?))
    }
}

fn child_path(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn structure_expected(value: &Value) -> ReadError {
    let sentence = if value.is_array() { "Start of list found where not expected" } else { "Expected null" };
    ReadError::Type(sentence.to_owned())
}

/// `X.1`, `X.2` and `X.member.1`, `X.member.2` are lists; `X=` is an empty one.
fn list_from_text(value: Value) -> Value {
    match value {
        Value::Object(members) if members.keys().all(|key| key.parse::<u32>().is_ok()) => {
            Value::Array(members.into_iter().map(|(_, value)| value).collect())
        }
        Value::Object(members) => members.into_iter().next().map_or(Value::Null, |(_, value)| list_from_text(value)),
        Value::String(text) if text.is_empty() => Value::Array(Vec::new()),
        // A list of one may have no number.
        other => Value::Array(vec![other]),
    }
}

/// `X.entry.1.key=a&X.entry.1.value=b` is a map.
fn map_from_text(value: Value) -> Value {
    let Value::Array(entries) = list_from_text(value) else { return Value::Object(Map::new()) };
    let pairs = entries.into_iter().filter_map(|entry| {
        let Value::Object(mut entry) = entry else { return None };
        let key = entry.remove("key")?.as_str()?.to_owned();
        Some((key, entry.remove("value").unwrap_or(Value::Null)))
    });
    Value::Object(pairs.collect())
}

fn typed(plain: Plain, value: Value) -> Result<Value, ReadError> {
    let is_valid = match plain {
        Plain::String => value.is_string(),
        Plain::Blob => value.as_str().is_some_and(|text| STANDARD.decode(text).is_ok()),
        Plain::Boolean => value.is_boolean(),
        Plain::Integer | Plain::Long => value.is_i64() || value.is_u64(),
        Plain::Float | Plain::Double => value.is_number() || is_special(&value),
        Plain::Timestamp => value.is_number(),
    };
    match (plain, &value) {
        _ if is_valid => Ok(value),
        // 3.0 is an integer.
        (Plain::Integer | Plain::Long, Value::Number(number)) => {
            whole_number(number).ok_or_else(|| type_error(plain, &value))
        }
        (Plain::Timestamp, Value::String(text)) => parse_time(text).ok_or_else(|| type_error(plain, &value)),
        _ => Err(type_error(plain, &value)),
    }
}

/// Whether a value is one of the numbers that JSON represents as text.
fn is_special(value: &Value) -> bool {
    value.as_str().is_some_and(|text| matches!(text, "NaN" | "Infinity" | "-Infinity"))
}

fn whole_number(number: &Number) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within what a double holds exactly")]
    let number = number as i64;
    Some(number.into())
}

fn type_error(plain: Plain, value: &Value) -> ReadError {
    let class = match value {
        Value::Array(_) => return ReadError::Type("Start of list found where not expected".to_owned()),
        Value::Object(_) => return ReadError::Type("Start of structure or map found where not expected.".to_owned()),
        Value::Bool(_) => "java.lang.Boolean",
        Value::String(_) => "java.lang.String",
        _ => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
    };
    let expected = match plain {
        Plain::String => "String",
        Plain::Integer => "Integer",
        Plain::Long => "Long",
        Plain::Float => "Float",
        Plain::Double => "Double",
        Plain::Boolean => "Boolean",
        Plain::Timestamp => "Date",
        Plain::Blob => "ByteBuffer",
    };
    ReadError::Type(format!("class {class} can not be converted to an {expected}"))
}

fn from_text(plain: Plain, path: &str, value: Value) -> Result<Value, ReadError> {
    let Value::String(text) = value else {
        return Err(ReadError::Text(path.to_owned(), String::new()));
    };
    let parsed = match plain {
        Plain::String | Plain::Blob => Some(Value::String(text.clone())),
        Plain::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        Plain::Integer => text.parse::<i32>().ok().map(Value::from),
        Plain::Long => text.parse::<i64>().ok().map(Value::from),
        Plain::Float | Plain::Double => parse_number(&text),
        Plain::Timestamp => parse_time(&text),
    };
    parsed.ok_or_else(|| ReadError::Text(path.to_owned(), text))
}

fn parse_number(text: &str) -> Option<Value> {
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return Some(text.into());
    }
    text.parse().ok().and_then(Number::from_f64).map(Value::Number)
}

/// A time in any form that clients use, as seconds since 1970.
fn parse_time(text: &str) -> Option<Value> {
    let utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let time = text.parse::<Timestamp>().ok().or_else(|| utc().map(|zoned| zoned.timestamp()));
    match time {
        Some(time) => Some(crate::base::clock::epoch_seconds(time)),
        None => parse_number(text).filter(Value::is_number),
    }
}
