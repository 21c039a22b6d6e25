//! A CloudFormation template as a value, and its two texts.

use serde_json::{Map, Value};

use super::diff::equality::has_question_mark;
use super::yaml;

/// A template. Keys are in the order in which they are to be shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template(Map<String, Value>);

impl Template {
    /// A template that was read somewhere else.
    pub fn from_map(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// One of the template's sections (`Resources`, `Outputs`, …), empty when it is not there.
    pub fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.0.get(name).and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// A resource by its logical id; null when there is none.
    pub fn resource(&self, logical_id: &str) -> &Value {
        self.0.get("Resources").and_then(|resources| resources.get(logical_id)).unwrap_or(&Value::Null)
    }

    /// Whether it has a resource of this type.
    pub fn has_type(&self, kind: &str) -> bool {
        self.section("Resources").any(|(_, resource)| resource["Type"] == kind)
    }

    /// Whether a text in it has a `?`. GetTemplate returns that for every character that is not ASCII.
    pub fn has_question_mark(&self) -> bool {
        self.0.values().any(has_question_mark)
    }

    /// The whole template.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The template as a JSON value.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Indented JSON, with a newline at the end.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.to_value())
    }

    /// YAML that every reader of YAML 1.1 or 1.2 takes for the same value.
    pub fn to_yaml(&self) -> String {
        yaml::document(&self.to_value())
    }
}
