//! A template: read from JSON or YAML, checked for its structure, in CloudFormation's words.

use serde_json::{Map, Value};

use crate::{Fault, FaultKind};

pub mod attributes;
pub mod capabilities;
pub mod check;
mod conditions;
pub mod dynamic;
pub mod extensions;
pub mod functions;
mod json;
pub mod outputs;
pub mod parameters;
pub mod references;
pub mod resolve;
pub mod rules;
mod shapes;
mod structure;
mod yaml;

/// The one transform that is served.
pub const EXTENSIONS: &str = "AWS::LanguageExtensions";

/// A template whose structure has been checked.
#[derive(Debug, Clone)]
pub struct Template {
    root: Map<String, Value>,
    /// Whether it is what [`EXTENSIONS`] made of another.
    extended: bool,
}

/// The fault for a template or a request that does not fit.
pub fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

/// The fault for a resource that cannot be made as its template declares it: the message is the reason of the resource's failure.
pub fn template_fault(message: impl Into<String>) -> Fault {
    invalid(message).of_kind(FaultKind::Template)
}

fn format_error(message: &str) -> Fault {
    invalid(format!("Template format error: {message}"))
}

/// A text as it was given, before its structure is checked and its transform carried out.
#[derive(Debug, Clone)]
pub struct Source {
    root: Map<String, Value>,
}

impl Source {
    /// Reads JSON when it begins like an object, else YAML.
    pub fn read(body: &str) -> Result<Self, Fault> {
        let value = if body.trim_start().starts_with('{') { json::parse(body)? } else { yaml::parse(body)? };
        match value {
            Value::Object(root) => Ok(Self { root }),
            _ => Err(format_error("unsupported structure.")),
        }
    }

    /// The transforms that it declares.
    pub fn transforms(&self) -> Vec<&str> {
        match self.root.get("Transform") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Refuses the transforms that are not served, by name.
    pub fn check_transforms(&self) -> Result<(), Fault> {
        let declared = self.root.get("Transform");
        let named = declared.is_none_or(|value| {
            value.is_string() || value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
        });
        match self.transforms().into_iter().find(|name| *name != EXTENSIONS) {
            Some(name) => Err(Fault::not_implemented(&format!("the transform {name}"))),
            None if named => Ok(()),
            None => Err(format_error("Transform must be a string or a list of strings.")),
        }
    }

    /// Whether it declares [`EXTENSIONS`].
    pub fn is_extended(&self) -> bool {
        self.transforms().contains(&EXTENSIONS)
    }

    /// Its parameters and mappings: what a transform needs to know of it.
    pub fn head(&self) -> Result<Template, Fault> {
        let known = ["Parameters", "Mappings"];
        let members = self.root.iter().filter(|(name, _)| known.contains(&name.as_str()));
        let head =
            Template { root: members.map(|(name, value)| (name.clone(), value.clone())).collect(), extended: false };
        structure::check_head(&head)?;
        Ok(head)
    }

    /// The template, as it stands.
    pub fn into_template(self) -> Result<Template, Fault> {
        let extended = self.is_extended();
        Template::of(self.root, extended)
    }
}

impl Template {
    /// Reads a template whose transforms have been carried out.
    pub fn parse(body: &str) -> Result<Self, Fault> {
        let source = Source::read(body)?;
        source.check_transforms()?;
        source.into_template()
    }

    /// The text of a template that is made of another.
    pub fn text(&self) -> String {
        Value::Object(self.root.clone()).to_string()
    }

    fn of(root: Map<String, Value>, extended: bool) -> Result<Self, Fault> {
        let template = Self { root, extended };
        structure::check(&template)?;
        Ok(template)
    }

    /// Whether the functions of [`EXTENSIONS`] may stand in it.
    pub fn is_extended(&self) -> bool {
        self.extended
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

/// A resource's type.
pub fn kind_of(resource: &Value) -> &str {
    resource["Type"].as_str().unwrap_or_default()
}
