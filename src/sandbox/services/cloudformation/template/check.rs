//! Checks that hold for a whole template: every reference resolves, no circle, known types, acknowledged capabilities.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::references::{Reference, references};
use super::{Template, invalid, kind_of};
use crate::sandbox::Fault;
use crate::sandbox::services::cloudformation::resources;

/// For each resource the resources that have to be there before it.
pub type Dependencies = BTreeMap<String, Vec<String>>;

/// Checks a template and gives its resources' dependencies.
pub fn check(template: &Template, capabilities: &[String]) -> Result<Dependencies, Fault> {
    check_types(template)?;
    check_resource_references(template)?;
    check_output_references(template)?;
    check_capabilities(template, capabilities)?;
    let dependencies = dependencies(template);
    check_circles(&dependencies)?;
    Ok(dependencies)
}

fn check_types(template: &Template) -> Result<(), Fault> {
    let unknown: BTreeSet<&str> =
        template.resources().values().map(kind_of).filter(|kind| resources::find(kind).is_none()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let names = unknown.into_iter().collect::<Vec<_>>().join(", ");
    Err(invalid(format!("Template format error: Unrecognized resource types: [{names}]")))
}

fn is_known(template: &Template, reference: &Reference) -> bool {
    let name = reference.name.as_str();
    let plain = reference.attribute.is_none()
        && (name.starts_with("AWS::") || template.section("Parameters").contains_key(name));
    plain || template.resources().contains_key(name)
}

fn depends_on(resource: &Value) -> Vec<&str> {
    match &resource["DependsOn"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn check_resource_references(template: &Template) -> Result<(), Fault> {
    let mut unresolved = BTreeSet::new();
    for resource in template.resources().values() {
        for reference in references(&resource["Properties"]) {
            if !is_known(template, &reference) {
                unresolved.insert(reference.name);
            } else if let Some(attribute) = &reference.attribute {
                check_attribute(template, &reference.name, attribute)?;
            }
        }
        let missing = depends_on(resource).into_iter().filter(|name| !template.resources().contains_key(*name));
        unresolved.extend(missing.map(str::to_owned));
        if let Some(condition) =
            resource["Condition"].as_str().filter(|name| !template.section("Conditions").contains_key(*name))
        {
            return Err(invalid(format!(
                "Template format error: Unresolved condition dependency {condition} in the Resources block of the template"
            )));
        }
    }
    if unresolved.is_empty() {
        return Ok(());
    }
    let names = unresolved.into_iter().collect::<Vec<_>>().join(", ");
    Err(invalid(format!(
        "Template format error: Unresolved resource dependencies [{names}] in the Resources block of the template"
    )))
}

fn check_output_references(template: &Template) -> Result<(), Fault> {
    let all: Vec<Reference> = template.outputs().values().flat_map(references).collect();
    let unresolved: BTreeSet<&str> = all
        .iter()
        .filter(|reference| !is_known(template, reference))
        .map(|reference| reference.name.as_str())
        .collect();
    if !unresolved.is_empty() {
        let names = unresolved.into_iter().collect::<Vec<_>>().join(", ");
        return Err(invalid(format!(
            "Unresolved resource dependencies [{names}] in the Outputs block of the template"
        )));
    }
    for reference in &all {
        if let Some(attribute) = &reference.attribute {
            check_attribute(template, &reference.name, attribute)?;
        }
    }
    Ok(())
}

fn check_attribute(template: &Template, name: &str, attribute: &str) -> Result<(), Fault> {
    let kind = template.resources().get(name).map(kind_of).and_then(resources::find);
    if kind.is_some_and(|kind| !kind.attributes.contains(&attribute)) {
        return Err(invalid(format!(
            "Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
        )));
    }
    Ok(())
}

/// Creating IAM resources has to be acknowledged, naming them even more.
fn check_capabilities(template: &Template, given: &[String]) -> Result<(), Fault> {
    const NAMES: &[&str] = &["RoleName", "InstanceProfileName"];
    let has = |capability: &str| given.iter().any(|one| one == capability);
    let mut iam =
        template.resources().values().filter(|resource| kind_of(resource).starts_with("AWS::IAM::")).peekable();
    if iam.peek().is_none() {
        return Ok(());
    }
    let named = iam.any(|resource| NAMES.iter().any(|name| resource["Properties"].get(*name).is_some()));
    let required = if named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" };
    if has(required) || has("CAPABILITY_NAMED_IAM") {
        return Ok(());
    }
    Err(Fault::client("InsufficientCapabilitiesException", format!("Requires capabilities : [{required}]")))
}

/// The capability that a template needs, for `GetTemplateSummary` and `ValidateTemplate`.
pub fn required_capability(template: &Template) -> Option<String> {
    let message = check_capabilities(template, &[]).err()?.message;
    Some(message.split_once('[')?.1.trim_end_matches(']').to_owned())
}

/// For each resource of a template the resources that it names.
pub fn dependencies(template: &Template) -> Dependencies {
    let of = |resource: &Value| {
        let named = references(&resource["Properties"]).into_iter().map(|reference| reference.name);
        let all: BTreeSet<String> = named.chain(depends_on(resource).into_iter().map(str::to_owned)).collect();
        all.into_iter().filter(|name| template.resources().contains_key(name)).collect()
    };
    template.resources().iter().map(|(name, resource)| (name.clone(), of(resource))).collect()
}

fn check_circles(dependencies: &Dependencies) -> Result<(), Fault> {
    let mut left = dependencies.clone();
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, needs)| !needs.iter().any(|need| left.contains_key(need)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        left.retain(|name, _| !free.contains(name));
    }
    if left.is_empty() {
        return Ok(());
    }
    let names = left.into_keys().collect::<Vec<_>>().join(", ");
    Err(invalid(format!("Circular dependency between resources: [{names}]")))
}
