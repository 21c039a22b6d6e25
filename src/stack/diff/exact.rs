//! Makes a diff exact with what a change set says. It knows which values come out the same at deployment, and what is replaced for sure.
//!
//! It silences only what is decided at deployment: a change that stands in the templates is shown, whether the change set mentions it or
//! not (CloudFormation leaves out what it takes for equal, and `cdk diff` then hides real changes).

use serde_json::Value;

use super::equality::equal;
use super::{Impact, PropertyChange, ResourceChange, TemplateDiff};

/// What a change of a property asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recreation {
    /// The resource is changed in place.
    Never,
    /// Only the update itself will tell.
    Conditionally,
    /// A new resource.
    Always,
}

/// A resource's change in a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its logical id.
    pub logical_id: String,
    /// What becomes of the resource.
    pub replacement: Recreation,
    /// The properties that change, by name.
    pub properties: Vec<(String, Recreation)>,
}

impl From<Recreation> for Impact {
    fn from(recreation: Recreation) -> Self {
        match recreation {
            Recreation::Never => Self::Update,
            Recreation::Conditionally => Self::MayReplace,
            Recreation::Always => Self::Replace,
        }
    }
}

impl TemplateDiff {
    /// The diff with the impacts of a change set, and without the changes that come out the same at deployment.
    #[must_use]
    pub fn made_exact(mut self, planned: &[Planned]) -> Self {
        self.resources.retain_mut(|resource| {
            let planned = planned.iter().find(|planned| planned.logical_id == resource.logical_id);
            !resource.is_updated() || resource.make_exact(planned)
        });
        self
    }
}

impl ResourceChange {
    /// Whether the resource is of one type before and after.
    fn is_updated(&self) -> bool {
        matches!((&self.change.old, &self.change.new), (Some(old), Some(new)) if old["Type"] == new["Type"])
    }

    /// Whether anything of the change is left.
    fn make_exact(&mut self, planned: Option<&Planned>) -> bool {
        let attributes = |property: &PropertyChange| super::replacement::is_attribute(&property.name);
        self.properties.retain_mut(|property| {
            if attributes(property) {
                return true;
            }
            let mentioned: Vec<Recreation> = planned
                .into_iter()
                .flat_map(|planned| &planned.properties)
                .filter(|(name, _)| *name == property.name)
                .map(|(_, recreation)| *recreation)
                .collect();
            match mentioned.into_iter().map(Impact::from).max() {
                Some(impact) => property.impact = impact,
                None => return !property.may_come_out_the_same(),
            }
            true
        });
        let of_properties = self.properties.iter().map(|property| property.impact).max();
        let of_resource = planned.map(|planned| Impact::from(planned.replacement)).filter(|_| of_properties.is_some());
        self.impact = of_properties.max(of_resource).unwrap_or(Impact::None);
        !self.properties.is_empty()
    }
}

impl PropertyChange {
    /// Whether the two values differ only in what is decided at deployment.
    fn may_come_out_the_same(&self) -> bool {
        match (&self.change.old, &self.change.new) {
            (Some(old), Some(new)) => may_be_equal(old, new),
            _ => false,
        }
    }
}

fn may_be_equal(old: &Value, new: &Value) -> bool {
    if is_decided_later(old) || is_decided_later(new) {
        return true;
    }
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| may_be_equal(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            old.len() == new.len()
                && old.iter().all(|(key, old)| new.get(key).is_some_and(|new| may_be_equal(old, new)))
        }
        _ => equal(old, new),
    }
}

/// An intrinsic function, or a text with a dynamic reference.
fn is_decided_later(value: &Value) -> bool {
    match value {
        Value::Object(map) if map.len() == 1 => map.keys().all(|key| key == "Ref" || key.starts_with("Fn::")),
        Value::String(text) => text.contains("{{resolve:"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::Template;

    fn template(properties: &Value) -> Template {
        let template = json!({ "Resources": { "A": { "Type": "AWS::ECS::Service", "Properties": properties } } });
        Template::from_map(template.as_object().cloned().unwrap_or_default())
    }

    /// What is left of a change: the properties with their impacts.
    fn left(old: &Value, new: &Value, properties: &[(&str, Recreation)]) -> Vec<(String, Impact)> {
        let properties = properties.iter().map(|(name, recreation)| ((*name).to_owned(), *recreation)).collect();
        let planned = Planned { logical_id: "A".to_owned(), replacement: Recreation::Never, properties };
        let diff = TemplateDiff::between(&template(old), &template(new)).made_exact(&[planned]);
        let properties = diff.resources.into_iter().flat_map(|resource| resource.properties);
        properties.map(|property| (property.name, property.impact)).collect()
    }

    #[test]
    fn the_change_set_says_what_is_replaced() {
        let of = |recreation| {
            left(&json!({ "ServiceName": "a" }), &json!({ "ServiceName": "b" }), &[("ServiceName", recreation)])
        };
        assert_eq!(of(Recreation::Always), [("ServiceName".to_owned(), Impact::Replace)]);
        assert_eq!(of(Recreation::Conditionally), [("ServiceName".to_owned(), Impact::MayReplace)]);
        assert_eq!(of(Recreation::Never), [("ServiceName".to_owned(), Impact::Update)]);
    }

    #[test]
    fn what_stands_in_the_templates_is_never_silenced() {
        let shown = left(&json!({ "ServiceName": "a" }), &json!({ "ServiceName": "b" }), &[]);
        assert_eq!(shown, [("ServiceName".to_owned(), Impact::Replace)]);
        let mixed = |count: u8| json!({ "Tags": [{ "Ref": "P" }, { "Key": "n", "Value": count }] });
        assert_eq!(left(&mixed(1), &mixed(2), &[]).len(), 1);
        assert_eq!(left(&json!({}), &json!({ "Cluster": { "Ref": "P" } }), &[]).len(), 1);
    }

    #[test]
    fn what_comes_out_the_same_at_deployment_is_silenced() {
        let old = json!({ "Cluster": "demo", "Role": ["a", { "Ref": "P" }] });
        let new = json!({ "Cluster": { "Fn::ImportValue": "Name" }, "Role": ["a", "{{resolve:ssm:/role}}"] });
        assert_eq!(left(&old, &new, &[]), []);
        assert_eq!(left(&old, &new, &[("Cluster", Recreation::Always)]), [("Cluster".to_owned(), Impact::Replace)]);
    }
}
