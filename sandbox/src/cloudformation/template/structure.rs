//! Checks the structure of a template, section by section.

use serde_json::{Map, Value};

use super::parameters::declaration;
use super::{Template, extensions, format_error, invalid, policies, rule_assertions};
use crate::Fault;

/// The sections with the names of their members in AWS's sentences, and the quotas.
const SECTIONS: &[(&str, &str, usize)] = &[
    ("Parameters", "Parameter", 200),
    ("Mappings", "Mapping", 200),
    ("Resources", "Resource", 500),
    ("Outputs", "Output", 200),
];

const KEYS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
];

const RESOURCE_KEYS: &[&str] = &[
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Description",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
];

const OUTPUT_KEYS: &[&str] = &["Value", "Description", "Export", "Condition"];

/// The maximum length of a description, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// The maximum length of the names of parameters, resources and outputs.
const MAX_NAME_CHARACTERS: usize = 255;

pub(super) fn check(template: &Template) -> Result<(), Fault> {
    let unknown: Vec<&str> = template.root().keys().map(String::as_str).filter(|key| !KEYS.contains(key)).collect();
    if !unknown.is_empty() {
        return Err(invalid(format!("Invalid template property or properties [{}]", unknown.join(", "))));
    }
    check_header(template.root())?;
    check_nulls(template.root(), "")?;
    if template.resources().is_empty() && template.root().get("Resources").is_none_or(Value::is_object) {
        return Err(format_error("At least one Resources member must be defined."));
    }
    check_head(template)?;
    rule_assertions::check_structure(template)?;
    for (name, resource) in template.resources() {
        check_resource(name, resource)?;
    }
    for (name, output) in template.outputs() {
        check_output(name, output)?;
    }
    let common: Vec<&str> = template
        .resources()
        .keys()
        .map(String::as_str)
        .filter(|name| template.section("Parameters").contains_key(*name))
        .collect();
    if common.is_empty() {
        return Ok(());
    }
    let names = common.join(", ");
    Err(invalid(format!(
        "Template error: all resources and parameters must have unique names. Common name(s):[{names}]"
    )))
}

/// Checks the form of all sections, and the content of those that depend on no others: parameters and mappings.
pub(super) fn check_head(template: &Template) -> Result<(), Fault> {
    check_sections(template)?;
    for (name, declaration) in template.section("Parameters") {
        declaration::check(name, declaration)?;
    }
    check_mappings(template)
}

fn check_header(root: &Map<String, Value>) -> Result<(), Fault> {
    if root.get("AWSTemplateFormatVersion").is_some_and(|version| version != "2010-09-09") {
        return Err(format_error("unsupported value for AWSTemplateFormatVersion."));
    }
    match root.get("Description") {
        Some(Value::String(text)) if text.len() > MAX_DESCRIPTION_BYTES => {
            Err(format_error(&format!("Description must be no longer than {MAX_DESCRIPTION_BYTES} bytes")))
        }
        Some(Value::String(_) | Value::Null) | None => Ok(()),
        Some(_) => Err(format_error("Description must be a string.")),
    }
}

fn check_nulls(members: &Map<String, Value>, path: &str) -> Result<(), Fault> {
    members.iter().try_for_each(|(name, value)| check_null(value, &format!("{path}/{name}")))
}

fn check_null(value: &Value, path: &str) -> Result<(), Fault> {
    match value {
        Value::Null => Err(invalid(format!("[{path}] 'null' values are not allowed in templates"))),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| check_null(item, &format!("{path}/{index}")))
        }
        Value::Object(members) => check_nulls(members, path),
        _ => Ok(()),
    }
}

fn check_sections(template: &Template) -> Result<(), Fault> {
    for key in ["Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs"] {
        if template.root().get(key).is_some_and(|section| !section.is_object()) {
            return Err(format_error(&format!("{key} must be an object.")));
        }
    }
    for &(section, member_kind, max) in SECTIONS {
        let members = template.section(section);
        if members.len() > max {
            let what = section.to_lowercase();
            let count = members.len();
            return Err(format_error(&format!("Number of {what}, {count}, is greater than maximum allowed, {max}")));
        }
        for (name, member) in members {
            if section == "Resources" && name.starts_with(extensions::LOOP) {
                return Err(format_error(&format!("[/Resources/{name}] resource definition is malformed")));
            }
            check_name(member_kind, name)?;
            if !member.is_object() && section != "Mappings" {
                return Err(format_error(&format!("Any {section} member must be an object.")));
            }
        }
    }
    Ok(())
}

fn check_name(member_kind: &str, name: &str) -> Result<(), Fault> {
    if name.is_empty() || !name.chars().all(|character| character.is_ascii_alphanumeric()) {
        return Err(format_error(&format!("{member_kind} name {name} is non alphanumeric.")));
    }
    if name.len() > MAX_NAME_CHARACTERS {
        return Err(format_error(&format!(
            "{member_kind} name {name} is longer than {MAX_NAME_CHARACTERS} characters."
        )));
    }
    Ok(())
}

fn check_mappings(template: &Template) -> Result<(), Fault> {
    let a_map = |name: &str, value: &Value| {
        let sentence = format!("Every Mappings member {name} must be a map");
        value.as_object().cloned().ok_or_else(|| format_error(&sentence))
    };
    for (name, mapping) in template.section("Mappings") {
        for (key, attributes) in a_map(name, mapping)? {
            for value in a_map(&key, &attributes)?.values() {
                let is_valid = match value {
                    Value::Array(items) => items.iter().all(is_scalar),
                    value => is_scalar(value),
                };
                if !is_valid {
                    return Err(format_error("Every Mappings attribute must be a String or a List."));
                }
            }
        }
    }
    Ok(())
}

fn is_scalar(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

fn check_resource(name: &str, resource: &Value) -> Result<(), Fault> {
    let members = resource.as_object().into_iter().flatten();
    if let Some((unknown, _)) = members.clone().find(|(key, _)| !RESOURCE_KEYS.contains(&key.as_str())) {
        return Err(invalid(format!("Invalid template resource property '{unknown}'")));
    }
    if !resource["Type"].is_string() {
        return Err(format_error(&format!("[/Resources/{name}] Every Resources object must contain a Type member.")));
    }
    if !matches!(resource["Properties"], Value::Null | Value::Object(_)) {
        return Err(format_error(&format!("[/Resources/{name}/Properties] Properties must be an object.")));
    }
    if !matches!(resource["Condition"], Value::Null | Value::String(_)) {
        return Err(format_error("Every Condition member must be a string."));
    }
    match &resource["DependsOn"] {
        Value::Null | Value::String(_) => {}
        Value::Array(names) if names.iter().all(Value::is_string) => {}
        Value::Array(_) => return Err(format_error("Every DependsOn value must be a string.")),
        _ => return Err(format_error("DependsOn must be a string or list of strings.")),
    }
    policies::check_structure(name, resource)
}

fn check_output(name: &str, output: &Value) -> Result<(), Fault> {
    let mut members = output.as_object().into_iter().flatten();
    if output.get("Value").is_none() {
        return Err(format_error("Every Outputs member must contain a Value object"));
    }
    if let Some((unknown, _)) = members.find(|(key, _)| !OUTPUT_KEYS.contains(&key.as_str())) {
        return Err(invalid(format!("Invalid template output property '{unknown}'")));
    }
    if !matches!(output["Condition"], Value::Null | Value::String(_)) {
        return Err(format_error("Every Condition member must be a string."));
    }
    if output.get("Export").is_some_and(|export| export.get("Name").is_none()) {
        return Err(format_error(&format!(
            "Output {name} is malformed. The Name field of every Export member must be specified"
        )));
    }
    match &output["Description"] {
        Value::Null => Ok(()),
        Value::String(text) if text.len() <= MAX_DESCRIPTION_BYTES => Ok(()),
        Value::String(_) => Err(format_error(&format!(
            "Output {name} description must be no longer than {MAX_DESCRIPTION_BYTES} bytes"
        ))),
        _ => Err(format_error("Every Description member must be a string.")),
    }
}
