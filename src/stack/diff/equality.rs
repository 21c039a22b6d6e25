//! When two values are the same to CloudFormation, and the forms in which they are compared.

use serde_json::{Map, Value};

/// Equal, but that `10` is `"10"`, `true` is `"true"`, and the order of keys (and of dependencies, see [`normalized`]) is nothing.
pub(in crate::stack) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(text), Value::Bool(truth)) | (Value::Bool(truth), Value::String(text)) => {
            *text == truth.to_string()
        }
        (Value::String(left), Value::String(right)) => left == right || same_number(number(left), number(right)),
        (Value::String(text), Value::Number(written)) | (Value::Number(written), Value::String(text)) => {
            same_number(number(text), written.as_f64())
        }
        (Value::Number(left), Value::Number(right)) => left == right || same_number(left.as_f64(), right.as_f64()),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn same_number(left: Option<f64>, right: Option<f64>) -> bool {
    left.is_some() && left == right
}

/// `Fn::GetAtt` as a list, `DependsOn` as a sorted list.
pub(super) fn normalized(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(key, value)| (key.clone(), normalized_entry(&key, value))).collect()
}

fn normalized_entry(key: &str, value: Value) -> Value {
    match (key, value) {
        ("Fn::GetAtt", Value::String(text)) => text.split('.').map(Value::from).collect(),
        ("DependsOn", text @ Value::String(_)) => Value::Array(vec![text]),
        ("DependsOn", Value::Array(mut items)) => {
            items.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
            Value::Array(items)
        }
        (_, value) => normalized_value(value),
    }
}

fn normalized_value(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(normalized(map)),
        Value::Array(items) => items.into_iter().map(normalized_value).collect(),
        scalar => scalar,
    }
}
