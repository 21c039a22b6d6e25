//! Checks of references, dependencies and resource types.
//!
//! [`check_template`] checks all of a template; [`check_active_resources`] the resources and outputs whose conditions hold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::evaluation_scope::{EvaluationScope, PSEUDO};
use super::references::{Reference, active_references, references};
use super::{Template, condition_check, format_error, function_check, invalid, type_of};
use crate::Fault;
use crate::cloudformation::{resources, type_names};

/// The dependencies of each resource: the resources that are created before it.
pub(crate) type Dependencies = BTreeMap<String, Vec<String>>;

/// The members of a resource that may have functions.
pub(super) const FUNCTION_MEMBERS: &[&str] =
    &["Properties", "Metadata", "CreationPolicy", "UpdatePolicy", "DeletionPolicy", "UpdateReplacePolicy"];

/// Checks what does not depend on the template's parameters.
pub(crate) fn check_template(template: &Template) -> Result<(), Fault> {
    function_check::check(template)?;
    condition_check::check(template)?;
    check_references(template)?;
    check_cycles(&dependencies(template))
}

/// Refuses resource types that do not exist.
pub(crate) fn check_known_types(template: &Template) -> Result<(), Fault> {
    unrecognized(unserved_types(template).filter(|resource_type| !is_known_type(resource_type)).collect())
}

/// Refuses resource types that the sandbox does not serve.
pub(crate) fn check_served_types(template: &Template) -> Result<(), Fault> {
    let unserved: BTreeSet<&str> = unserved_types(template).collect();
    if unserved.is_empty() {
        return Ok(());
    }
    let names = unserved.into_iter().collect::<Vec<_>>().join(", ");
    Err(Fault::not_implemented(&format!("the resource type {names}")))
}

fn unserved_types(template: &Template) -> impl Iterator<Item = &str> {
    template.resources().values().map(type_of).filter(|resource_type| resources::find(resource_type).is_none())
}

/// Whether CloudFormation has a type. Custom resources may have any name.
fn is_known_type(resource_type: &str) -> bool {
    type_names::exists(resource_type) || (resource_type.starts_with("Custom::") && is_type_name(resource_type))
}

/// Refuses an update that changes the type of a resource.
pub(crate) fn check_types_unchanged(before: &Template, after: &Template) -> Result<(), Fault> {
    let is_other = |(name, resource): &(&String, &Value)| {
        before.resources().get(*name).is_some_and(|earlier| type_of(earlier) != type_of(resource))
    };
    let others: Vec<&str> = after.resources().iter().filter(is_other).map(|(name, _)| name.as_str()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let message =
        "Update of resource type is not permitted. The new template modifies resource type of the following resources";
    Err(invalid(format!("{message}: [{}]", others.join(", "))))
}

/// Refuses malformed type names, such as `AWS::S3`.
pub(crate) fn check_type_names(template: &Template) -> Result<(), Fault> {
    let unknown: BTreeSet<&str> =
        template.resources().values().map(type_of).filter(|resource_type| !is_type_name(resource_type)).collect();
    unrecognized(unknown)
}

/// `Vendor::Service::Type`, or `Custom::Name`.
fn is_type_name(resource_type: &str) -> bool {
    let parts: Vec<&str> = resource_type.split("::").collect();
    let words =
        parts.iter().all(|part| !part.is_empty() && part.chars().all(|character| character.is_ascii_alphanumeric()));
    match parts.as_slice() {
        ["Custom", name] => {
            name.chars().all(|character| character.is_ascii_alphanumeric() || "_@-".contains(character))
        }
        all => words && matches!(all.len(), 3 | 4),
    }
}

fn unrecognized(unknown: BTreeSet<&str>) -> Result<(), Fault> {
    if unknown.is_empty() {
        return Ok(());
    }
    let names = unknown.into_iter().collect::<Vec<_>>().join(", ");
    Err(format_error(&format!("Unrecognized resource types: [{names}]")))
}

fn is_known(template: &Template, name: &str) -> bool {
    PSEUDO.contains(&name)
        || template.section("Parameters").contains_key(name)
        || template.resources().contains_key(name)
}

fn depends_on(resource: &Value) -> Vec<&str> {
    match &resource["DependsOn"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The references of a resource, without those in branches of `Fn::If` that are known not to apply.
fn references_of(resource: &Value, is_true: &dyn Fn(&str) -> Option<bool>) -> Vec<Reference> {
    FUNCTION_MEMBERS.iter().flat_map(|member| active_references(&resource[*member], is_true)).collect()
}

fn check_references(template: &Template) -> Result<(), Fault> {
    let mut unresolved = BTreeSet::new();
    for resource in template.resources().values() {
        let resource_references = references_of(resource, &|_| None);
        check_attributes(template, &resource_references)?;
        let plain = resource_references
            .into_iter()
            .filter(|reference| reference.attribute.is_none())
            .map(|reference| reference.name);
        unresolved.extend(plain.filter(|name| !is_known(template, name)));
        let missing = depends_on(resource).into_iter().filter(|name| !template.resources().contains_key(*name));
        unresolved.extend(missing.map(str::to_owned));
    }
    all_resolved(&unresolved, "Resources", "Template format error: ")?;
    let mut unresolved = BTreeSet::new();
    for output in template.outputs().values() {
        let output_references = references(output);
        check_attributes(template, &output_references)?;
        let plain = output_references
            .into_iter()
            .filter(|reference| reference.attribute.is_none())
            .map(|reference| reference.name);
        unresolved.extend(plain.filter(|name| !is_known(template, name)));
    }
    all_resolved(&unresolved, "Outputs", "Template format error: ")
}

fn all_resolved(unresolved: &BTreeSet<String>, block: &str, prefix: &str) -> Result<(), Fault> {
    if unresolved.is_empty() {
        return Ok(());
    }
    let names = unresolved.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(invalid(format!("{prefix}Unresolved resource dependencies [{names}] in the {block} block of the template")))
}

/// Refuses attributes of anything but resources. Whether the resource's type has the attribute is checked by the operation.
fn check_attributes(template: &Template, references: &[Reference]) -> Result<(), Fault> {
    let undefined = references
        .iter()
        .find(|reference| reference.attribute.is_some() && !template.resources().contains_key(&reference.name));
    let Some(Reference { name, attribute, in_text }) = undefined else { return Ok(()) };
    let attribute = attribute.as_deref().unwrap_or_default();
    Err(invalid(if *in_text {
        format!("Template error: instance of Fn::Sub references invalid resource attribute {name}.{attribute}")
    } else {
        format!("Template error: instance of Fn::GetAtt references undefined resource {name}")
    }))
}

/// The dependencies in a template, regardless of conditions.
pub(crate) fn dependencies(template: &Template) -> Dependencies {
    let names = template.resources().iter();
    names.map(|(name, resource)| (name.clone(), needs(template, resource, &|_| None))).collect()
}

fn needs(template: &Template, resource: &Value, is_true: &dyn Fn(&str) -> Option<bool>) -> Vec<String> {
    let references = references_of(resource, is_true).into_iter().map(|reference| reference.name);
    let names: BTreeSet<String> = references.chain(depends_on(resource).into_iter().map(str::to_owned)).collect();
    names.into_iter().filter(|name| template.resources().contains_key(name)).collect()
}

/// The resources whose conditions hold, with the dependencies between them.
pub(crate) fn active_dependencies(template: &Template, scope: &EvaluationScope<'_>) -> Result<Dependencies, Fault> {
    let is_true = |name: &str| scope.condition(name).ok();
    let mut active = Dependencies::new();
    for (name, resource) in template.resources() {
        let condition = resource["Condition"].as_str();
        if condition.map_or(Ok(true), |condition| scope.condition(condition)).map_err(invalid)? {
            active.insert(name.clone(), needs(template, resource, &is_true));
        }
    }
    let names: BTreeSet<String> = active.keys().cloned().collect();
    for needs in active.values_mut() {
        needs.retain(|need| names.contains(need));
    }
    Ok(active)
}

/// Checks that resources and outputs whose conditions hold refer to no others.
pub(crate) fn check_active_resources(template: &Template, scope: &EvaluationScope<'_>) -> Result<(), Fault> {
    let dependencies = active_dependencies(template, scope)?;
    let is_true = |name: &str| scope.condition(name).ok();
    let without_resource = |references: Vec<Reference>| -> Vec<String> {
        let names = references.into_iter().map(|reference| reference.name);
        names.filter(|name| template.resources().contains_key(name) && !dependencies.contains_key(name)).collect()
    };
    let unresolved = dependencies
        .keys()
        .flat_map(|name| without_resource(references_of(&template.resources()[name], &is_true)))
        .collect();
    all_resolved(&unresolved, "Resources", "Template format error: ")?;
    let outputs =
        template.outputs().values().filter(|output| output["Condition"].as_str().and_then(is_true) != Some(false));
    let unresolved = outputs.flat_map(|output| without_resource(active_references(output, &is_true))).collect();
    // AWS leaves out the prefix here.
    all_resolved(&unresolved, "Outputs", "")?;
    check_cycles(&dependencies)
}

fn check_cycles(dependencies: &Dependencies) -> Result<(), Fault> {
    let names = cycles(dependencies);
    if names.is_empty() {
        return Ok(());
    }
    Err(invalid(format!("Circular dependency between resources: [{}]", names.join(", "))))
}

/// The names that are part of cycles, or depend on one.
pub(crate) fn cycles(dependencies: &Dependencies) -> Vec<String> {
    let mut remaining = dependencies.clone();
    loop {
        let independent: Vec<String> = remaining
            .iter()
            .filter(|(_, needs)| !needs.iter().any(|need| remaining.contains_key(need)))
            .map(|(name, _)| name.clone())
            .collect();
        if independent.is_empty() {
            return remaining.into_keys().collect();
        }
        remaining.retain(|name, _| !independent.contains(name));
    }
}
