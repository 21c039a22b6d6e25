//! The constraints of scalars, lists and maps, with the clauses of AWS's messages about them.

use serde_json::Value;

use super::{Kind, Limits, Plain};

/// The clauses that a value does not satisfy.
pub(super) fn violated_clauses(limits: &Limits, kind: &Kind, value: &Value) -> Vec<String> {
    let size = size(kind, value);
    let too_large = size.zip(limits.max).is_some_and(|(size, max)| size > max);
    let too_small = size.zip(limits.min).is_some_and(|(size, min)| size < min);
    let text = value.as_str();
    let mismatch = limits.pattern.as_ref().zip(text).is_some_and(|(pattern, text)| !pattern.matches(text));
    let unknown = text.is_some_and(|text| {
        !limits.values.is_empty() && !limits.values.iter().any(|allowed_value| allowed_value == text)
    });
    let violated = [too_large, too_small, mismatch, unknown];
    let clauses = all_clauses(limits, kind);
    clauses.into_iter().zip(violated).filter(|(_, violated)| *violated).filter_map(|(clause, _)| clause).collect()
}

/// The clauses of all constraints.
pub(super) fn clauses(limits: &Limits, kind: &Kind) -> Vec<String> {
    all_clauses(limits, kind).into_iter().flatten().collect()
}

/// The clause of each kind of constraint, in AWS's order.
fn all_clauses(limits: &Limits, kind: &Kind) -> [Option<String>; 4] {
    let measure = if is_number(kind) { "value" } else { "length" };
    [
        limits.max.map(|max| format!("Member must have {measure} less than or equal to {max}")),
        limits.min.map(|min| format!("Member must have {measure} greater than or equal to {min}")),
        limits
            .pattern
            .as_ref()
            .filter(|_| limits.message.is_none())
            .map(|pattern| format!("Member must satisfy regular expression pattern: {}", pattern.text())),
        (!limits.values.is_empty())
            .then(|| format!("Member must satisfy enum value set: [{}]", limits.values.join(", "))),
    ]
}

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Plain(Plain::Integer | Plain::Long | Plain::Float | Plain::Double))
}

/// The size to which `min` and `max` apply. Numbers that come from a template may be text.
fn size(kind: &Kind, value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no request is that long")]
    let length = |count: usize| Some(count as f64);
    match value {
        Value::Number(number) if is_number(kind) => number.as_f64(),
        Value::String(text) if is_number(kind) => text.parse().ok(),
        Value::String(text) => length(text.encode_utf16().count()),
        Value::Array(items) => length(items.len()),
        Value::Object(entries) if matches!(kind, Kind::Map(..)) => length(entries.len()),
        _ => None,
    }
}

/// A value as Java prints it.
pub(super) fn java_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(java_text).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}={}", java_text(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
