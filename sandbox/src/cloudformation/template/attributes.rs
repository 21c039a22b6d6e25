//! What `Fn::GetAtt` may ask for.

use serde_json::Value;

use super::references::{attribute_reference, taken};
use super::resolve::Scope;
use super::{Template, kind_of};
use crate::cloudformation::resources;

/// The reason to fail when something that is to be asks for an attribute that its resource's type does not have.
pub fn unknown(template: &Template, scope: &Scope<'_>) -> Option<String> {
    let is_live = |(_, part): &(&String, &Value)| {
        part["Condition"].as_str().and_then(|name| scope.condition(name).ok()) != Some(false)
    };
    let resources = template.resources().iter().filter(is_live);
    let resources =
        resources.map(|(name, resource)| (format!("/Resources/{name}/Properties"), &resource["Properties"]));
    let outputs = template.outputs().iter().filter(is_live);
    let outputs = outputs.map(|(name, output)| (format!("/Outputs/{name}/Value"), &output["Value"]));
    resources.chain(outputs).find_map(|(path, value)| below(template, scope, &path, value))
}

fn below(template: &Template, scope: &Scope<'_>, path: &str, value: &Value) -> Option<String> {
    let holds = |name: &str| scope.condition(name).ok();
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| below(template, scope, &format!("{path}/{index}"), item))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let path = format!("{path}/{name}");
            match name.as_str() {
                "Fn::GetAtt" => refusal(template, scope, &path, member),
                "Fn::If" => taken(member, &holds)
                    .find_map(|(index, part)| below(template, scope, &format!("{path}/{index}"), part)),
                _ => below(template, scope, &path, member),
            }
        }),
        _ => None,
    }
}

fn refusal(template: &Template, scope: &Scope<'_>, path: &str, argument: &Value) -> Option<String> {
    let attribute = attribute_reference(argument)?;
    let asked = match argument.get(1).filter(|part| part.is_object()) {
        Some(part) => scope.text(part).ok()?,
        None => attribute.attribute?,
    };
    let kind = resources::find(kind_of(template.resources().get(&attribute.name)?))?;
    if kind.attributes.contains(&asked.as_str()) {
        return None;
    }
    let name = kind.name;
    Some(if resources::schema::has_attribute(name, &asked) {
        format!("[Error] {path}: the sandbox does not serve {name} with the attribute {asked}.")
    } else {
        format!("[Error] {path}: Resource type {name} does not support attribute {{{asked}}}.")
    })
}
