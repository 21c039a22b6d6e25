//! The form of a document: which elements there may be, and of which types. Source: "Grammar of the IAM JSON policy language" in
//! the user guide.

use serde_json::{Map, Value};

const VERSIONS: &[&str] = &["2012-10-17", "2008-10-17"];
const OF_POLICY: &[&str] = &["Version", "Id", "Statement"];
const OF_STATEMENT: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// Condition operators; each may be about any or all values, and apply only where its key exists.
const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];

/// One statement of the right form.
pub(super) struct Statement<'a> {
    /// Its `Sid`, or nothing.
    pub id: &'a str,
    /// Its effect, in any case.
    pub effect: &'a str,
    /// Its `Principal` or `NotPrincipal`.
    pub principal: Option<&'a Value>,
    /// Its `Action` or `NotAction`.
    pub actions: Option<Vec<&'a str>>,
    /// Its `Resource` or `NotResource`.
    pub resources: Option<Vec<&'a str>>,
    /// What its conditions compare dates with.
    pub dates: Vec<&'a Value>,
}

impl<'a> Statement<'a> {
    pub fn actions(&self) -> impl Iterator<Item = &'a str> {
        self.actions.iter().flatten().copied()
    }

    pub fn resources(&self) -> impl Iterator<Item = &'a str> {
        self.resources.iter().flatten().copied()
    }
}

/// A document's statements, or `None` where something has not the right form.
pub(super) fn statements(policy: &Map<String, Value>) -> Option<Vec<Statement<'_>>> {
    text(policy, "Id")?;
    let version = text(policy, "Version")?;
    if !has_only(policy, OF_POLICY) || !version.is_none_or(|version| VERSIONS.contains(&version)) {
        return None;
    }
    let all = match policy.get("Statement")? {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let all: Option<Vec<_>> = all.iter().map(|one| statement(one.as_object()?)).collect();
    all.filter(|all| !all.is_empty())
}

fn has_only(given: &Map<String, Value>, known: &[&str]) -> bool {
    given.keys().all(|name| known.contains(&name.as_str()))
}

/// A member that is a text if it is there.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<Option<&'a str>> {
    match members.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    }
}

fn statement(members: &Map<String, Value>) -> Option<Statement<'_>> {
    let effect = text(members, "Effect")??;
    let known = ["Allow", "Deny"].iter().any(|known| known.eq_ignore_ascii_case(effect));
    if !known || !has_only(members, OF_STATEMENT) {
        return None;
    }
    Some(Statement {
        id: text(members, "Sid")?.unwrap_or_default(),
        effect,
        principal: either(members, "Principal", "NotPrincipal")?,
        actions: either(members, "Action", "NotAction")?.map(texts).map_or(Some(None), |all| all.map(Some))?,
        resources: either(members, "Resource", "NotResource")?.map(texts).map_or(Some(None), |all| all.map(Some))?,
        dates: members.get("Condition").map_or(Some(Vec::new()), dates)?,
    })
}

/// One of two members, of which only one may be there.
fn either<'a>(members: &'a Map<String, Value>, one: &str, other: &str) -> Option<Option<&'a Value>> {
    match (members.get(one), members.get(other)) {
        (Some(_), Some(_)) => None,
        (found, None) | (None, found) => Some(found),
    }
}

/// A text or a list of texts, in which nulls do not count.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(Value::as_str).collect(),
        _ => None,
    }
}

/// What the date operators of conditions compare with, if the conditions have the right form.
fn dates(conditions: &Value) -> Option<Vec<&Value>> {
    let mut dates = Vec::new();
    for (operator, keys) in conditions.as_object()? {
        let keys = keys.as_object()?;
        let operator = operator
            .strip_prefix("ForAnyValue:")
            .or_else(|| operator.strip_prefix("ForAllValues:"))
            .unwrap_or(operator);
        let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
        if !keys.is_empty() && !OPERATORS.contains(&operator) {
            return None;
        }
        for value in keys.values() {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            if values.iter().any(|value| value.is_null() || value.is_array() || value.is_object()) {
                return None;
            }
            if operator.starts_with("Date") {
                dates.extend(values);
            }
        }
    }
    Some(dates)
}
