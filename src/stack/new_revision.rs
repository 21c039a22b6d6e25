//! New revisions of task definitions whose properties do not change, because the deployed revision was deregistered.
//!
//! CloudFormation registers a new revision only if a property changes that requires replacement. `EnableFaultInjection` requires it (source:
//! CloudFormation's resource type schema), and `false` is its default (source: ECS's RegisterTaskDefinition), so that `false` and no value mean the
//! same.

use serde_json::{Map, Value};

use super::Template;

const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";
const PROPERTY: &str = "EnableFaultInjection";

impl Template {
    /// The template with a change of this task definition that only registers a new revision.
    #[must_use]
    pub fn with_new_revision(&self, logical_id: &str, deployed: &Self) -> Self {
        let mut map = self.as_map().clone();
        if let Some(properties) = properties(&mut map, logical_id) {
            if was_added(deployed, logical_id) {
                properties.remove(PROPERTY);
            } else {
                properties.insert(PROPERTY.to_owned(), Value::Bool(false));
            }
        }
        Self::from_map(map)
    }
}

/// Keeps the changes of [`Template::with_new_revision`] that are deployed.
pub(super) fn keep_new_revisions(map: &mut Map<String, Value>, deployed: &Template) {
    let task_definitions = deployed.section("Resources").filter(|(_, resource)| resource["Type"] == TASK_DEFINITION);
    for (logical_id, _) in task_definitions.filter(|(logical_id, _)| was_added(deployed, logical_id)) {
        if let Some(properties) = properties(map, logical_id) {
            properties.entry(PROPERTY).or_insert(Value::Bool(false));
        }
    }
}

fn was_added(deployed: &Template, logical_id: &str) -> bool {
    deployed.resource(logical_id)["Properties"][PROPERTY] == Value::Bool(false)
}

fn properties<'a>(map: &'a mut Map<String, Value>, logical_id: &str) -> Option<&'a mut Map<String, Value>> {
    map.get_mut("Resources")?.get_mut(logical_id)?.get_mut("Properties")?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(properties: &Value) -> Template {
        let resources = json!({ "Resources": { "T": { "Type": TASK_DEFINITION, "Properties": properties } } });
        Template::from_map(resources.as_object().expect("a map").clone())
    }

    #[test]
    fn each_new_revision_changes_the_deployed_template_and_is_kept_afterwards() {
        let desired = template(&json!({ "Cpu": "256" }));
        let first = desired.with_additions_of(&desired).with_new_revision("T", &desired);
        assert_eq!(first, template(&json!({ "Cpu": "256", "EnableFaultInjection": false })));
        assert_eq!(desired.with_additions_of(&first), first);
        let second = desired.with_additions_of(&first).with_new_revision("T", &first);
        assert_eq!(second, desired);
    }
}
