//! Separates changes of a service's scaling from all other changes.

use serde_json::Value;

use super::equality::equal;
use super::{Change, NamedChange, PropertyChange, ResourceChange, TemplateDiff};
use crate::stack::construct::short_path;

/// Resource types with their scaling properties. If members are named, only these are scaling values.
const SCALING_PROPERTIES: &[(&str, &str, &[&str])] = &[
    ("AWS::ECS::Service", "DesiredCount", &[]),
    ("AWS::ApplicationAutoScaling::ScalableTarget", "MinCapacity", &[]),
    ("AWS::ApplicationAutoScaling::ScalableTarget", "MaxCapacity", &[]),
    (
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "TargetTrackingScalingPolicyConfiguration",
        &["TargetValue", "ScaleInCooldown", "ScaleOutCooldown"],
    ),
];

impl TemplateDiff {
    /// The changes other than scaling, as text. Changes that are not in `pending`, the diff without the edit, are caused by the edit and
    /// omitted.
    pub fn non_scaling_changes(&self, pending: &Self) -> Vec<String> {
        let resources = self.resources.iter().filter_map(|resource| {
            let before = pending.resources.iter().find(|before| before.logical_id == resource.logical_id)?;
            let what = other_changes(resource, before)?;
            let name =
                self.paths.get(&resource.logical_id).map_or(resource.logical_id.as_str(), |path| short_path(path));
            Some(format!("{name} ({}){what}", resource_type(resource)))
        });
        let named = |title: &'static str| move |change: &NamedChange| format!("{title} {}", change.name);
        let sections = self.before_resources.iter().chain(&self.after_resources);
        let sections = sections.flat_map(|(section, changes)| changes.iter().map(named(section.entry)));
        resources.chain(self.header.iter().map(named("header"))).chain(sections).collect()
    }
}

fn other_changes(resource: &ResourceChange, before: &ResourceChange) -> Option<String> {
    let exists = |change: &Change| (change.old.is_some(), change.new.is_some());
    match exists(&resource.change) {
        (true, true) => {
            let kind = resource_type(resource);
            let is_pending = |change: &&PropertyChange| {
                let mut others = before.properties.iter().filter(|other| !is_scaling(kind, other));
                !is_scaling(kind, change) && others.any(|other| other.name == change.name)
            };
            let properties: Vec<&str> =
                resource.properties.iter().filter(is_pending).map(|change| change.name.as_str()).collect();
            (!properties.is_empty()).then(|| format!(": {}", properties.join(", ")))
        }
        presence if presence == exists(&before.change) => {
            Some(if presence.0 { " removed" } else { " added" }.to_owned())
        }
        _ => None,
    }
}

fn resource_type(resource: &ResourceChange) -> &str {
    let Change { old, new } = &resource.change;
    new.as_ref().or(old.as_ref()).and_then(|resource| resource["Type"].as_str()).unwrap_or_default()
}

fn is_scaling(kind: &str, property: &PropertyChange) -> bool {
    let Some((.., members)) =
        SCALING_PROPERTIES.iter().find(|(owner, name, _)| *owner == kind && *name == property.name)
    else {
        return false;
    };
    let without_members = |value: &Option<Value>| {
        let mut value = value.clone().unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            members.iter().for_each(|member| drop(map.shift_remove(*member)));
        }
        value
    };
    members.is_empty() || equal(&without_members(&property.change.old), &without_members(&property.change.new))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::Template;

    fn template(service: &Value, policy: &Value, more: &Value) -> Template {
        let mut template = json!({ "Resources": {
            "Task": { "Type": "AWS::ECS::TaskDefinition", "Properties": { "Image": "a:1" } },
            "Service": { "Type": "AWS::ECS::Service", "Properties": service },
        } });
        if !policy.is_null() {
            let kind = "AWS::ApplicationAutoScaling::ScalingPolicy";
            let properties = json!({ "TargetTrackingScalingPolicyConfiguration": policy });
            template["Resources"]["Policy"] = json!({ "Type": kind, "Properties": properties });
        }
        for (path, value) in more.as_object().into_iter().flatten() {
            *template.pointer_mut(path).expect("the path exists") = value.clone();
        }
        Template::from_map(template.as_object().cloned().unwrap_or_default())
    }

    /// The changes other than scaling of deploying `edited` over `deployed`; `before` is the template without the edit.
    fn beyond(deployed: &Template, before: &Template, edited: &Template) -> Vec<String> {
        TemplateDiff::between(deployed, edited).non_scaling_changes(&TemplateDiff::between(deployed, before))
    }

    #[test]
    fn changes_to_scaling_alone_are_not_listed() {
        let policy = |target: u32| json!({ "TargetValue": target, "ScaleInCooldown": target, "Metric": "cpu" });
        let deployed = template(&json!({ "DesiredCount": 1 }), &policy(50), &Value::Null);
        let edited = template(&json!({}), &policy(70), &Value::Null);
        assert_eq!(beyond(&deployed, &edited, &edited), Vec::<String>::new());
    }

    #[test]
    fn changes_that_were_pending_before_the_edit_are_listed() {
        let deployed =
            template(&json!({ "DesiredCount": 1 }), &json!({ "TargetValue": 1, "Metric": "cpu" }), &Value::Null);
        let image = json!({ "/Resources/Task/Properties/Image": "a:2" });
        let pending =
            template(&json!({ "DesiredCount": 1, "Exec": true }), &json!({ "TargetValue": 1, "Metric": "x" }), &image);
        let edited =
            template(&json!({ "DesiredCount": 3, "Exec": true }), &json!({ "TargetValue": 1, "Metric": "x" }), &image);
        assert_eq!(
            beyond(&deployed, &pending, &edited),
            [
                "Task (AWS::ECS::TaskDefinition): Image",
                "Service (AWS::ECS::Service): Exec",
                "Policy (AWS::ApplicationAutoScaling::ScalingPolicy): TargetTrackingScalingPolicyConfiguration",
            ]
        );
        let without = template(&json!({ "DesiredCount": 1 }), &Value::Null, &Value::Null);
        assert_eq!(
            beyond(&deployed, &without, &without),
            ["Policy (AWS::ApplicationAutoScaling::ScalingPolicy) removed"]
        );
    }

    #[test]
    fn changes_that_the_edit_itself_causes_are_not_listed() {
        let without = template(&json!({ "DesiredCount": 1 }), &Value::Null, &Value::Null);
        let with = template(&json!({}), &json!({ "TargetValue": 1 }), &Value::Null);
        assert_eq!(beyond(&without, &without, &with), Vec::<String>::new());
        assert_eq!(beyond(&with, &without, &with), Vec::<String>::new());
    }
}
