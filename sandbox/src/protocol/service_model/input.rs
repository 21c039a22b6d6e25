//! Converts a decoded input to the types of the model and checks the model's constraints, in one walk.
//!
//! Unknown members are dropped, as AWS does. Wrong types are refused.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::constraints::{clauses, java_text, violated_clauses};
use super::{Kind, Limits, Model, Plain, Shape, Type, scalars};
use crate::base::lower_first;

/// The maximum number of violations in a fault.
const MAX_VIOLATIONS: usize = 10;

/// The form of decoded values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputEncoding {
    /// JSON or CBOR, where a number is a number.
    Typed,
    /// A Query protocol, where all values are text, and lists are structures with numbers for names.
    Text,
    /// The input of a call between services, made from a template: a scalar may be text, and members that AWS does not have are kept.
    Template,
}

/// An input with the types of the model.
#[derive(Debug)]
pub struct Input {
    /// The members, by their wire names.
    pub value: Value,
    /// The violations of the model's constraints, in the order of its members.
    pub violations: Vec<Violation>,
}

/// The violation of a constraint by a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A required member is missing: its path, with wire names.
    Missing(String),
    /// A constraint is not satisfied: a clause of the message.
    Unsatisfied(String),
    /// A constraint is not satisfied: a whole message.
    Message(String),
}

/// Why a value cannot be converted.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It has another type: the message of AWS's JSON parser.
    Type(String),
    /// Its text is not a value of the type: the member's path, and the text.
    Text(String, String),
}

/// Converts and checks the input of an operation. Inputs of unknown operations are returned unchanged.
pub fn read(model: &Model, operation: &str, encoding: InputEncoding, input: Value) -> Result<Input, ReadError> {
    let mut reader = InputReader { model, encoding, path: Vec::new(), violations: Vec::new() };
    let value = match model.operations.get(operation).map(|operation| &operation.input) {
        Some(Some(shape)) => reader.value(shape, input)?,
        Some(None) => Value::Object(Map::new()),
        None => input,
    };
    reader.violations.truncate(MAX_VIOLATIONS);
    Ok(Input { value, violations: reader.violations })
}

struct InputReader<'a> {
    model: &'a Model,
    encoding: InputEncoding,
    path: Vec<PathSegment>,
    violations: Vec<Violation>,
}

/// A step on the way to a value.
enum PathSegment {
    /// A member of a structure, or the key of a map's entry.
    Name(String),
    /// An item of a list, counted from 1.
    Item(usize),
}

impl<'a> InputReader<'a> {
    fn value(&mut self, name: &str, value: Value) -> Result<Value, ReadError> {
        if value.is_null() {
            return Ok(value);
        }
        let shape = match self.model.resolve(name) {
            None => return Ok(value),
            Some(Type::Plain(plain)) => return self.scalar(plain, value),
            Some(Type::Shape(shape)) => shape,
        };
        let outer = self.violations.len();
        let value = match (&shape.kind, self.encoding) {
            (Kind::Structure(members), _) => self.structure(members, value)?,
            (Kind::List(item), InputEncoding::Text) => self.list(item, list_from_text(value))?,
            (Kind::List(item), _) => self.list(item, value)?,
            (Kind::Map(key, entry), InputEncoding::Text) => self.map(key, entry, map_from_text(value))?,
            (Kind::Map(key, entry), _) => self.map(key, entry, value)?,
            (Kind::Plain(plain), _) => self.scalar(*plain, value)?,
        };
        // The violations by a value come before those by its parts.
        let inner = self.violations.split_off(outer);
        if !self.is_full() {
            for clause in violated_clauses(&shape.limits, &shape.kind, &value) {
                let text = (!shape.limits.hides_value).then(|| java_text(&value));
                self.unsatisfied(text.as_deref(), &clause);
            }
            self.check_message(shape, &value);
        }
        self.violations.extend(inner);
        Ok(value)
    }

    /// Whether further violations would not be in the fault, because violations that come before them are never removed without them.
    fn is_full(&self) -> bool {
        self.violations.len() >= MAX_VIOLATIONS
    }

    fn structure(&mut self, members: &IndexMap<String, String>, value: Value) -> Result<Value, ReadError> {
        let mut given = match value {
            Value::Object(given) => given,
            // `Name=` in a query is a structure without members.
            Value::String(text) if text.is_empty() => Map::new(),
            other => return Err(structure_expected(&other)),
        };
        let mut typed = Map::new();
        for (name, kind) in members {
            let value = given.remove(name);
            self.path.push(PathSegment::Name(name.clone()));
            if !self.is_full() && kind.ends_with('!') && value.as_ref().is_none_or(Value::is_null) {
                self.violations.push(Violation::Missing(self.aws_path()));
            }
            if let Some(value) = value {
                typed.insert(name.clone(), self.value(kind, value)?);
            }
            self.path.pop();
        }
        if self.encoding == InputEncoding::Template {
            typed.extend(given);
        }
        Ok(Value::Object(typed))
    }

    fn list(&mut self, item: &str, value: Value) -> Result<Value, ReadError> {
        let Value::Array(items) = value else {
            let sentence = match value {
                Value::Object(_) => "Start of structure or map found where not expected.",
                _ => "Expected list or null",
            };
            return Err(ReadError::Type(sentence.to_owned()));
        };
        let constrained = self.constrained_scalar(item);
        let mut typed = Vec::with_capacity(items.len());
        let outer = self.violations.len();
        for (at, value) in items.into_iter().enumerate() {
            self.path.push(PathSegment::Item(at + 1));
            typed.push(self.value(item, value)?);
            self.path.pop();
        }
        let list = Value::Array(typed);
        if let (Some((limits, kind)), Value::Array(items)) = (constrained, &list) {
            self.violations.truncate(outer);
            self.check_all("Member", limits, kind, items.iter(), &list);
        }
        Ok(list)
    }

    /// Only keys and scalar values are checked.
    fn map(&mut self, key: &str, entry: &str, value: Value) -> Result<Value, ReadError> {
        let Value::Object(entries) = value else { return Err(structure_expected(&value)) };
        let outer = self.violations.len();
        let mut typed = Map::new();
        for (key, value) in entries {
            self.path.push(PathSegment::Name(key.clone()));
            typed.insert(key, self.value(entry, value)?);
            self.path.pop();
        }
        self.violations.truncate(outer);
        let keys: Vec<Value> = typed.keys().map(|key| Value::from(key.as_str())).collect();
        let map = Value::Object(typed);
        if let Some((limits, kind)) = self.constrained_scalar(key) {
            self.check_all("Map keys", limits, kind, keys.iter(), &map);
        }
        if let (Some((limits, kind)), Value::Object(entries)) = (self.constrained_scalar(entry), &map) {
            self.check_all("Map value", limits, kind, entries.values(), &map);
        }
        Ok(map)
    }

    fn scalar(&self, plain: Plain, value: Value) -> Result<Value, ReadError> {
        match (self.encoding, value) {
            (InputEncoding::Typed, value) => scalars::from_json(plain, value).map_err(ReadError::Type),
            (InputEncoding::Text, Value::String(text)) => {
                scalars::parse(plain, &text).ok_or_else(|| ReadError::Text(self.query_path(), text))
            }
            (InputEncoding::Text, _) => Err(ReadError::Text(self.query_path(), String::new())),
            (InputEncoding::Template, Value::String(text)) => Ok(scalars::parse(plain, &text).unwrap_or(text.into())),
            (InputEncoding::Template, value) => Ok(value),
        }
    }

    fn constrained_scalar(&self, name: &str) -> Option<(&'a Limits, &'a Kind)> {
        match self.model.resolve(name)? {
            Type::Shape(Shape { kind: kind @ Kind::Plain(_), limits }) => Some((limits, kind)),
            _ => None,
        }
    }

    /// A violation by scalars in a list or a map is one of the whole list, with all constraints of its items.
    fn check_all<'v>(
        &mut self,
        what: &str,
        limits: &Limits,
        kind: &Kind,
        mut values: impl Iterator<Item = &'v Value>,
        container: &Value,
    ) {
        if !self.is_full() && values.any(|value| !violated_clauses(limits, kind, value).is_empty()) {
            let clauses = clauses(limits, kind).join(", ");
            self.unsatisfied(Some(&java_text(container)), &format!("{what} must satisfy constraint: [{clauses}]"));
        }
    }

    /// The violation of a pattern for which the service has its own message.
    fn check_message(&mut self, shape: &Shape, value: &Value) {
        if let (Limits { message: Some(message), pattern: Some(pattern), .. }, Some(text)) =
            (&shape.limits, value.as_str())
            && !pattern.matches(text)
        {
            let member = match self.path.last() {
                Some(PathSegment::Name(name)) => lower_first(name),
                Some(PathSegment::Item(_)) => "member".to_owned(),
                None => String::new(),
            };
            self.violations.push(Violation::Message(format!("The specified value for {member} is invalid. {message}")));
        }
    }

    fn unsatisfied(&mut self, value: Option<&str>, clause: &str) {
        let path = self.aws_path().split('.').map(lower_first).collect::<Vec<_>>().join(".");
        let value = value.map_or_else(|| "Value".to_owned(), |value| format!("Value '{value}'"));
        self.violations
            .push(Violation::Unsatisfied(format!("{value} at '{path}' failed to satisfy constraint: {clause}")));
    }

    /// The path as in AWS's messages: `MetricData.1.member.MetricName`.
    fn aws_path(&self) -> String {
        self.path_with(".member")
    }

    /// The path as in queries: `MetricData.1.MetricName`.
    fn query_path(&self) -> String {
        self.path_with("")
    }

    fn path_with(&self, after_index: &str) -> String {
        let steps = self.path.iter().map(|step| match step {
            PathSegment::Name(name) => name.clone(),
            PathSegment::Item(at) => format!("{at}{after_index}"),
        });
        steps.collect::<Vec<_>>().join(".")
    }
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
