//! Renders intrinsic functions as text for display: `${LogicalId}`, `${LogicalId.Arn}`, and the result of joins.

use serde_json::{Value, json};

use crate::stack::known_values::{intrinsic, is_no_value};

/// The value with intrinsic functions as text, and without `AWS::NoValue`.
pub(super) fn rendered(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().filter(|item| !is_no_value(item)).map(rendered).collect(),
        Value::Object(map) => match intrinsic(value) {
            Some(("Ref", Value::String(id))) => json!(format!("${{{id}}}")),
            Some(("Fn::GetAtt", Value::Array(path))) if path.len() == 2 => {
                json!(format!("${{{}.{}}}", display_text(&path[0]), display_text(&path[1])))
            }
            Some(("Fn::Join", Value::Array(join))) if join.len() == 2 && join[1].is_array() => {
                let Value::Array(parts) = rendered(&join[1]) else { unreachable!("a list is rendered as a list") };
                json!(parts.iter().map(display_text).collect::<Vec<_>>().join(&display_text(&join[0])))
            }
            Some((name, argument)) => json!(json!({ name: rendered(argument) }).to_string()),
            None => map
                .iter()
                .filter(|(_, value)| !is_no_value(value))
                .map(|(key, value)| (key.clone(), rendered(value)))
                .collect(),
        },
        scalar => scalar.clone(),
    }
}

/// A string as is, any other value as JSON.
pub(super) fn display_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
