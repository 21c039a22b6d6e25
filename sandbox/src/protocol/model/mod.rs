//! What AWS's own service models say of the operations that are served: the types of their inputs, what is required of
//! them, and where in their outputs the things are that a value does not show.
//!
//! The data is made by `generate.py` from botocore's models. [`mod@read`] turns what came over the wire into values of the
//! model's types, [`check`] holds values against the constraints, in AWS's words; [`mod@write`] marks what is in an output for the codecs.

use std::collections::HashMap;
use std::sync::LazyLock;

use indexmap::IndexMap;
use pattern::Pattern;
use serde::Deserialize;

mod check;
mod pattern;
mod read;
mod write;

pub use check::{Violation, violations};
pub use read::{ReadError, Source, read};
pub use write::Output;

/// The data of each service, by the name that its requests are signed for.
const DATA: &[(&str, &str)] = &[
    ("application-autoscaling", include_str!("data/application-autoscaling.json")),
    ("cloudformation", include_str!("data/cloudformation.json")),
    ("ec2", include_str!("data/ec2.json")),
    ("ecs", include_str!("data/ecs.json")),
    ("iam", include_str!("data/iam.json")),
    ("logs", include_str!("data/logs.json")),
    ("monitoring", include_str!("data/monitoring.json")),
    ("secretsmanager", include_str!("data/secretsmanager.json")),
    ("servicediscovery", include_str!("data/servicediscovery.json")),
    ("ssm", include_str!("data/ssm.json")),
    ("sts", include_str!("data/sts.json")),
];

type Lazy = LazyLock<Option<Model>, Box<dyn FnOnce() -> Option<Model> + Send>>;

/// Each model is read once, when its service is first called.
static MODELS: LazyLock<HashMap<&str, Lazy>> = LazyLock::new(|| {
    let lazy = |text: &'static str| -> Lazy { LazyLock::new(Box::new(move || serde_json::from_str(text).ok())) };
    DATA.iter().map(|(service, text)| (*service, lazy(text))).collect()
});

/// The model of a service, if there is one.
pub fn of(signing_name: &str) -> Option<&'static Model> {
    MODELS.get(signing_name).and_then(|model| model.as_ref())
}

/// One service's model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    #[serde(rename = "source")]
    _source: String,
    operations: HashMap<String, Operation>,
    shapes: HashMap<String, Shape>,
    /// Of services with a Query protocol, by code: the name of the error's type and its HTTP status.
    #[serde(default)]
    errors: HashMap<String, (String, u16)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Operation {
    input: Option<String>,
    output: Option<String>,
    /// The names of its filters, of EC2's operations.
    filters: Vec<String>,
    /// Whether clients may send its input packed.
    packed: bool,
}

/// A type that is more than plain, with its constraints.
#[derive(Debug, Deserialize)]
struct Shape {
    #[serde(flatten)]
    kind: Kind,
    #[serde(flatten)]
    limits: Limits,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Types by member; `!` at the end of a type says that the member is required.
    Structure(IndexMap<String, String>),
    /// The type of the items.
    List(String),
    /// The types of keys and values.
    Map(String, String),
    Plain(Plain),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plain {
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
}

/// What a value has to be. `min` and `max` are of a number itself, and of the length of everything else.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<Pattern>,
    #[serde(rename = "enum")]
    values: Vec<String>,
    /// The end of the sentence of a service that does not show its pattern.
    says: Option<String>,
    /// The sentence does not repeat the value.
    unshown: bool,
}

/// What a type's name stands for.
#[derive(Debug, Clone, Copy)]
enum Type<'a> {
    Plain(Plain),
    Shape(&'a Shape),
}

impl Model {
    fn resolve(&self, name: &str) -> Option<Type<'_>> {
        let name = name.trim_end_matches('!');
        if let Some(shape) = self.shapes.get(name) {
            return Some(Type::Shape(shape));
        }
        Some(Type::Plain(match name {
            "string" => Plain::String,
            "integer" => Plain::Integer,
            "long" => Plain::Long,
            "float" => Plain::Float,
            "double" => Plain::Double,
            "boolean" => Plain::Boolean,
            "timestamp" => Plain::Timestamp,
            "blob" => Plain::Blob,
            _ => return None,
        }))
    }

    /// Whether an operation knows a member; one that the model does not know knows all.
    pub fn knows(&self, operation: &str, member: &str) -> bool {
        let input = self.operations.get(operation).map(|operation| operation.input.as_deref());
        match input.map(|input| input.and_then(|name| self.resolve(name))) {
            None => true,
            Some(Some(Type::Shape(Shape { kind: Kind::Structure(members), .. }))) => members.contains_key(member),
            Some(_) => false,
        }
    }

    /// Whether clients may send an operation's input packed.
    pub fn unpacks(&self, operation: &str) -> bool {
        self.operations.get(operation).is_some_and(|operation| operation.packed)
    }

    /// The filters that AWS's documentation knows of an operation.
    pub fn filters(&self, operation: &str) -> &[String] {
        self.operations.get(operation).map_or(&[], |operation| &operation.filters)
    }

    /// The name of the error's type and its HTTP status, for a code of a service with a Query protocol.
    pub fn error(&self, code: &str) -> Option<(&str, u16)> {
        self.errors.get(code).map(|(shape, status)| (shape.as_str(), *status))
    }
}

#[cfg(test)]
mod tests {
    use super::{DATA, Kind, Model};

    #[test]
    fn every_model_is_whole() {
        for (service, text) in DATA {
            let model: Model = serde_json::from_str(text).unwrap_or_else(|error| panic!("{service}: {error}"));
            let operations = model.operations.values().flat_map(|row| [row.input.as_ref(), row.output.as_ref()]);
            let mut named: Vec<&str> = operations.flatten().map(String::as_str).collect();
            for shape in model.shapes.values() {
                match &shape.kind {
                    Kind::Structure(members) => named.extend(members.values().map(String::as_str)),
                    Kind::List(item) => named.push(item),
                    Kind::Map(key, value) => named.extend([key.as_str(), value]),
                    Kind::Plain(_) => {}
                }
            }
            let missing: Vec<&str> = named.into_iter().filter(|name| model.resolve(name).is_none()).collect();
            assert!(missing.is_empty(), "{service}: {missing:?}");
        }
    }
}
