//! What an update would change, in the two forms of a change set's answer: with the values of properties and without.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::{self, changed_properties};
use super::model::{Definition, Incarnation, Planned, Resource, Stack};
use super::replacement::Recreation;
use super::resources::{self, ResourceType};
use super::template::references::{Reference, imports, references};
use super::template::resolve::{Known, LATER, Scope};
use super::template::{Template, kind_of, parameters};
use crate::sandbox::{Fault, Sandbox};
use detail::{Cause, Detail};

mod detail;

/// The changes, or `None` when the definition changes nothing at all.
pub fn compare(sandbox: &Arc<Sandbox>, stack: &Stack, definition: &Definition) -> Result<Option<Planned>, Fault> {
    let template = Template::parse(&definition.template_body)?;
    let before = Template::parse(&stack.definition.template_body).ok();
    let (rows, exports) = sandbox.world.read(|world| {
        let state = &world.cloudformation;
        (state.resources_of(&stack.id), state.exports())
    });
    let scope = Scope {
        template: &template,
        config: &sandbox.config,
        stack_name: &stack.name,
        stack_id: &stack.id,
        parameters: parameters::scope(&template, &definition.parameters),
        resources: BTreeMap::new(),
        exports,
    };
    let mut comparison = Comparison {
        scope,
        before: before.as_ref(),
        rows,
        old: &stack.definition,
        new: definition,
        outcomes: BTreeMap::new(),
        planned: BTreeMap::new(),
        warning: None,
    };
    comparison.run()?;
    let same_outputs = before
        .as_ref()
        .is_some_and(|before| before.outputs() == template.outputs() && before.description() == template.description());
    let nothing = comparison.planned.is_empty() && same_outputs && !comparison.outputs_may_change(&template);
    Ok((!nothing).then(|| comparison.told()))
}

/// How a resource comes out of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Kept,
    Modified,
    MayBeReplaced,
    Replaced,
}

struct Comparison<'a> {
    scope: Scope<'a>,
    before: Option<&'a Template>,
    rows: BTreeMap<String, Resource>,
    old: &'a Definition,
    new: &'a Definition,
    outcomes: BTreeMap<String, Outcome>,
    /// The changes by logical id, without values and with; `None` where the form does not tell it.
    planned: BTreeMap<String, (Option<Value>, Option<Value>)>,
    warning: Option<String>,
}

impl Comparison<'_> {
    /// In the order of dependencies, because what is replaced changes those that refer to it.
    fn run(&mut self) -> Result<(), Fault> {
        let mut left = engine::live(self.scope.template, &self.scope)?;
        let names: Vec<String> = left.keys().cloned().collect();
        while let Some(name) = next(&left) {
            left.remove(&name);
            self.assume_imports(&name);
            self.one(&name);
        }
        let gone: Vec<Resource> = self
            .rows
            .values()
            .filter(|row| !names.contains(&row.logical_id) && row.current.is_some())
            .cloned()
            .collect();
        for row in gone {
            let plain = removal(&row);
            let mut full = plain.clone();
            full["BeforeContext"] = self.context(
                self.before,
                &row.logical_id,
                row.current.as_ref().map(|one| &one.properties),
                &row.metadata,
            );
            self.planned.insert(row.logical_id, (Some(plain), Some(full)));
        }
        Ok(())
    }

    /// What nobody exports may be exported by the time of the execution.
    fn assume_imports(&mut self, name: &str) {
        let declared = &self.scope.template.resources()[name];
        let missing: Vec<String> = imports(&declared["Properties"])
            .into_iter()
            .filter_map(|argument| self.scope.text(argument).ok())
            .filter(|export| !self.scope.exports.contains_key(export))
            .collect();
        for export in missing {
            self.warning.get_or_insert_with(|| {
                format!(
                    "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation failed for resource [{name}] because: No export named {export}"
                )
            });
            self.scope.exports.insert(export, LATER.to_owned());
        }
    }

    fn one(&mut self, name: &str) {
        let declared = &self.scope.template.resources()[name];
        let Some(kind) = resources::find(kind_of(declared)) else { return };
        let resolved = |part: &Value| self.scope.resolve(part).ok().flatten().unwrap_or_default();
        let (wanted, metadata) = (resolved(&declared["Properties"]), resolved(&declared["Metadata"]));
        let wanted = if wanted.is_null() { json!({}) } else { wanted };
        let after = self.context(Some(self.scope.template), name, Some(&wanted), &metadata);
        let Some((row, current)) = self.rows.get(name).and_then(|row| Some((row.clone(), row.current.clone()?))) else {
            self.scope.resources.insert(name.to_owned(), Known::Later);
            let plain = json!({
                "Action": "Add", "LogicalResourceId": name, "ResourceType": kind.name, "Scope": [], "Details": [],
            });
            let mut full = plain.clone();
            full["AfterContext"] = after;
            self.planned.insert(name.to_owned(), (Some(plain), Some(full)));
            return;
        };
        let (plain, full) = self.details(name, kind, &row, &current, &wanted, &metadata);
        let outcome = outcome(kind, &current, &full);
        self.know(name, &current, &wanted, outcome);
        let plain = modification(kind, &row, &current, &plain, |detail| vec![detail.plain()]);
        let full = modification(kind, &row, &current, &full, Detail::with_values).map(|mut change| {
            change["BeforeContext"] = self.context(self.before, name, Some(&current.properties), &row.metadata);
            change["AfterContext"] = after;
            change
        });
        if plain.is_some() || full.is_some() {
            self.planned.insert(name.to_owned(), (plain, full));
        }
    }

    /// Notes what those that refer to a resource can know of it.
    fn know(&mut self, name: &str, current: &Incarnation, wanted: &Value, outcome: Outcome) {
        let known = if matches!(outcome, Outcome::Kept | Outcome::Modified) {
            let mut attributes = current.attributes.clone();
            for property in changed_properties(&current.properties, wanted) {
                if let Some(attribute) = attributes.get_mut(&property) {
                    *attribute = LATER.into();
                }
            }
            Known::Resource(current.physical_id.clone(), attributes)
        } else {
            Known::Later
        };
        self.scope.resources.insert(name.to_owned(), known);
        self.outcomes.insert(name.to_owned(), outcome);
    }

    /// The details as they are told without values, and with. Without values, an attribute of a resource that is modified
    /// counts as one that may change.
    fn details(
        &self,
        name: &str,
        kind: &ResourceType,
        row: &Resource,
        current: &Incarnation,
        wanted: &Value,
        metadata: &Value,
    ) -> (Vec<Detail>, Vec<Detail>) {
        let declared = &self.scope.template.resources()[name];
        let empty = Value::Null;
        let earlier = self.before.and_then(|before| before.resources().get(name)).unwrap_or(&empty);
        let (mut plain, mut full) = (Vec::new(), Vec::new());
        let mut add = |detail: &Detail, causes: (Vec<Cause>, Vec<Cause>)| {
            plain.extend(causes.0.into_iter().map(|cause| Detail { cause, ..detail.clone() }));
            full.extend(causes.1.into_iter().map(|cause| Detail { cause, ..detail.clone() }));
        };
        if *metadata != row.metadata {
            let values = Some((row.metadata.clone(), metadata.clone()));
            let causes = self.causes(&earlier["Metadata"], &declared["Metadata"]);
            add(&attribute("Metadata", values), causes);
        }
        let changed = changed_properties(&current.properties, wanted);
        for property in &changed {
            let (old, new) = (&current.properties[property], &wanted[property]);
            let detail = Detail {
                name: Some(property.clone()),
                recreation: kind.recreation(property, old, new),
                ..attribute("Properties", Some((old.clone(), new.clone())))
            };
            add(&detail, self.causes(&earlier["Properties"][property], &declared["Properties"][property]));
        }
        for (property, declaration) in declared["Properties"].as_object().into_iter().flatten() {
            let causes =
                self.referred(declaration).filter(|cause| !cause.is_static && cause.source == "ResourceAttribute");
            if !changed.contains(property) {
                let value = &wanted[property];
                let recreation = kind.recreation(property, value, &Value::Null);
                let detail = Detail { name: Some(property.clone()), recreation, ..attribute("Properties", None) };
                add(&detail, (causes.collect(), Vec::new()));
            }
        }
        if self.old.tags != self.new.tags && kind.has_tags() {
            add(&attribute("Tags", None), (vec![Cause::direct(true)], vec![Cause::direct(true)]));
        }
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            if self.before.is_some() && earlier[policy] != declared[policy] {
                let values = Some((earlier[policy].clone(), declared[policy].clone()));
                add(&attribute(policy, values), (vec![Cause::direct(true)], vec![Cause::direct(true)]));
            }
        }
        for details in [&mut plain, &mut full] {
            details.sort_by_key(|detail| !detail.cause.is_static);
        }
        (plain, full)
    }

    /// Why a part of the template has another value: as told without values, and with.
    fn causes(&self, earlier: &Value, declared: &Value) -> (Vec<Cause>, Vec<Cause>) {
        let referred: Vec<Cause> = if earlier == declared { self.referred(declared).collect() } else { Vec::new() };
        if referred.is_empty() {
            return (vec![Cause::direct(true)], vec![Cause::direct(true)]);
        }
        let of_parameters = referred.iter().any(|cause| cause.source == "ParameterReference");
        let mut full: Vec<Cause> = referred.iter().map(|cause| Cause { is_static: true, ..cause.clone() }).collect();
        full.push(Cause::direct(false));
        let mut plain = referred;
        if of_parameters {
            plain.push(Cause::direct(false));
        }
        (plain, full)
    }

    /// The causes among what a part of the template refers to.
    fn referred(&self, declared: &Value) -> impl Iterator<Item = Cause> {
        let mut causes = Vec::new();
        for Reference { name, attribute } in references(declared) {
            let outcome = self.outcomes.get(&name).copied().unwrap_or(Outcome::Kept);
            let cause = match (outcome, attribute) {
                _ if self.is_changed_parameter(&name) => {
                    Cause { source: "ParameterReference", entity: Some(name), is_static: true }
                }
                (Outcome::Kept, _) | (Outcome::Modified, None) => continue,
                (outcome, None) => {
                    Cause { source: "ResourceReference", entity: Some(name), is_static: outcome == Outcome::Replaced }
                }
                (outcome, Some(attribute)) => Cause {
                    source: "ResourceAttribute",
                    entity: Some(format!("{name}.{attribute}")),
                    is_static: outcome == Outcome::Replaced,
                },
            };
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes.into_iter()
    }

    fn is_changed_parameter(&self, name: &str) -> bool {
        let value = |definition: &Definition| {
            definition
                .parameters
                .iter()
                .find(|parameter| parameter.key == name)
                .map(|parameter| parameter.value.clone())
        };
        let new = value(self.new);
        new.is_some() && new != value(self.old)
    }

    /// Whether an output has another value although the template says the same of it.
    fn outputs_may_change(&self, template: &Template) -> bool {
        template.outputs().values().flat_map(references).any(|reference| self.is_changed_parameter(&reference.name))
    }

    /// What a resource was or is to be, as a text.
    fn context(&self, template: Option<&Template>, name: &str, properties: Option<&Value>, metadata: &Value) -> Value {
        let declared = template.and_then(|template| template.resources().get(name));
        let mut whole = json!({ "Properties": properties });
        if !metadata.is_null() {
            whole["Metadata"] = metadata.clone();
        }
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            if let Some(declared) = declared.and_then(|declared| declared.get(policy)) {
                whole[policy] = declared.clone();
            }
        }
        detail::context(&whole).into()
    }

    fn told(self) -> Planned {
        let (plain, full): (Vec<_>, Vec<_>) = self.planned.into_values().unzip();
        let wrapped = |changes: Vec<Option<Value>>| {
            changes
                .into_iter()
                .flatten()
                .map(|change| json!({ "Type": "Resource", "ResourceChange": change }))
                .collect()
        };
        let secrets: Vec<&str> = [self.old, self.new]
            .into_iter()
            .flat_map(|definition| &definition.parameters)
            .filter(|parameter| parameter.no_echo && !parameter.value.is_empty())
            .map(|parameter| parameter.value.as_str())
            .collect();
        let mut full: Vec<Value> = wrapped(full);
        full.iter_mut().for_each(|change| mask(change, &secrets));
        Planned { plain: wrapped(plain), full, warning: self.warning }
    }
}

/// Hides the values of parameters that are not to be shown.
fn mask(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(text) => {
            for secret in secrets {
                *text = text.replace(secret, "****");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, secrets)),
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| {
                matches!(name.as_str(), "ResourceChange" | "Details" | "Target")
                    || name.ends_with("Context")
                    || name.ends_with("Value")
            })
            .for_each(|(_, member)| mask(member, secrets)),
        _ => {}
    }
}

fn next(left: &BTreeMap<String, Vec<String>>) -> Option<String> {
    left.iter().find(|(_, needs)| !needs.iter().any(|need| left.contains_key(need))).map(|(name, _)| name.clone())
}

fn attribute(attribute: &'static str, values: Option<(Value, Value)>) -> Detail {
    Detail { attribute, name: None, values, recreation: Recreation::Never, cause: Cause::direct(true) }
}

fn outcome(kind: &ResourceType, current: &Incarnation, details: &[Detail]) -> Outcome {
    let recreation = |is_static: bool| {
        let some = details.iter().filter(|detail| detail.cause.is_static == is_static);
        some.map(|detail| detail.recreation).max().unwrap_or(Recreation::Never)
    };
    if current.kind != kind.name || recreation(true) == Recreation::Always {
        Outcome::Replaced
    } else if recreation(true).max(recreation(false)) > Recreation::Never {
        Outcome::MayBeReplaced
    } else if details.is_empty() {
        Outcome::Kept
    } else {
        Outcome::Modified
    }
}

fn modification(
    kind: &ResourceType,
    row: &Resource,
    current: &Incarnation,
    details: &[Detail],
    told: impl Fn(&Detail) -> Vec<Value>,
) -> Option<Value> {
    let (replacement, policy_action) = match (outcome(kind, current, details), row.update_replace_policy.as_str()) {
        (Outcome::Kept, _) => return None,
        (Outcome::Modified, _) => ("False", None),
        (Outcome::MayBeReplaced, _) => ("Conditional", None),
        (Outcome::Replaced, "Retain") => ("True", Some("ReplaceAndRetain")),
        (Outcome::Replaced, _) => ("True", Some("ReplaceAndDelete")),
    };
    let mut scope: Vec<&str> = Vec::new();
    for detail in details {
        if !scope.contains(&detail.attribute) {
            scope.push(detail.attribute);
        }
    }
    Some(json!({
        "Action": "Modify",
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": current.physical_id,
        "ResourceType": kind.name,
        "Replacement": replacement,
        "PolicyAction": policy_action,
        "Scope": scope,
        "Details": details.iter().flat_map(told).collect::<Vec<_>>(),
    }))
}

fn removal(row: &Resource) -> Value {
    let physical_id = row.current.as_ref().map(|current| &current.physical_id);
    json!({
        "Action": "Remove",
        "LogicalResourceId": row.logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": row.kind,
        "PolicyAction": if row.is_retained() { "Retain" } else { "Delete" },
        "Scope": [],
        "Details": [],
    })
}
