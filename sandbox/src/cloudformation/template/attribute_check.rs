//! Checks the attributes of `Fn::GetAtt`.

use serde_json::Value;

use super::evaluation_scope::EvaluationScope;
use super::references::{active_branches, attribute_reference};
use super::{Template, type_of};
use crate::cloudformation::resources;

/// The reason to fail when a resource or an output refers to an attribute that its resource's type does not have.
pub(crate) fn unknown(template: &Template, scope: &EvaluationScope<'_>) -> Option<String> {
    let is_live = |(_, part): &(&String, &Value)| {
        part["Condition"].as_str().and_then(|name| scope.condition(name).ok()) != Some(false)
    };
    let resources = template.resources().iter().filter(is_live);
    let resources =
        resources.map(|(name, resource)| (format!("/Resources/{name}/Properties"), &resource["Properties"]));
    let outputs = template.outputs().iter().filter(is_live);
    let outputs = outputs.map(|(name, output)| (format!("/Outputs/{name}/Value"), &output["Value"]));
    resources.chain(outputs).find_map(|(path, value)| find_unknown(template, scope, &path, value))
}

fn find_unknown(template: &Template, scope: &EvaluationScope<'_>, path: &str, value: &Value) -> Option<String> {
    let is_true = |name: &str| scope.condition(name).ok();
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| find_unknown(template, scope, &format!("{path}/{index}"), item)),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let path = format!("{path}/{name}");
            match name.as_str() {
                "Fn::GetAtt" => problem(template, scope, &path, member),
                "Fn::If" => active_branches(member, &is_true)
                    .find_map(|(index, part)| find_unknown(template, scope, &format!("{path}/{index}"), part)),
                _ => find_unknown(template, scope, &path, member),
            }
        }),
        _ => None,
    }
}

fn problem(template: &Template, scope: &EvaluationScope<'_>, path: &str, argument: &Value) -> Option<String> {
    let attribute = attribute_reference(argument)?;
    let attribute_name = match argument.get(1).filter(|part| part.is_object()) {
        Some(part) => scope.text(part).ok()?,
        None => attribute.attribute?,
    };
    let resource_type = resources::find(type_of(template.resources().get(&attribute.name)?))?;
    if resource_type.attributes.contains(&attribute_name.as_str()) {
        return None;
    }
    let name = resource_type.name;
    Some(if resources::property_schema::has_attribute(name, &attribute_name) {
        format!("[Error] {path}: the sandbox does not serve {name} with the attribute {attribute_name}.")
    } else {
        format!("[Error] {path}: Resource type {name} does not support attribute {{{attribute_name}}}.")
    })
}
