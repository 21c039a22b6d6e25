//! Equality of values as CloudFormation sees it, and the normal form for comparison.

use serde_json::{Map, Number, Value};

/// Compares values like CloudFormation: `10` equals `"10"`, `true` equals `"true"`, and the order of keys is irrelevant. Strings are
/// equal only if they are identical: `"1.10"` and `"1.1"` are two versions.
pub fn equal(left: &Value, right: &Value) -> bool {
    equal_by(left, right, &str::eq)
}

/// Compares values as far as GetTemplate shows the `deployed` one: it returns `?` for each non-ASCII character, as `cdk diff` assumes.
pub(super) fn equal_in_ascii(deployed: &Value, desired: &Value) -> bool {
    let in_ascii = |text: &str| text.replace(|c: char| !c.is_ascii(), "?");
    equal_by(deployed, desired, &|deployed, desired| deployed == in_ascii(desired))
}

/// Whether a string in the value contains `?`, which GetTemplate returns for every non-ASCII character.
pub(in crate::stack) fn has_question_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('?'),
        Value::Array(items) => items.iter().any(has_question_mark),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('?') || has_question_mark(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn equal_by(left: &Value, right: &Value, texts: &impl Fn(&str, &str) -> bool) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => texts(left, right),
        (Value::String(text), Value::Bool(boolean)) | (Value::Bool(boolean), Value::String(text)) => {
            text == if *boolean { "true" } else { "false" }
        }
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            text.as_str() == number.to_string()
        }
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal_by(left, right, texts))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    let same = right
                        .get(key)
                        .or_else(|| right.iter().find(|(name, _)| texts(key, name)).map(|(_, value)| value));
                    same.is_some_and(|other| equal_by(value, other, texts))
                })
        }
        _ => left == right,
    }
}

/// Compares numbers: `1` equals `1.0`. Integers are compared exactly, because large neighbours are equal as floating-point numbers.
fn same_number(left: &Number, right: &Number) -> bool {
    let is_integer = |number: &Number| number.is_i64() || number.is_u64();
    left == right || !(is_integer(left) && is_integer(right)) && left.as_f64() == right.as_f64()
}

/// The normal form: `Fn::GetAtt` as a list, `DependsOn` as a sorted list.
pub(super) fn normalized(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().map(|(key, value)| (key.clone(), normalized_entry(&key, value))).collect()
}

fn normalized_entry(key: &str, value: Value) -> Value {
    match (key, value) {
        ("Fn::GetAtt", Value::String(path)) => get_att(&path),
        ("Fn::GetAtt", Value::Array(parts)) => match parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
            Some(parts) => get_att(&parts.join(".")),
            None => Value::Array(parts),
        },
        ("DependsOn", text @ Value::String(_)) => Value::Array(vec![text]),
        ("DependsOn", Value::Array(mut items)) => {
            items.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
            Value::Array(items)
        }
        (_, value) => normalized_value(value),
    }
}

/// The resource and the attribute, which may contain dots.
fn get_att(path: &str) -> Value {
    match path.split_once('.') {
        Some((resource, attribute)) => Value::from(vec![resource, attribute]),
        None => Value::from(vec![path]),
    }
}

fn normalized_value(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(normalized(map)),
        Value::Array(items) => items.into_iter().map(normalized_value).collect(),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings_that_look_like_numbers_are_different_strings() {
        for (left, right) in [
            ("1.10", "1.1"),
            ("1e3", "1000"),
            ("007", "7"),
            ("0", "00"),
            ("+1", "1"),
            ("1", "1.0"),
            ("12345678901234567890", "12345678901234567891"),
            ("True", "true"),
        ] {
            assert!(!equal(&json!(left), &json!(right)), "{left} {right}");
            assert!(!equal(&json!({ "A": [left] }), &json!({ "A": [right] })), "{left} {right}");
        }
    }

    #[test]
    fn a_scalar_equals_the_string_that_is_written_the_same() {
        for (scalar, text) in [(json!(10), "10"), (json!(true), "true"), (json!(1.5), "1.5"), (json!(-3), "-3")] {
            assert!(equal(&scalar, &json!(text)) && equal(&json!(text), &scalar), "{text}");
        }
        for (scalar, text) in [(json!(7), "007"), (json!(1.1), "1.10"), (json!(1000), "1e3"), (json!(true), "True")] {
            assert!(!equal(&scalar, &json!(text)) && !equal(&json!(text), &scalar), "{text}");
        }
        assert!(equal(&json!(1), &json!(1.0)));
        assert!(!equal(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
    }

    #[test]
    fn an_attribute_with_dots_is_the_same_in_every_form() {
        let get_att = |value: Value| normalized(Map::from_iter([("Fn::GetAtt".to_owned(), value)]));
        let expected = get_att(json!(["A", "Outputs.B"]));
        assert_eq!(get_att(json!("A.Outputs.B")), expected);
        assert_eq!(get_att(json!(["A", "Outputs", "B"])), expected);
        assert_ne!(get_att(json!("A.Outputs.C")), expected);
    }

    #[test]
    fn a_question_mark_of_get_template_matches_any_non_ascii_character() {
        assert!(equal_in_ascii(&json!({ "A": "??????, ok" }), &json!({ "A": "привет, ok" })));
        assert!(equal_in_ascii(&json!("?"), &json!("\u{1f600}")));
        assert!(equal_in_ascii(&json!({ "?": 1 }), &json!({ "é": 1 })));
        assert!(!equal_in_ascii(&json!("привет"), &json!("медвед")));
        assert!(!equal_in_ascii(&json!("??"), &json!("п")));
    }
}
