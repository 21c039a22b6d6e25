//! The details of a change: which attribute changes, from what to what, and why.

use serde_json::{Value, json};

use super::super::model::MASK;
use super::super::replacement::Recreation;
use super::super::template::resolve::LATER;

/// What a change set writes for a value that only its execution makes known.
const KNOWN_AFTER_APPLY: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// Why an attribute changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Such as `ParameterReference`.
    pub source: &'static str,
    /// The parameter, or the resource and its attribute, that it comes from.
    pub entity: Option<String>,
    /// Whether it is sure before the execution.
    pub is_static: bool,
}

impl Cause {
    /// The template itself says something else.
    pub const fn direct(is_static: bool) -> Self {
        Self { source: "DirectModification", entity: None, is_static }
    }
}

/// A change of one attribute of a resource, for one cause.
#[derive(Debug, Clone)]
pub struct Detail {
    /// Such as `Properties` or `Metadata`.
    pub attribute: &'static str,
    /// The property.
    pub name: Option<String>,
    /// What was, and what is to be; null where there was or will be nothing.
    pub values: Option<(Value, Value)>,
    /// The same as they are shown, where that may be otherwise.
    pub shown: Option<(Value, Value)>,
    /// What the change asks for.
    pub recreation: Recreation,
    /// Why.
    pub cause: Cause,
}

impl Detail {
    /// The detail as it is told without values.
    pub fn plain(&self) -> Value {
        self.told(json!({
            "Attribute": self.attribute,
            "Name": self.name,
            "RequiresRecreation": self.recreation.word(),
        }))
    }

    /// The details as they are told with values: one for each place within the attribute that differs.
    pub fn with_values(&self) -> Vec<Value> {
        let Some((before, after)) = &self.values else { return vec![self.plain()] };
        let root = self.name.as_ref().map_or_else(String::new, |name| format!("/{name}"));
        let mut places = Vec::new();
        places_of_change(&format!("/{}{root}", self.attribute), before, after, &mut places);
        let prefix = format!("/{}{root}", self.attribute);
        // What is shown of the value at a path; asterisks may have another form than what they stand for.
        let of_both = |path: &str, value: &Value, side: fn(&(Value, Value)) -> &Value| match &self.shown {
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
                "RequiresRecreation": self.recreation.word(),
                "Path": path,
                "BeforeValue": shown(of_both(path, before, |(before, _)| before)),
                "AfterValue": shown(of_both(path, after, |(_, after)| after)),
                "AttributeChangeType": kind,
            })
        };
        places.iter().map(|place| self.told(target(place))).collect()
    }

    fn told(&self, target: Value) -> Value {
        json!({
            "Target": target,
            "Evaluation": if self.cause.is_static { "Static" } else { "Dynamic" },
            "ChangeSource": self.cause.source,
            "CausingEntity": self.cause.entity,
        })
    }
}

/// The places where two values differ, as deep as both have the same shape.
fn places_of_change<'a>(
    path: &str,
    before: &'a Value,
    after: &'a Value,
    found: &mut Vec<(String, &'a Value, &'a Value)>,
) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                places_of_change(&format!("{path}/{name}"), &before[name], &after[name], found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                places_of_change(&format!("{path}/{index}"), old, new, found);
            }
        }
        _ => found.push((path.to_owned(), before, after)),
    }
}

fn shown(value: Value) -> Value {
    match told(&value) {
        Value::Null => Value::Null,
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

/// A value as the JSON text of a `BeforeContext` or an `AfterContext`.
pub fn context(value: &Value) -> String {
    told(value).to_string()
}

/// A value with words for what is known later; a text of which only a part is known is not known either (recorded:
/// localstack's test_change_set_fn_join).
fn told(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains(LATER) => KNOWN_AFTER_APPLY.into(),
        Value::Array(items) => items.iter().map(told).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), told(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Cause, Detail, Recreation, context};
    use crate::cloudformation::template::resolve::LATER;

    #[test]
    fn values_are_told_where_they_differ() {
        let values = (json!([{ "Key": "a", "Value": 1 }]), json!([{ "Key": "a", "Value": 2 }]));
        let detail = Detail {
            attribute: "Properties",
            name: Some("Tags".to_owned()),
            values: Some(values),
            shown: None,
            recreation: Recreation::Never,
            cause: Cause::direct(true),
        };
        let told = detail.with_values();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["Target"]["Path"], "/Properties/Tags/0/Value");
        assert_eq!(told[0]["Target"]["BeforeValue"], "1");
        assert_eq!(told[0]["Target"]["AfterValue"], "2");
    }

    #[test]
    fn what_is_known_later_has_its_words() {
        for later in [LATER.to_owned(), format!("prefix-{LATER}")] {
            assert_eq!(context(&json!({ "A": later })), r#"{"A":"{{changeSet:KNOWN_AFTER_APPLY}}"}"#);
        }
    }
}
