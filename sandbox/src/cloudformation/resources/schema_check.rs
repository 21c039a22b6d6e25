//! Checks resolved properties against AWS's schema of their resource type, and converts scalars to the schema's types.
//!
//! In a template, scalars may have other types than in the schema: parameters are always strings. CloudFormation converts them, and
//! refuses the rest in the words of `org.everit.json.schema`, a line for each violation.

use serde_json::{Map, Number, Value};

use super::property_schema::{self, PROPERTIES, ResourceSchema, StructureMembers};

/// The properties with the schema's types, and the violations. A type without a schema accepts everything.
pub(super) fn convert(kind: &str, properties: Value) -> (Value, Vec<String>) {
    let Some(schema) = property_schema::find(kind) else { return (properties, Vec::new()) };
    let mut converter = Converter { schema, violations: Vec::new() };
    let converted = converter.value(PROPERTIES, "#", properties);
    (converted, converter.violations)
}

struct Converter {
    schema: &'static ResourceSchema,
    violations: Vec<String>,
}

impl Converter {
    fn value(&mut self, kind: &str, path: &str, value: Value) -> Value {
        if let Some(item) = kind.strip_prefix('[') {
            return self.list(item, path, value);
        }
        if let Some(entry) = kind.strip_prefix('{') {
            return self.map(entry, path, value);
        }
        match self.schema.structure(kind) {
            Some(members) => self.structure(members, path, value),
            None => self.scalar(kind, path, value),
        }
    }

    fn list(&mut self, item: &str, path: &str, value: Value) -> Value {
        let Value::Array(items) = value else { return self.mismatch("JSONArray", path, value) };
        let items = items.into_iter().enumerate();
        items.map(|(at, value)| self.value(item, &format!("{path}/{at}"), value)).collect()
    }

    fn map(&mut self, entry: &str, path: &str, value: Value) -> Value {
        let Value::Object(entries) = value else { return self.mismatch("JSONObject", path, value) };
        let converted = entries.into_iter().map(|(key, value)| {
            let value = self.value(entry, &format!("{path}/{key}"), value);
            (key, value)
        });
        Value::Object(converted.collect())
    }

    fn structure(&mut self, members: &StructureMembers, path: &str, value: Value) -> Value {
        let Value::Object(given) = value else { return self.mismatch("JSONObject", path, value) };
        for (name, _) in members.iter().filter(|(name, member)| member.is_required && !given.contains_key(**name)) {
            self.violations.push(format!("{path}: required key [{name}] not found"));
        }
        for name in given.keys().filter(|name| !members.contains_key(name.as_str())) {
            self.violations.push(format!("{path}: extraneous key [{name}] is not permitted"));
        }
        let mut converted = Map::new();
        for (name, value) in given {
            let value = match members.get(name.as_str()) {
                Some(member) => self.value(member.type_name, &format!("{path}/{name}"), value),
                None => value,
            };
            converted.insert(name, value);
        }
        Value::Object(converted)
    }

    fn scalar(&mut self, kind: &str, path: &str, value: Value) -> Value {
        let (converted, expected) = match kind {
            "string" => (text(&value), "String"),
            "integer" => (integer(&value), "Integer"),
            "number" => (number(&value), "Number"),
            "boolean" => (boolean(&value), "Boolean"),
            _ => return value,
        };
        match converted {
            Some(converted) => converted,
            None => self.mismatch(expected, path, value),
        }
    }

    fn mismatch(&mut self, expected: &str, path: &str, value: Value) -> Value {
        self.violations.push(format!("{path}: expected type: {expected}, found: {}", class(&value)));
        value
    }
}

fn text(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().into()),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if !number.is_f64() => Some(value.clone()),
        Value::String(text) => text.parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => integer(value).or_else(|| text.parse().ok().and_then(Number::from_f64).map(Value::from)),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    }
}

/// A value's class in Java.
fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Double",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::convert;

    #[test]
    fn scalars_at_any_depth_get_the_types_of_the_schema() {
        let container = json!({
            "Name": "a", "Image": "x", "Memory": "128", "Essential": "true", "DockerLabels": { "one": 1 },
            "PortMappings": [{ "ContainerPort": "80" }], "Environment": [{ "Name": "N", "Value": 5 }],
        });
        let given = json!({ "Cpu": 256, "ContainerDefinitions": [container] });
        let typed = json!({
            "Name": "a", "Image": "x", "Memory": 128, "Essential": true, "DockerLabels": { "one": "1" },
            "PortMappings": [{ "ContainerPort": 80 }], "Environment": [{ "Name": "N", "Value": "5" }],
        });
        let expected = json!({ "Cpu": "256", "ContainerDefinitions": [typed] });
        assert_eq!(convert("AWS::ECS::TaskDefinition", given), (expected, Vec::new()));
    }

    #[test]
    fn violations_have_their_paths() {
        let cases: [(&str, Value, &[&str]); 5] = [
            (
                "AWS::Logs::LogGroup",
                json!({ "RetentionInDays": "abc" }),
                &["#/RetentionInDays: expected type: Integer, found: String"],
            ),
            (
                "AWS::ECS::TaskDefinition",
                json!({ "Image": "x", "ContainerDefinitions": "y" }),
                &[
                    "#: extraneous key [Image] is not permitted",
                    "#/ContainerDefinitions: expected type: JSONArray, found: String",
                ],
            ),
            (
                "AWS::ECS::TaskDefinition",
                json!({ "ContainerDefinitions": [{ "Image": "x", "Nmae": "y", "Essential": [] }] }),
                &[
                    "#/ContainerDefinitions/0: required key [Name] not found",
                    "#/ContainerDefinitions/0: extraneous key [Nmae] is not permitted",
                    "#/ContainerDefinitions/0/Essential: expected type: Boolean, found: JSONArray",
                ],
            ),
            (
                "AWS::CloudWatch::Alarm",
                json!({ "ComparisonOperator": {}, "EvaluationPeriods": 1.5, "Threshold": null }),
                &[
                    "#/ComparisonOperator: expected type: String, found: JSONObject",
                    "#/EvaluationPeriods: expected type: Integer, found: Double",
                    "#/Threshold: expected type: Number, found: Null",
                ],
            ),
            ("AWS::CDK::Metadata", json!({ "Anything": 1 }), &[]),
        ];
        for (kind, given, violations) in cases {
            assert_eq!(convert(kind, given.clone()).1, violations, "{kind} {given}");
        }
    }
}
