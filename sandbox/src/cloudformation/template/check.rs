//! Checks that hold for a whole template: every reference resolves, no circle, known types.
//!
//! [`whole`] looks at the template alone; [`live`] at what is left of it once its conditions are known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::references::{Reference, live_references, references};
use super::resolve::{PSEUDO, Scope};
use super::{Template, conditions, format_error, invalid, kind_of, shapes};
use crate::Fault;
use crate::cloudformation::{resources, type_names};

/// For each resource the resources that have to be there before it.
pub type Dependencies = BTreeMap<String, Vec<String>>;

/// The members of a resource in which references are followed.
const FOLLOWED: &[&str] = &["Properties", "Metadata", "CreationPolicy", "UpdatePolicy"];

/// Checks all that can be told of a template without its parameters.
pub fn whole(template: &Template) -> Result<(), Fault> {
    shapes::check(template)?;
    conditions::check(template)?;
    check_references(template)?;
    check_circles(&dependencies(template))
}

/// Refuses types that are not served, and those that AWS does not have either.
pub fn types(template: &Template) -> Result<(), Fault> {
    let strange = template.resources().values().map(kind_of).filter(|kind| resources::find(kind).is_none());
    let (unserved, unknown): (BTreeSet<&str>, BTreeSet<&str>) = strange.partition(|kind| is_aws_s(kind));
    unrecognized(unknown)?;
    if unserved.is_empty() {
        return Ok(());
    }
    let names = unserved.into_iter().collect::<Vec<_>>().join(", ");
    Err(Fault::not_implemented(&format!("the resource type {names}")))
}

/// Whether CloudFormation knows a type; a custom resource may have any name.
fn is_aws_s(kind: &str) -> bool {
    type_names::exists(kind) || (kind.starts_with("Custom::") && is_type_name(kind))
}

/// Refuses an update that makes another type of a resource: that takes another name for it.
pub fn types_stay(before: &Template, after: &Template) -> Result<(), Fault> {
    let is_other = |(name, resource): &(&String, &Value)| {
        before.resources().get(*name).is_some_and(|earlier| kind_of(earlier) != kind_of(resource))
    };
    let others: Vec<&str> = after.resources().iter().filter(is_other).map(|(name, _)| name.as_str()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let message =
        "Update of resource type is not permitted. The new template modifies resource type of the following resources";
    Err(invalid(format!("{message}: [{}]", others.join(", "))))
}

/// Refuses what cannot be the name of a type, such as `AWS::S3`.
pub fn type_names(template: &Template) -> Result<(), Fault> {
    let unknown: BTreeSet<&str> =
        template.resources().values().map(kind_of).filter(|kind| !is_type_name(kind)).collect();
    unrecognized(unknown)
}

/// `Company::Service::Thing`, or `Custom::Thing`.
fn is_type_name(kind: &str) -> bool {
    let parts: Vec<&str> = kind.split("::").collect();
    let words = parts.iter().all(|part| !part.is_empty() && part.chars().all(|one| one.is_ascii_alphanumeric()));
    match parts.as_slice() {
        ["Custom", name] => name.chars().all(|one| one.is_ascii_alphanumeric() || "_@-".contains(one)),
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

/// The references of a resource; those in branches that are not taken are left out where that is known.
fn references_of(resource: &Value, holds: &dyn Fn(&str) -> Option<bool>) -> Vec<Reference> {
    FOLLOWED.iter().flat_map(|member| live_references(&resource[*member], holds)).collect()
}

fn check_references(template: &Template) -> Result<(), Fault> {
    let mut unresolved = BTreeSet::new();
    for resource in template.resources().values() {
        let found = references_of(resource, &|_| None);
        check_attributes(template, &found)?;
        let plain = found.into_iter().filter(|reference| reference.attribute.is_none()).map(|one| one.name);
        unresolved.extend(plain.filter(|name| !is_known(template, name)));
        let missing = depends_on(resource).into_iter().filter(|name| !template.resources().contains_key(*name));
        unresolved.extend(missing.map(str::to_owned));
    }
    all_resolved(&unresolved, "Resources", "Template format error: ")?;
    let mut unresolved = BTreeSet::new();
    for output in template.outputs().values() {
        let found = references(output);
        check_attributes(template, &found)?;
        let plain = found.into_iter().filter(|reference| reference.attribute.is_none()).map(|one| one.name);
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

/// What an attribute is asked of has to be a resource; which attributes it has is only seen when the stack is made.
fn check_attributes(template: &Template, found: &[Reference]) -> Result<(), Fault> {
    let lost = found.iter().find(|one| one.attribute.is_some() && !template.resources().contains_key(&one.name));
    let Some(Reference { name, attribute, in_text }) = lost else { return Ok(()) };
    let attribute = attribute.as_deref().unwrap_or_default();
    Err(invalid(if *in_text {
        format!("Template error: instance of Fn::Sub references invalid resource attribute {name}.{attribute}")
    } else {
        format!("Template error: instance of Fn::GetAtt references undefined resource {name}")
    }))
}

/// For each resource of a template the resources that it names.
pub fn dependencies(template: &Template) -> Dependencies {
    let names = template.resources().iter();
    names.map(|(name, resource)| (name.clone(), needs(template, resource, &|_| None))).collect()
}

fn needs(template: &Template, resource: &Value, holds: &dyn Fn(&str) -> Option<bool>) -> Vec<String> {
    let named = references_of(resource, holds).into_iter().map(|reference| reference.name);
    let all: BTreeSet<String> = named.chain(depends_on(resource).into_iter().map(str::to_owned)).collect();
    all.into_iter().filter(|name| template.resources().contains_key(name)).collect()
}

/// The resources whose conditions hold, with their dependencies among each other.
pub fn live_dependencies(template: &Template, scope: &Scope<'_>) -> Result<Dependencies, Fault> {
    let holds = |name: &str| scope.condition(name).ok();
    let mut live = Dependencies::new();
    for (name, resource) in template.resources() {
        let condition = resource["Condition"].as_str();
        if condition.map_or(Ok(true), |condition| scope.condition(condition)).map_err(invalid)? {
            live.insert(name.clone(), needs(template, resource, &holds));
        }
    }
    let names: BTreeSet<String> = live.keys().cloned().collect();
    for needs in live.values_mut() {
        needs.retain(|need| names.contains(need));
    }
    Ok(live)
}

/// Checks what conditions leave of a template: nothing that is left may refer to what is not.
pub fn live(template: &Template, scope: &Scope<'_>) -> Result<(), Fault> {
    let dependencies = live_dependencies(template, scope)?;
    let holds = |name: &str| scope.condition(name).ok();
    let gone = |found: Vec<Reference>| -> Vec<String> {
        let names = found.into_iter().map(|reference| reference.name);
        names.filter(|name| template.resources().contains_key(name) && !dependencies.contains_key(name)).collect()
    };
    let unresolved =
        dependencies.keys().flat_map(|name| gone(references_of(&template.resources()[name], &holds))).collect();
    all_resolved(&unresolved, "Resources", "Template format error: ")?;
    let shown =
        template.outputs().values().filter(|output| output["Condition"].as_str().and_then(holds) != Some(false));
    let unresolved = shown.flat_map(|output| gone(live_references(output, &holds))).collect();
    // AWS leaves out the prefix here.
    all_resolved(&unresolved, "Outputs", "")?;
    check_circles(&dependencies)
}

fn check_circles(dependencies: &Dependencies) -> Result<(), Fault> {
    let left = circles(dependencies);
    if left.is_empty() {
        return Ok(());
    }
    Err(invalid(format!("Circular dependency between resources: [{}]", left.join(", "))))
}

/// The names that wait for each other.
pub fn circles(dependencies: &Dependencies) -> Vec<String> {
    let mut left = dependencies.clone();
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, needs)| !needs.iter().any(|need| left.contains_key(need)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            return left.into_keys().collect();
        }
        left.retain(|name, _| !free.contains(name));
    }
}
