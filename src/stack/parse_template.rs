//! Parses any CloudFormation template: JSON, or YAML with CloudFormation's short forms (`!Ref`, `!GetAtt`, `!Sub`, …).

use serde_json::{Map, Number, Value};
use yaml_serde::Value as Yaml;

use super::Template;

/// Why a template cannot be parsed.
#[derive(Debug, thiserror::Error)]
pub enum TemplateParseError {
    /// Neither JSON nor YAML.
    #[error("it is neither JSON nor YAML: {0}")]
    Syntax(String),
    /// The top level is not a map.
    #[error("its top level is not a map")]
    NotAMap,
}

/// Parses a template. YAML short forms become the long forms of JSON.
pub fn parse_template(text: &str) -> Result<Template, TemplateParseError> {
    if nesting(text) > MAX_NESTING {
        return Err(TemplateParseError::Syntax(format!("it is nested more than {MAX_NESTING} levels deep")));
    }
    let value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => json(yaml_serde::from_str(text).map_err(|error| TemplateParseError::Syntax(error.to_string()))?),
    };
    match value {
        Value::Object(map) => Ok(Template::from_map(map)),
        _ => Err(TemplateParseError::NotAMap),
    }
}

/// The maximum depth of brackets and braces. The YAML parser takes minutes for tens of thousands of levels before it refuses them.
const MAX_NESTING: usize = 500;

/// The depth of brackets and braces, without those in double quotes.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut is_quoted, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'[' | b'{' if !is_quoted => depth += 1,
            b']' | b'}' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn json(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(boolean) => Value::Bool(boolean),
        Yaml::Number(number) => json_number(&number),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(json).collect()),
        Yaml::Mapping(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key_text(key), json(value))).collect())
        }
        Yaml::Tagged(tagged) => short_form(&tagged.tag.to_string(), json(tagged.value)),
    }
}

fn json_number(number: &yaml_serde::Number) -> Value {
    let integer = number.as_i64().map(Number::from).or_else(|| number.as_u64().map(Number::from));
    integer.or_else(|| Number::from_f64(number.as_f64()?)).map_or(Value::Null, Value::Number)
}

/// Keys of templates are strings, even if YAML reads them as another type.
fn key_text(key: Yaml) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// `!Ref X` is `{"Ref": X}`, `!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`, `!Sub X` is `{"Fn::Sub": X}`.
fn short_form(tag: &str, value: Value) -> Value {
    let name = tag.trim_start_matches('!');
    let (function, value) = match (name, value) {
        ("Ref" | "Condition", value) => (name.to_owned(), value),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((&path, ""));
            ("Fn::GetAtt".to_owned(), Value::from(vec![resource, attribute]))
        }
        (_, value) => (format!("Fn::{name}"), value),
    };
    Value::Object(Map::from_iter([(function, value)]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_short_forms_become_long_ones() -> Result<(), TemplateParseError> {
        let template = parse_template(
            "Resources:\n  A:\n    Type: T\n    Properties:\n      Name: !Ref Other\n      Arn: !GetAtt Role.Arn\n      Text: !Sub 'x-${A}'\n      \
             List: !Join ['', [a, !ImportValue b]]\n      Account: '012345678901'\n      Count: 3\n",
        )?;
        let expected = json!({ "Resources": { "A": { "Type": "T", "Properties": {
            "Name": { "Ref": "Other" },
            "Arn": { "Fn::GetAtt": ["Role", "Arn"] },
            "Text": { "Fn::Sub": "x-${A}" },
            "List": { "Fn::Join": ["", ["a", { "Fn::ImportValue": "b" }]] },
            "Account": "012345678901",
            "Count": 3,
        } } } });
        assert_eq!(template.to_value(), expected);
        Ok(())
    }

    #[test]
    fn text_that_is_no_template_is_an_error() {
        assert!(matches!(parse_template("just text"), Err(TemplateParseError::NotAMap)));
        assert!(matches!(parse_template("a: [1"), Err(TemplateParseError::Syntax(_))));
    }

    #[test]
    fn deep_nesting_is_refused_at_once() {
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "{\"a\":".repeat(100_000)] {
            let error = parse_template(&text).expect_err("it is nested too deeply");
            assert!(error.to_string().contains("more than 500 levels"), "{error}");
        }
        assert_eq!(nesting(r#"{"a": "[[\"[", "b": [{}]}"#), 3);
    }
}
