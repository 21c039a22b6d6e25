//! Templates: parsed from JSON or YAML, and checked with CloudFormation's messages. This module does not access stored stacks.

use serde_json::{Map, Value};

use crate::{Fault, FaultKind};

pub(super) mod attribute_check;
pub(super) mod capabilities;
mod condition_check;
pub(super) mod dynamic_references;
pub(super) mod evaluation_scope;
pub(super) mod extensions;
mod function_check;
pub(super) mod functions;
pub(super) mod output_check;
pub(super) mod parameters;
pub(super) mod policies;
pub(super) mod references;
pub(super) mod rule_assertions;
mod structure;
pub(super) mod template_check;
pub(super) mod value_check;
mod yaml;

/// The only served transform.
pub(super) const EXTENSIONS: &str = "AWS::LanguageExtensions";

/// A template whose structure has been checked.
#[derive(Debug, Clone)]
pub(super) struct Template {
    root: Map<String, Value>,
    /// Whether it declares [`EXTENSIONS`], or is its result.
    is_extended: bool,
}

/// The fault for an invalid template or request.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

/// The fault for a resource that cannot be made as its template declares it: the message is the reason of the resource's failure.
pub(super) fn template_fault(message: impl Into<String>) -> Fault {
    invalid(message).with_kind(FaultKind::Template)
}

fn format_error(message: &str) -> Fault {
    invalid(format!("Template format error: {message}"))
}

/// A parsed template before its structure is checked and its transform is applied.
#[derive(Debug, Clone)]
pub(super) struct UnexpandedTemplate {
    root: Map<String, Value>,
}

impl UnexpandedTemplate {
    /// Parses JSON if the text begins with a brace, else YAML.
    pub(super) fn parse(body: &str) -> Result<Self, Fault> {
        let value = if body.trim_start().starts_with('{') { parse_json(body)? } else { yaml::parse(body)? };
        match value {
            Value::Object(root) => Ok(Self { root }),
            _ => Err(format_error("unsupported structure.")),
        }
    }

    /// The names of the declared transforms; `None` for one without a name.
    fn declared_transforms(&self) -> Vec<Option<&str>> {
        match self.root.get("Transform") {
            None => Vec::new(),
            Some(Value::Array(transforms)) => transforms.iter().map(transform_name).collect(),
            Some(transform) => vec![transform_name(transform)],
        }
    }

    pub(super) fn transforms(&self) -> Vec<&str> {
        self.declared_transforms().into_iter().flatten().collect()
    }

    /// Refuses transforms that are not served.
    pub(super) fn check_transforms(&self) -> Result<(), Fault> {
        if self.declared_transforms().contains(&None) {
            // Recorded: localstack's test_error_pass_macro_as_reference.
            return Err(invalid("Key Name of transform definition must be a string."));
        }
        match self.transforms().into_iter().find(|name| *name != EXTENSIONS) {
            Some(name) => Err(Fault::not_implemented(&format!("the transform {name}"))),
            None => Ok(()),
        }
    }

    /// Whether it declares [`EXTENSIONS`].
    pub(super) fn is_extended(&self) -> bool {
        self.transforms().contains(&EXTENSIONS)
    }

    /// The parameters and mappings, on which the transform depends.
    pub(super) fn head(&self) -> Result<Template, Fault> {
        let sections = ["Parameters", "Mappings"];
        let members = self.root.iter().filter(|(name, _)| sections.contains(&name.as_str()));
        let head =
            Template { root: members.map(|(name, value)| (name.clone(), value.clone())).collect(), is_extended: false };
        structure::check_head(&head)?;
        Ok(head)
    }

    /// The template, without applying a transform.
    pub(super) fn into_template(self) -> Result<Template, Fault> {
        let is_extended = self.is_extended();
        Template::new(self.root, is_extended)
    }
}

impl Template {
    /// Parses a template to which its transforms have been applied.
    pub(super) fn parse(body: &str) -> Result<Self, Fault> {
        let source = UnexpandedTemplate::parse(body)?;
        source.check_transforms()?;
        source.into_template()
    }

    /// The template as JSON text.
    pub(super) fn text(&self) -> String {
        Value::Object(self.root.clone()).to_string()
    }

    fn new(root: Map<String, Value>, is_extended: bool) -> Result<Self, Fault> {
        let template = Self { root, is_extended };
        structure::check(&template)?;
        Ok(template)
    }

    /// Whether it may use the functions of [`EXTENSIONS`].
    pub(super) fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// A section; empty if the template does not have it.
    pub(super) fn section(&self, name: &str) -> &Map<String, Value> {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        self.root.get(name).and_then(Value::as_object).unwrap_or(&EMPTY)
    }

    /// The resources by logical id.
    pub(super) fn resources(&self) -> &Map<String, Value> {
        self.section("Resources")
    }

    pub(super) fn outputs(&self) -> &Map<String, Value> {
        self.section("Outputs")
    }

    pub(super) fn description(&self) -> Option<&str> {
        self.root.get("Description").and_then(Value::as_str)
    }

    pub(super) fn root(&self) -> &Map<String, Value> {
        &self.root
    }
}

/// The name of a transform: a string, or the `Name` of an object.
fn transform_name(transform: &Value) -> Option<&str> {
    transform.as_str().or_else(|| transform.get("Name")?.as_str())
}

/// JSON, with the position of an error as AWS reports it.
fn parse_json(body: &str) -> Result<Value, Fault> {
    serde_json::from_str(body).map_err(|error| {
        // AWS's parser reports the position after the unexpected character.
        let (line, column) = (error.line(), error.column() + 1);
        format_error(&format!("JSON not well-formed. (line {line}, column {column})"))
    })
}

pub(super) fn type_of(resource: &Value) -> &str {
    resource["Type"].as_str().unwrap_or_default()
}
