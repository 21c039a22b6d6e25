//! Compares a stack with a new definition: the changes of a change set, in the forms with and without property values.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::changed_properties;
use super::model::{ChangeList, PhysicalResource, Resource, Stack, StackDefinition};
use super::replacement::Replacement;
use super::resources::{self, ResourceType};
use super::template::evaluation_scope::{EvaluationScope, ResourceValues};
use super::template::policies::{self, POLICIES};
use super::template::template_check::active_dependencies;
use super::template::{Template, type_of};
use crate::cloudformation::State;
use crate::{Fault, Sandbox};
use detail::{Cause, ChangeSource, Detail};
use resource_change::{ReplacementEffect, modification, outcome, removal};

mod causes;
mod detail;
mod incomplete_values;
mod resource_change;

/// The changes; `None` if the new definition changes nothing.
pub(super) fn compare(
    sandbox: &Arc<Sandbox>,
    stack: &Stack,
    definition: &StackDefinition,
) -> Result<Option<ChangeList>, Fault> {
    let template = Template::parse(&definition.template_body)?;
    let before = Template::parse(&stack.definition.template_body).ok();
    let (resources, exports) = sandbox.store.read(|states| {
        let state = states.of::<State>();
        (state.resources_of(&stack.id), state.exports())
    });
    let scope_of = |definition, template| {
        EvaluationScope::of_definition(definition, template, &sandbox.config, &stack.name, &stack.id)
    };
    let previous = before.as_ref().map(|before| EvaluationScope {
        resources: before.resources().keys().map(|name| (name.clone(), ResourceValues::Unknown)).collect(),
        exports: exports.clone(),
        ..scope_of(&stack.definition, before)
    });
    let mut comparison = StackComparison {
        scope: EvaluationScope { exports, ..scope_of(definition, &template) },
        previous,
        resources,
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
    let is_unchanged = !stack.status.is_failed()
        && comparison.planned.is_empty()
        && same_outputs
        && !comparison.outputs_may_change(&template);
    Ok((!is_unchanged).then(|| comparison.into_change_list()))
}

struct StackComparison<'a> {
    scope: EvaluationScope<'a>,
    /// The scope of the previous template. Its references to resources are not resolved.
    previous: Option<EvaluationScope<'a>>,
    resources: BTreeMap<String, Resource>,
    old: &'a StackDefinition,
    new: &'a StackDefinition,
    outcomes: BTreeMap<String, ReplacementEffect>,
    /// The changes by logical id, without property values and with them; `None` where a form does not list it.
    planned: BTreeMap<String, (Option<Value>, Option<Value>)>,
    warning: Option<String>,
}

impl StackComparison<'_> {
    /// Compares resources in the order of their dependencies, because replaced resources change those that refer to them.
    fn run(&mut self) -> Result<(), Fault> {
        let mut remaining = active_dependencies(self.scope.template, &self.scope)?;
        let names: Vec<String> = remaining.keys().cloned().collect();
        while let Some(name) = next_independent(&remaining) {
            remaining.remove(&name);
            self.assume_imports(&name);
            self.warn_of_unknown_lists(&name);
            self.compare_resource(&name);
        }
        let removed: Vec<Resource> = self
            .resources
            .values()
            .filter(|resource| !names.contains(&resource.logical_id) && resource.current.is_some())
            .cloned()
            .collect();
        for resource in removed {
            let without_values = removal(&resource);
            let mut with_values = without_values.clone();
            let properties = self.previous_properties(&resource);
            with_values["BeforeContext"] =
                context(self.previous.as_ref(), &resource.logical_id, Some(&properties), &resource.metadata);
            self.planned.insert(resource.logical_id, (Some(without_values), Some(with_values)));
        }
        Ok(())
    }

    /// The properties of a removed resource, as the previous template declares them.
    fn previous_properties(&self, resource: &Resource) -> Value {
        let resolved = self.previous.as_ref().and_then(|scope| {
            let declared = &scope.template.resources().get(&resource.logical_id)?["Properties"];
            let resolved = scope.resolve(declared).ok().flatten()?;
            Some(masked(scope, declared, self.old).unwrap_or(resolved))
        });
        let current =
            || resource.current.as_ref().map(|physical| physical.visible_properties().clone()).unwrap_or_default();
        resolved.filter(|properties| !properties.is_null()).unwrap_or_else(current)
    }

    fn compare_resource(&mut self, name: &str) {
        let declared = &self.scope.template.resources()[name];
        let Some(resource_type) = resources::find(type_of(declared)) else { return };
        let resolved = |part: &Value| self.scope.resolve(part).ok().flatten().unwrap_or_default();
        let (desired, metadata) = (resolved(&declared["Properties"]), resolved(&declared["Metadata"]));
        let desired = if desired.is_null() { json!({}) } else { desired };
        let masked = masked(&self.scope, &declared["Properties"], self.new);
        let visible = masked.as_ref().unwrap_or(&desired);
        let after = context(Some(&self.scope), name, Some(visible), &metadata);
        let Some((resource, current)) =
            self.resources.get(name).and_then(|resource| Some((resource.clone(), resource.current.clone()?)))
        else {
            self.scope.resources.insert(name.to_owned(), ResourceValues::Unknown);
            let without_values = json!({
                "Action": "Add", "LogicalResourceId": name, "ResourceType": resource_type.name, "Scope": [], "Details": [],
            });
            let mut with_values = without_values.clone();
            with_values["AfterContext"] = after;
            self.planned.insert(name.to_owned(), (Some(without_values), Some(with_values)));
            return;
        };
        let (without_values, with_values) =
            self.details(name, resource_type, &resource, &current, (&desired, visible), &metadata);
        // A resource that may change because of another one may in turn change others.
        let outcome = match outcome(resource_type, &current, &with_values) {
            ReplacementEffect::Unchanged if !without_values.is_empty() => ReplacementEffect::Modified,
            other => other,
        };
        self.record_outcome(name, &current, outcome);
        let without_values =
            modification(resource_type, &resource, &current, &without_values, |detail| vec![detail.without_values()]);
        let with_values =
            modification(resource_type, &resource, &current, &with_values, Detail::with_values).map(|mut change| {
                change["BeforeContext"] =
                    context(self.previous.as_ref(), name, Some(current.visible_properties()), &resource.metadata);
                change["AfterContext"] = after;
                change
            });
        if without_values.is_some() || with_values.is_some() {
            self.planned.insert(name.to_owned(), (without_values, with_values));
        }
    }

    /// Makes the values of a resource available to those that refer to it: unknown ones, if it may be replaced.
    fn record_outcome(&mut self, name: &str, current: &PhysicalResource, outcome: ReplacementEffect) {
        let values = if matches!(outcome, ReplacementEffect::Unchanged | ReplacementEffect::Modified) {
            ResourceValues::Known(current.physical_id.clone(), current.attributes.clone())
        } else {
            ResourceValues::Unknown
        };
        self.scope.resources.insert(name.to_owned(), values);
        self.outcomes.insert(name.to_owned(), outcome);
    }

    /// The details in the forms without and with property values. The form without them also lists properties that refer to attributes
    /// of modified resources.
    fn details(
        &self,
        name: &str,
        resource_type: &ResourceType,
        resource: &Resource,
        current: &PhysicalResource,
        (desired, visible): (&Value, &Value),
        metadata: &Value,
    ) -> (Vec<Detail>, Vec<Detail>) {
        let declared = &self.scope.template.resources()[name];
        let empty = Value::Null;
        let earlier = self.previous.as_ref().and_then(|scope| scope.template.resources().get(name)).unwrap_or(&empty);
        let (mut without_values, mut with_values) = (Vec::new(), Vec::new());
        let mut add = |detail: &Detail, causes: (Vec<Cause>, Vec<Cause>)| {
            without_values.extend(causes.0.into_iter().map(|cause| Detail { cause, ..detail.clone() }));
            with_values.extend(causes.1.into_iter().map(|cause| Detail { cause, ..detail.clone() }));
        };
        if *metadata != resource.metadata {
            let values = Some((resource.metadata.clone(), metadata.clone()));
            let causes = self.causes(&earlier["Metadata"], &declared["Metadata"]);
            add(&attribute("Metadata", values), causes);
        }
        let changed = changed_properties(&current.properties, desired);
        for property in &changed {
            let (old, new) = (&current.properties[property], &desired[property]);
            let detail = Detail {
                name: Some(property.clone()),
                recreation: resource_type.recreation(property, old, new),
                masked: Some((current.visible_properties()[property].clone(), visible[property].clone())),
                ..attribute("Properties", Some((old.clone(), new.clone())))
            };
            add(&detail, self.causes(&earlier["Properties"][property], &declared["Properties"][property]));
        }
        for (property, declaration) in declared["Properties"].as_object().into_iter().flatten() {
            let causes = self
                .referred(declaration)
                .filter(|cause| !cause.is_static && cause.source == ChangeSource::ResourceAttribute);
            if !changed.contains(property) {
                let value = &desired[property];
                let recreation = resource_type.recreation(property, value, &Value::Null);
                let detail = Detail { name: Some(property.clone()), recreation, ..attribute("Properties", None) };
                add(&detail, (causes.collect(), Vec::new()));
            }
        }
        if self.old.tags != self.new.tags && resource_type.has_tags() {
            add(&attribute("Tags", None), (vec![Cause::direct(true)], vec![Cause::direct(true)]));
        }
        for policy in POLICIES {
            let Some(previous) = &self.previous else { continue };
            let (old, new) =
                (policies::value(previous, earlier, policy), policies::value(&self.scope, declared, policy));
            if old != new {
                add(&attribute(policy, Some((old, new))), (vec![Cause::direct(true)], vec![Cause::direct(true)]));
            }
        }
        for details in [&mut without_values, &mut with_values] {
            details.sort_by_key(|detail| !detail.cause.is_static);
        }
        (without_values, with_values)
    }
}

/// The properties of a resource with hidden values masked, if the definition has any.
fn masked(scope: &EvaluationScope<'_>, properties: &Value, definition: &StackDefinition) -> Option<Value> {
    let hidden = definition.hidden_parameters();
    let masked = (!hidden.is_empty()).then(|| scope.resolve_masked(properties, &hidden));
    masked.filter(|masked| !masked.is_null())
}

/// `BeforeContext` or `AfterContext` of a resource.
fn context(scope: Option<&EvaluationScope<'_>>, name: &str, properties: Option<&Value>, metadata: &Value) -> Value {
    let mut context = json!({ "Properties": properties });
    if !metadata.is_null() {
        context["Metadata"] = metadata.clone();
    }
    if let Some((scope, declared)) = scope.and_then(|scope| Some((scope, scope.template.resources().get(name)?))) {
        for policy in POLICIES.into_iter().filter(|policy| !declared[*policy].is_null()) {
            context[policy] = policies::value(scope, declared, policy);
        }
    }
    detail::context(&context).into()
}

fn next_independent(remaining: &BTreeMap<String, Vec<String>>) -> Option<String> {
    remaining
        .iter()
        .find(|(_, needs)| !needs.iter().any(|need| remaining.contains_key(need)))
        .map(|(name, _)| name.clone())
}

fn attribute(attribute: &'static str, values: Option<(Value, Value)>) -> Detail {
    Detail { attribute, name: None, values, masked: None, recreation: Replacement::Never, cause: Cause::direct(true) }
}
