//! Why a part of a template has another value.

use serde_json::Value;

use super::detail::Cause;
use super::{Comparison, Outcome};
use crate::cloudformation::model::Definition;
use crate::cloudformation::template::Template;
use crate::cloudformation::template::references::{Reference, references};

impl Comparison<'_> {
    /// Why a part of the template has another value: as told without values, and with.
    pub(super) fn causes(&self, earlier: &Value, declared: &Value) -> (Vec<Cause>, Vec<Cause>) {
        // A parameter that is new here counts also where the template said something else before (recorded: localstack's
        // test_fn_sub_addition_parameter).
        let counts = |cause: &Cause| earlier == declared || cause.source == "ParameterReference";
        let referred: Vec<Cause> = self.referred(declared).filter(counts).collect();
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
    pub(super) fn referred(&self, declared: &Value) -> impl Iterator<Item = Cause> {
        let mut causes = Vec::new();
        for Reference { name, attribute, .. } in references(declared) {
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
                .map(|parameter| (parameter.value.clone(), parameter.resolved.clone()))
        };
        let new = value(self.new);
        new.is_some() && new != value(self.old)
    }

    /// Whether an output has another value although the template says the same of it.
    pub(super) fn outputs_may_change(&self, template: &Template) -> bool {
        template.outputs().values().flat_map(references).any(|reference| self.is_changed_parameter(&reference.name))
    }
}
