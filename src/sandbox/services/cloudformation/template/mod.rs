//! A template: read from JSON or YAML, checked for its structure, in CloudFormation's words.

use serde_json::{Map, Value};

use crate::sandbox::Fault;

pub mod check;
pub mod parameters;
pub mod references;
pub mod resolve;
mod yaml;

/// A template whose structure has been checked.
#[derive(Debug, Clone)]
pub struct Template {
    root: Map<String, Value>,
}

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
];

const RESOURCE_KEYS: &[&str] = &[
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
];

/// The fault for a template or a request that does not fit.
pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

fn format_error(message: &str) -> Fault {
    invalid(format!("Template format error: {message}"))
}

impl Template {
    /// Reads a template: JSON when it begins like an object, else YAML.
    pub fn parse(body: &str) -> Result<Self, Fault> {
        let value = if body.trim_start().starts_with('{') { parse_json(body)? } else { yaml::parse(body)? };
        let Value::Object(root) = value else { return Err(format_error("unsupported structure.")) };
        let template = Self { root };
        template.check_structure()?;
        Ok(template)
    }

    fn check_structure(&self) -> Result<(), Fault> {
        if let Some(unknown) = self.root.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
            if unknown == "Transform" {
                return Err(Fault::not_implemented("templates with a Transform"));
            }
            return Err(invalid(format!("Invalid template property or properties [{unknown}]")));
        }
        if self.resources().is_empty() {
            return Err(format_error("At least one Resources member must be defined."));
        }
        for (name, resource) in self.resources() {
            check_name("Resource", name)?;
            let Value::Object(members) = resource else {
                return Err(format_error("Any Resources member must be an object."));
            };
            if let Some(unknown) = members.keys().find(|key| !RESOURCE_KEYS.contains(&key.as_str())) {
                return Err(invalid(format!("Invalid template resource property '{unknown}'")));
            }
            if !members.get("Type").is_some_and(Value::is_string) {
                return Err(format_error(&format!(
                    "[/Resources/{name}] Every Resources object must contain a Type member."
                )));
            }
        }
        for name in self.section("Parameters").keys() {
            check_name("Parameter", name)?;
        }
        for (name, output) in self.outputs() {
            match output.get("Value") {
                None => return Err(format_error("Every Outputs member must contain a Value object")),
                Some(Value::Null) => {
                    return Err(invalid(format!("[/Outputs/{name}/Value] 'null' values are not allowed in templates")));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// A section; empty when the template has none.
    pub fn section(&self, name: &str) -> &Map<String, Value> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.root.get(name).and_then(Value::as_object).unwrap_or(&EMPTY)
    }

    /// The resources by logical id.
    pub fn resources(&self) -> &Map<String, Value> {
        self.section("Resources")
    }

    /// The outputs by key.
    pub fn outputs(&self) -> &Map<String, Value> {
        self.section("Outputs")
    }

    /// The description.
    pub fn description(&self) -> Option<&str> {
        self.root.get("Description").and_then(Value::as_str)
    }

    /// The whole template.
    pub fn root(&self) -> &Map<String, Value> {
        &self.root
    }
}

fn check_name(kind: &str, name: &str) -> Result<(), Fault> {
    if name.is_empty() || !name.chars().all(|character| character.is_ascii_alphanumeric()) {
        return Err(format_error(&format!("{kind} name {name} is non alphanumeric.")));
    }
    Ok(())
}

fn parse_json(body: &str) -> Result<Value, Fault> {
    serde_json::from_str(body).map_err(|error| {
        format_error(&format!("JSON not well-formed. (line {}, column {})", error.line(), error.column()))
    })
}

/// A resource's type.
pub fn kind_of(resource: &Value) -> &str {
    resource["Type"].as_str().unwrap_or_default()
}
