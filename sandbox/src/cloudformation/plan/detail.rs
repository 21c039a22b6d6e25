//! The details of a resource change: the changed attributes, their values and causes.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cloudformation::model::MASK;
use crate::cloudformation::replacement::Replacement;
use crate::cloudformation::template::evaluation_scope::UNKNOWN;

/// The text of a change set for a value that is not known before its execution.
const KNOWN_AFTER_APPLY: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// `ChangeSource`: the kind of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum ChangeSource {
    ParameterReference,
    ResourceReference,
    ResourceAttribute,
    DirectModification,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub source: ChangeSource,
    /// The parameter, or the resource with its attribute, that causes it.
    pub entity: Option<String>,
    /// Whether it is certain before the execution.
    pub is_static: bool,
}

impl Cause {
    /// A change of the template itself.
    pub(super) const fn direct(is_static: bool) -> Self {
        Self { source: ChangeSource::DirectModification, entity: None, is_static }
    }
}

/// A change of one attribute of a resource, for one cause.
#[derive(Debug, Clone)]
pub(super) struct Detail {
    /// Such as `Properties` or `Metadata`.
    pub attribute: &'static str,
    /// The name of the property, if `attribute` is `Properties`.
    pub name: Option<String>,
    /// The values before and after; null where there is none.
    pub values: Option<(Value, Value)>,
    /// `values` with hidden values masked.
    pub masked: Option<(Value, Value)>,
    /// Whether the change recreates the resource.
    pub recreation: Replacement,
    pub cause: Cause,
}

impl Detail {
    /// The detail without property values.
    pub(super) fn without_values(&self) -> Value {
        self.entry(json!({
            "Attribute": self.attribute,
            "Name": self.name,
            "RequiresRecreation": self.recreation.as_str(),
        }))
    }

    /// The details with property values: one for each path within the attribute that differs.
    pub(super) fn with_values(&self) -> Vec<Value> {
        let Some((before, after)) = &self.values else { return vec![self.without_values()] };
        let root = self.name.as_ref().map_or_else(String::new, |name| format!("/{name}"));
        let mut differences = Vec::new();
        find_differences(&format!("/{}{root}", self.attribute), before, after, &mut differences);
        let prefix = format!("/{}{root}", self.attribute);
        // The masked value at a path. A mask may replace a whole list or object.
        let masked = |path: &str, value: &Value, side: fn(&(Value, Value)) -> &Value| match &self.masked {
            Some(both) if !value.is_null() => {
                side(both).pointer(&path[prefix.len()..]).cloned().unwrap_or_else(|| MASK.into())
            }
            _ => value.clone(),
        };
        let target = |(path, before, after): &(String, &Value, &Value)| {
            let kind = match (before, after) {
                (Value::Null, _) => "Add",
                (_, Value::Null) => "Remove",
                _ => "Modify",
            };
            json!({
                "Attribute": self.attribute,
                "Name": self.name,
                "RequiresRecreation": self.recreation.as_str(),
                "Path": path,
                "BeforeValue": display(masked(path, before, |(before, _)| before)),
                "AfterValue": display(masked(path, after, |(_, after)| after)),
                "AttributeChangeType": kind,
            })
        };
        differences.iter().map(|difference| self.entry(target(difference))).collect()
    }

    fn entry(&self, target: Value) -> Value {
        json!({
            "Target": target,
            "Evaluation": if self.cause.is_static { "Static" } else { "Dynamic" },
            "ChangeSource": self.cause.source,
            "CausingEntity": self.cause.entity,
        })
    }
}

/// The paths at which two values differ.
fn find_differences<'a>(
    path: &str,
    before: &'a Value,
    after: &'a Value,
    differences: &mut Vec<(String, &'a Value, &'a Value)>,
) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                find_differences(&format!("{path}/{name}"), &before[name], &after[name], differences);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                find_differences(&format!("{path}/{index}"), old, new, differences);
            }
        }
        _ => differences.push((path.to_owned(), before, after)),
    }
}

fn display(value: Value) -> Value {
    match mark_unknown(&value) {
        Value::Null => Value::Null,
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

/// A value as the JSON text of a `BeforeContext` or an `AfterContext`.
pub(super) fn context(value: &Value) -> String {
    mark_unknown(value).to_string()
}

/// Replaces unknown values, and texts with an unknown part, by AWS's placeholder (recorded: localstack's test_change_set_fn_join).
fn mark_unknown(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains(UNKNOWN) => KNOWN_AFTER_APPLY.into(),
        Value::Array(items) => items.iter().map(mark_unknown).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), mark_unknown(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cause, Detail, Replacement, context};
    use crate::cloudformation::template::evaluation_scope::UNKNOWN;

    #[test]
    fn only_the_paths_that_differ_are_listed() {
        let values = (json!([{ "Key": "a", "Value": 1 }]), json!([{ "Key": "a", "Value": 2 }]));
        let detail = Detail {
            attribute: "Properties",
            name: Some("Tags".to_owned()),
            values: Some(values),
            masked: None,
            recreation: Replacement::Never,
            cause: Cause::direct(true),
        };
        let entries = detail.with_values();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0]["Target"]["Path"], "/Properties/Tags/0/Value");
        assert_eq!(entries[0]["Target"]["BeforeValue"], "1");
        assert_eq!(entries[0]["Target"]["AfterValue"], "2");
    }

    #[test]
    fn unknown_values_have_aws_s_placeholder() {
        for unknown in [UNKNOWN.to_owned(), format!("prefix-{UNKNOWN}")] {
            assert_eq!(context(&json!({ "A": unknown })), r#"{"A":"{{changeSet:KNOWN_AFTER_APPLY}}"}"#);
        }
    }
}
