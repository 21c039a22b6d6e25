//! What an update would change, in the form of a change set's answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::changed_properties;
use super::model::{Definition, Incarnation, Resource, Stack};
use super::resources::{self, ResourceType};
use super::template::check::live_dependencies;
use super::template::references::references;
use super::template::resolve::{Known, LATER, Scope};
use super::template::{Template, kind_of, parameters};
use crate::sandbox::{Fault, Sandbox};

/// The changes, or `None` when the definition changes nothing at all.
pub fn compare(sandbox: &Arc<Sandbox>, stack: &Stack, definition: &Definition) -> Result<Option<Vec<Value>>, Fault> {
    let template = Template::parse(&definition.template_body)?;
    let (rows, exports) = sandbox.world.read(|world| {
        let live = world.cloudformation.stacks.values().filter(|stack| !stack.is_deleted());
        let outputs = live.flat_map(|stack| &stack.outputs);
        let exports = outputs.filter_map(|output| Some((output.export.clone()?, output.value.clone()))).collect();
        (world.cloudformation.resources_of(&stack.id), exports)
    });
    let scope = Scope {
        template: &template,
        config: &sandbox.config,
        stack_name: &stack.name,
        stack_id: &stack.id,
        parameters: parameters::scope(&template, &definition.parameters),
        resources: BTreeMap::new(),
        exports,
        dynamic: definition.dynamic.clone(),
    };
    let changes = Comparison { scope, rows, retagged: stack.definition.tags != definition.tags }.run()?;
    let same_outputs = Template::parse(&stack.definition.template_body)
        .is_ok_and(|before| before.outputs() == template.outputs() && before.description() == template.description());
    Ok((!changes.is_empty() || !same_outputs).then_some(changes))
}

struct Comparison<'a> {
    scope: Scope<'a>,
    rows: BTreeMap<String, Resource>,
    retagged: bool,
}

impl Comparison<'_> {
    /// In the order of dependencies, because what is replaced changes those that refer to it.
    fn run(mut self) -> Result<Vec<Value>, Fault> {
        let mut changes = BTreeMap::new();
        let mut left = live_dependencies(self.scope.template, &self.scope)?;
        let names: Vec<String> = left.keys().cloned().collect();
        while let Some(name) = next(&left) {
            left.remove(&name);
            if let Some(change) = self.one(&name) {
                changes.insert(name, change);
            }
        }
        for (name, row) in self.rows.iter().filter(|(name, row)| !names.contains(name) && row.current.is_some()) {
            changes.insert(name.clone(), removal(row));
        }
        Ok(changes.into_values().map(|change| json!({ "Type": "Resource", "ResourceChange": change })).collect())
    }

    fn one(&mut self, name: &str) -> Option<Value> {
        let declared = &self.scope.template.resources()[name];
        let kind = resources::find(kind_of(declared))?;
        let Some((row, current)) = self.rows.get(name).and_then(|row| Some((row.clone(), row.current.clone()?))) else {
            self.scope.resources.insert(name.to_owned(), Known::Later);
            return Some(json!({
                "Action": "Add", "LogicalResourceId": name, "ResourceType": kind.name, "Scope": [], "Details": [],
            }));
        };
        let wanted = self.scope.resolve(&declared["Properties"]).ok().flatten().unwrap_or_default();
        let wanted = if wanted.is_null() { json!({}) } else { wanted };
        let mut details = self.details(declared, kind, &current, &wanted);
        let mut scope = if details.is_empty() { Vec::new() } else { vec!["Properties"] };
        if declared["Metadata"] != row.metadata {
            scope.push("Metadata");
            details.push(detail("Metadata", None, "Never", "Static", "DirectModification", None));
        }
        if self.retagged && kind.has_tags() {
            scope.push("Tags");
            details.push(detail("Tags", None, "Never", "Static", "DirectModification", None));
        }
        let replacement = replacement(kind, &current, &details);
        let known = if replacement == "False" {
            Known::Resource(current.physical_id.clone(), current.attributes.clone())
        } else {
            Known::Later
        };
        self.scope.resources.insert(name.to_owned(), known);
        (!scope.is_empty() || replacement == "True").then(|| {
            json!({
                "Action": "Modify",
                "LogicalResourceId": name,
                "PhysicalResourceId": current.physical_id,
                "ResourceType": kind.name,
                "Replacement": replacement,
                "PolicyAction": policy_action(replacement, &row),
                "Scope": scope,
                "Details": details,
            })
        })
    }

    /// One detail for each property that differs, or may differ once what it refers to is there.
    fn details(&self, declared: &Value, kind: &ResourceType, current: &Incarnation, wanted: &Value) -> Vec<Value> {
        let changed = changed_properties(&current.properties, wanted);
        let of = |property: &String| {
            let recreation = if kind.is_create_only(property) { "Always" } else { "Never" };
            let later = wanted[property].to_string().contains(&LATER[1..]);
            let evaluation = if later { "Dynamic" } else { "Static" };
            let (source, entity) = self.source(&declared["Properties"][property]);
            let source = if !later && source.starts_with("Resource") { "DirectModification" } else { source };
            let entity = entity.filter(|_| source != "DirectModification");
            detail("Properties", Some(property), recreation, evaluation, source, entity)
        };
        changed.iter().map(of).collect()
    }

    fn source(&self, property: &Value) -> (&'static str, Option<String>) {
        for reference in references(property) {
            if self.scope.parameters.contains_key(&reference.name) {
                return ("ParameterReference", Some(reference.name));
            }
            match reference.attribute {
                Some(attribute) => return ("ResourceAttribute", Some(format!("{}.{attribute}", reference.name))),
                None if !reference.name.starts_with("AWS::") => return ("ResourceReference", Some(reference.name)),
                None => {}
            }
        }
        ("DirectModification", None)
    }
}

fn next(left: &BTreeMap<String, Vec<String>>) -> Option<String> {
    left.iter().find(|(_, needs)| !needs.iter().any(|need| left.contains_key(need))).map(|(name, _)| name.clone())
}

fn detail(
    attribute: &str,
    name: Option<&String>,
    recreation: &str,
    evaluation: &str,
    source: &str,
    entity: Option<String>,
) -> Value {
    // Only properties can ask for a new resource.
    let recreation = if attribute == "Properties" { recreation.into() } else { Value::Null };
    json!({
        "Target": { "Attribute": attribute, "Name": name, "RequiresRecreation": recreation },
        "Evaluation": evaluation,
        "ChangeSource": source,
        "CausingEntity": entity,
    })
}

fn replacement(kind: &ResourceType, current: &Incarnation, details: &[Value]) -> &'static str {
    let recreating = || details.iter().filter(|detail| detail["Target"]["RequiresRecreation"] == "Always");
    if current.kind != kind.name || recreating().any(|detail| detail["Evaluation"] == "Static") {
        "True"
    } else if recreating().next().is_some() {
        "Conditional"
    } else {
        "False"
    }
}

fn policy_action(replacement: &str, row: &Resource) -> Option<&'static str> {
    match (replacement, row.update_replace_policy.as_str()) {
        ("True", "Retain") => Some("ReplaceAndRetain"),
        ("True", _) => Some("ReplaceAndDelete"),
        _ => None,
    }
}

fn removal(row: &Resource) -> Value {
    let physical_id = row.current.as_ref().map(|current| &current.physical_id);
    json!({
        "Action": "Remove",
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": row.kind,
        "PolicyAction": if row.deletion_policy == "Retain" { "Retain" } else { "Delete" },
        "Scope": [],
        "Details": [],
    })
}
