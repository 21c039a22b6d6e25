//! A CloudFormation template, and its YAML and JSON.

use serde_json::{Map, Value};

use super::diff::equality::has_question_mark;
use super::yaml;

/// The maximum size of a template in a request, in bytes; a larger one must be uploaded to S3. From the quotas in
/// CloudFormation's user guide ("Template body size in a request").
pub const MAX_TEMPLATE_BYTES: usize = 51_200;

/// A template. The order of keys is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template(Map<String, Value>);

impl Template {
    /// Wraps a parsed template.
    pub fn from_map(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// A section of the template (`Resources`, `Outputs`, …); empty if it is missing.
    pub fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.0.get(name).and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// A resource by its logical id; null if it is missing.
    pub fn resource(&self, logical_id: &str) -> &Value {
        self.0.get("Resources").and_then(|resources| resources.get(logical_id)).unwrap_or(&Value::Null)
    }

    /// Whether it has a resource of this type.
    pub fn has_type(&self, resource_type: &str) -> bool {
        self.section("Resources").any(|(_, resource)| resource["Type"] == resource_type)
    }

    /// Whether a string in it contains `?`, which GetTemplate returns for every non-ASCII character.
    pub fn has_question_mark(&self) -> bool {
        self.0.values().any(has_question_mark)
    }

    /// The template as a map.
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

    /// The TemplateBody of requests: YAML, or compact JSON if only that fits into `MAX_TEMPLATE_BYTES`. If neither fits, the shorter one.
    pub fn to_body(&self) -> String {
        let yaml = self.to_yaml();
        if yaml.len() <= MAX_TEMPLATE_BYTES {
            return yaml;
        }
        let json = self.to_value().to_string();
        if json.len() < yaml.len() { json } else { yaml }
    }

    /// YAML that parsers of YAML 1.1 and 1.2 read as the same value.
    pub fn to_yaml(&self) -> String {
        yaml::document(&self.to_value())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A template with this number of entries, which are shorter as compact JSON than as YAML.
    fn template(entries: usize) -> Template {
        let entries = (0..entries).map(|at| (format!("P{at:05}"), json!({ "Properties": { "Key": ["a", "b"] } })));
        Template(Map::from_iter([("Resources".to_owned(), Value::Object(entries.collect()))]))
    }

    #[test]
    fn a_template_is_sent_as_json_only_if_yaml_is_too_large() {
        let small = template(100);
        assert_eq!(small.to_body(), small.to_yaml());
        let sizes = |template: &Template| (template.to_yaml().len(), template.to_value().to_string().len());
        let (medium, large) = (template(900), template(2_000));
        assert!(
            sizes(&medium).0 > MAX_TEMPLATE_BYTES && sizes(&medium).1 <= MAX_TEMPLATE_BYTES,
            "{:?}",
            sizes(&medium)
        );
        assert_eq!(serde_json::from_str::<Value>(&medium.to_body()).ok(), Some(medium.to_value()));
        assert!(medium.to_body().len() <= MAX_TEMPLATE_BYTES);
        assert!(sizes(&large).1 > MAX_TEMPLATE_BYTES);
        assert_eq!(large.to_body().len(), sizes(&large).1);
    }
}
