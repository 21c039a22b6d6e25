//! Evaluates a template's intrinsic functions as far as their values are known before a deployment.

use std::collections::BTreeMap;

use serde_json::Value;

/// Known values of `Ref`, `Fn::GetAtt` and `Fn::ImportValue`. All others count as unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownValues {
    /// Pseudo parameters (`AWS::Region`), parameters, physical ids by logical id, and attributes by `ID.ATTRIBUTE`.
    pub references: BTreeMap<String, String>,
    /// Exported values by export name.
    pub exports: BTreeMap<String, String>,
}

impl KnownValues {
    /// The value without intrinsic functions; `None` if any part of it is unknown.
    pub fn evaluate(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(map) => match intrinsic(value) {
                Some((function, argument)) => self.call(function, argument),
                None => map.iter().map(|(key, value)| Some((key.clone(), self.evaluate(value)?))).collect(),
            },
            Value::Array(items) => items.iter().map(|item| self.evaluate(item)).collect(),
            Value::String(text) if text.contains("{{resolve:") => None,
            scalar => Some(scalar.clone()),
        }
    }

    /// As [`Self::evaluate`], with a scalar converted to a string; `None` for lists and maps.
    pub fn resolve(&self, value: &Value) -> Option<String> {
        match self.evaluate(value)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(boolean) => Some(boolean.to_string()),
            _ => None,
        }
    }

    fn call(&self, function: &str, argument: &Value) -> Option<Value> {
        match (function, argument) {
            ("Ref", Value::String(name)) => self.references.get(name).map(|id| id.as_str().into()),
            ("Fn::GetAtt", Value::String(path)) => self.references.get(path).map(|value| value.as_str().into()),
            ("Fn::GetAtt", Value::Array(path)) => {
                let path: Option<Vec<&str>> = path.iter().map(Value::as_str).collect();
                self.references.get(&path?.join(".")).map(|value| value.as_str().into())
            }
            ("Fn::ImportValue", name) => self.exports.get(&self.resolve(name)?).map(|value| value.as_str().into()),
            ("Fn::Join", Value::Array(arguments)) => {
                let [separator, Value::Array(parts)] = arguments.as_slice() else { return None };
                let parts: Option<Vec<String>> = parts.iter().map(|part| self.resolve(part)).collect();
                Some(parts?.join(separator.as_str()?).into())
            }
            ("Fn::Sub", Value::String(text)) => self.substitute(text, &Value::Null).map(Value::from),
            ("Fn::Sub", Value::Array(arguments)) => {
                let [Value::String(text), variables] = arguments.as_slice() else { return None };
                self.substitute(text, variables).map(Value::from)
            }
            _ => None,
        }
    }

    /// The text of an `Fn::Sub` with its placeholders filled in.
    fn substitute(&self, text: &str, variables: &Value) -> Option<String> {
        let mut result = String::new();
        for part in sub_parts(text) {
            match part {
                SubPart::Text(text) => result.push_str(text),
                SubPart::Placeholder(name) => match variables.get(name) {
                    Some(value) => result.push_str(&self.resolve(value)?),
                    None => result.push_str(self.references.get(name)?),
                },
            }
        }
        Some(result)
    }
}

/// Whether a value is absent or `AWS::NoValue`.
pub(super) fn is_absent(value: &Value) -> bool {
    value.is_null() || is_no_value(value)
}

/// Whether a value is `AWS::NoValue`, which removes its property.
pub(super) fn is_no_value(value: &Value) -> bool {
    matches!(intrinsic(value), Some(("Ref", name)) if name == "AWS::NoValue")
}

/// Whether the value refers by `Ref`, `Fn::GetAtt` or `Fn::Sub` to a logical id (or parameter) that `is_target` accepts.
pub(super) fn refers_to(value: &Value, is_target: &impl Fn(&str) -> bool) -> bool {
    let before_dot = |path: &str| is_target(path.split('.').next().unwrap_or_default());
    match (intrinsic(value), value) {
        (Some(("Ref", Value::String(name))), _) => is_target(name),
        (Some(("Fn::GetAtt", Value::String(path))), _) => before_dot(path),
        (Some(("Fn::GetAtt", Value::Array(path))), _) => path.first().and_then(Value::as_str).is_some_and(is_target),
        (Some(("Fn::Sub", Value::String(text))), _) => sub_refers_to(text, &before_dot),
        (Some(("Fn::Sub", Value::Array(arguments))), _) => {
            let text = arguments.first().and_then(Value::as_str).unwrap_or_default();
            sub_refers_to(text, &before_dot) || arguments.iter().skip(1).any(|value| refers_to(value, is_target))
        }
        (_, Value::Array(items)) => items.iter().any(|item| refers_to(item, is_target)),
        (_, Value::Object(map)) => map.values().any(|value| refers_to(value, is_target)),
        _ => false,
    }
}

fn sub_refers_to(text: &str, is_target: &impl Fn(&str) -> bool) -> bool {
    sub_parts(text).into_iter().any(|part| matches!(part, SubPart::Placeholder(name) if is_target(name)))
}

/// The function and argument of an object that is an intrinsic function.
pub(super) fn intrinsic(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, argument) = map.iter().next()?;
    is_intrinsic_name(name).then_some((name.as_str(), argument))
}

/// Whether an object's only key with this name makes it an intrinsic function.
pub(super) fn is_intrinsic_name(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

enum SubPart<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

/// Splits the text of an `Fn::Sub`; `${!Name}` is the text `${Name}`.
fn sub_parts(text: &str) -> Vec<SubPart<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, remainder)) = after.split_once('}') else { break };
        parts.push(SubPart::Text(before));
        match name.strip_prefix('!') {
            Some(literal) => parts.extend(["${", literal, "}"].map(SubPart::Text)),
            None => parts.push(SubPart::Placeholder(name.trim())),
        }
        rest = remainder;
    }
    parts.push(SubPart::Text(rest));
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> KnownValues {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        KnownValues {
            references: map(&[("AWS::StackName", "api"), ("AWS::Region", "eu-west-1"), ("Cluster", "demo")]),
            exports: map(&[("api-cluster", "container-demo")]),
        }
    }

    #[test]
    fn functions_with_known_arguments_are_evaluated() {
        for (value, expected) in [
            (json!("x"), json!("x")),
            (json!({ "Ref": "AWS::StackName" }), json!("api")),
            (json!({ "Fn::Join": ["-", ["a", { "Ref": "Cluster" }, 1]] }), json!("a-demo-1")),
            (json!({ "Fn::Sub": "/${AWS::StackName}/${!Literal}/${Cluster}" }), json!("/api/${Literal}/demo")),
            (json!({ "Fn::Sub": ["${A}${AWS::Region}", { "A": { "Ref": "Cluster" } }] }), json!("demoeu-west-1")),
            (json!({ "Fn::ImportValue": { "Fn::Sub": "${AWS::StackName}-cluster" } }), json!("container-demo")),
            (json!({ "a": [{ "Ref": "Cluster" }] }), json!({ "a": ["demo"] })),
        ] {
            assert_eq!(known().evaluate(&value), Some(expected), "{value}");
        }
    }

    #[test]
    fn a_value_with_an_unknown_part_is_unknown() {
        for value in [
            json!({ "Ref": "Other" }),
            json!({ "Fn::GetAtt": ["Cluster", "Arn"] }),
            json!({ "Fn::Sub": "${Cluster.Arn}" }),
            json!({ "Fn::Join": ["", ["a", { "Ref": "Other" }]] }),
            json!({ "Fn::If": ["C", "a", "b"] }),
            json!({ "Fn::ImportValue": "none" }),
            json!("{{resolve:ssm:/name}}"),
            json!(["a", { "Ref": "Other" }]),
        ] {
            assert_eq!(known().evaluate(&value), None, "{value}");
        }
    }

    #[test]
    fn references_are_found_in_every_form() {
        for (value, expected) in [
            (json!({ "Ref": "A" }), true),
            (json!({ "Fn::GetAtt": "A.Arn" }), true),
            (json!({ "x": [{ "Fn::GetAtt": ["A", "Arn"] }] }), true),
            (json!({ "Fn::Sub": "x${A.Arn}" }), true),
            (json!({ "Fn::Sub": ["${B}", { "B": { "Ref": "A" } }] }), true),
            (json!({ "Fn::Sub": "${!A} ${AB}" }), false),
            (json!("A"), false),
        ] {
            assert_eq!(refers_to(&value, &|id| id == "A"), expected, "{value}");
        }
    }
}
