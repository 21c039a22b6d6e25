//! The causes of changes.

use serde_json::Value;

use super::detail::{Cause, ChangeSource};
use super::{ReplacementEffect, StackComparison};
use crate::cloudformation::model::TemplateParameter;
use crate::cloudformation::template::Template;
use crate::cloudformation::template::references::{Reference, references};

impl StackComparison<'_> {
    /// The causes of a changed value, in the forms without and with property values.
    pub(super) fn causes(&self, earlier: &Value, declared: &Value) -> (Vec<Cause>, Vec<Cause>) {
        // A new reference to a parameter is a cause even if the declaration changed (recorded: localstack's
        // test_fn_sub_addition_parameter).
        let is_cause = |cause: &Cause| earlier == declared || cause.source == ChangeSource::ParameterReference;
        let referred: Vec<Cause> = self.referred(declared).filter(is_cause).collect();
        if referred.is_empty() {
            return (vec![Cause::direct(true)], vec![Cause::direct(true)]);
        }
        let has_parameters = referred.iter().any(|cause| cause.source == ChangeSource::ParameterReference);
        let mut with_values: Vec<Cause> =
            referred.iter().map(|cause| Cause { is_static: true, ..cause.clone() }).collect();
        with_values.push(Cause::direct(false));
        let mut without_values = referred;
        if has_parameters {
            without_values.push(Cause::direct(false));
        }
        (without_values, with_values)
    }

    /// The changed parameters and resources to which a declaration refers.
    pub(super) fn referred(&self, declared: &Value) -> impl Iterator<Item = Cause> {
        let mut causes = Vec::new();
        for Reference { name, attribute, .. } in references(declared) {
            let outcome = self.outcomes.get(&name).copied().unwrap_or(ReplacementEffect::Unchanged);
            let cause = match (outcome, attribute) {
                _ if self.is_changed_parameter(&name) => {
                    Cause { source: ChangeSource::ParameterReference, entity: Some(name), is_static: true }
                }
                (ReplacementEffect::Unchanged, _) | (ReplacementEffect::Modified, None) => continue,
                (outcome, None) => Cause {
                    source: ChangeSource::ResourceReference,
                    entity: Some(name),
                    is_static: outcome == ReplacementEffect::Replaced,
                },
                (outcome, Some(attribute)) => Cause {
                    source: ChangeSource::ResourceAttribute,
                    entity: Some(format!("{name}.{attribute}")),
                    is_static: outcome == ReplacementEffect::Replaced,
                },
            };
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes.into_iter()
    }

    /// Whether a parameter is given another value. A new value of the SSM parameter that it names, or a new type, is no cause: AWS shows
    /// a direct modification (recorded: localstack's test_dynamic_ssm_parameter_lookup and test_change_parameter_type).
    fn is_changed_parameter(&self, name: &str) -> bool {
        let [old, new] = [self.old, self.new].map(|definition| definition.parameter(name));
        new.is_some() && new.map(|parameter| &parameter.value) != old.map(|parameter| &parameter.value)
    }

    /// Whether the value of an unchanged output declaration may change.
    pub(super) fn outputs_may_change(&self, template: &Template) -> bool {
        let is_changed = |name: &str| {
            let [old, new] = [self.old, self.new].map(|definition| definition.parameter(name));
            let values = |parameter: &TemplateParameter| (parameter.value.clone(), parameter.resolved.clone());
            new.is_some() && new.map(values) != old.map(values)
        };
        template.outputs().values().flat_map(references).any(|reference| is_changed(&reference.name))
    }
}
