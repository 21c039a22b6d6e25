//! AWS's service models of the served operations: the types and constraints of inputs, and the types in outputs that a JSON value does
//! not have.
//!
//! `generate.py` makes the data from botocore's models. [`read`] converts a decoded input to the model's types and checks its
//! constraints, [`TypedOutput`] adds types to outputs for the codecs.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use indexmap::IndexMap;
use pattern::Pattern;
use serde::Deserialize;

mod constraints;
mod input;
mod pattern;
mod scalars;
mod typed_output;

pub use input::{Input, InputEncoding, ReadError, Violation, read};
pub use typed_output::TypedOutput;

/// The data of each service, by its signing name.
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

/// Each model is parsed once, when its service is first called.
static MODELS: LazyLock<HashMap<&str, Lazy>> = LazyLock::new(|| {
    let lazy = |text: &'static str| -> Lazy { LazyLock::new(Box::new(move || serde_json::from_str(text).ok())) };
    DATA.iter().map(|(service, text)| (*service, lazy(text))).collect()
});

/// The model of a service.
pub fn find(signing_name: &str) -> Option<&'static Model> {
    MODELS.get(signing_name).and_then(|model| model.as_ref())
}

/// The model of a service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    #[serde(rename = "source")]
    _source: String,
    operations: HashMap<String, OperationModel>,
    shapes: HashMap<String, Shape>,
    /// The errors of services with a Query protocol, by code: the name of the error's type and its HTTP status.
    #[serde(default)]
    errors: HashMap<String, (String, u16)>,
    /// The errors of services with a JSON protocol whose message is the member `Message`; of all others it is `message`.
    #[serde(default)]
    capitalized_messages: HashSet<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OperationModel {
    input: Option<String>,
    output: Option<String>,
    /// The names of the filters of EC2's operations.
    filters: Vec<String>,
    /// Whether clients may compress its input.
    accepts_compressed: bool,
}

/// A structure, a list, a map, or a plain type with constraints.
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
    /// Types by member; a type that ends with `!` is required.
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

/// The constraints of a value. `min` and `max` apply to numbers, and to the length of everything else.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limits {
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<Pattern>,
    #[serde(rename = "enum")]
    values: Vec<String>,
    /// The end of the message of a service that does not show its pattern.
    message: Option<String>,
    /// Whether the message does not repeat the value.
    hides_value: bool,
}

/// The type of a name.
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

    /// Whether the input of an operation has a member; that of an unknown operation has all.
    pub fn has_member(&self, operation: &str, member: &str) -> bool {
        let input = self.operations.get(operation).map(|operation| operation.input.as_deref());
        match input.map(|input| input.and_then(|name| self.resolve(name))) {
            None => true,
            Some(Some(Type::Shape(Shape { kind: Kind::Structure(members), .. }))) => members.contains_key(member),
            Some(_) => false,
        }
    }

    /// Whether clients may compress the input of an operation.
    pub fn accepts_compressed(&self, operation: &str) -> bool {
        self.operations.get(operation).is_some_and(|operation| operation.accepts_compressed)
    }

    /// The filters of an operation in AWS's documentation.
    pub fn filters(&self, operation: &str) -> &[String] {
        self.operations.get(operation).map_or(&[], |operation| &operation.filters)
    }

    /// The name of an error's type and its HTTP status, by its code in the Query protocol.
    pub fn error(&self, code: &str) -> Option<(&str, u16)> {
        self.errors.get(code).map(|(shape, status)| (shape.as_str(), *status))
    }

    /// The member of an error that has its message.
    pub fn message_member(&self, error: &str) -> &'static str {
        if self.capitalized_messages.contains(error) { "Message" } else { "message" }
    }
}

#[cfg(test)]
mod tests;
