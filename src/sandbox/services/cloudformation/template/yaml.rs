//! YAML templates: read with their tags, so that `!Ref x` becomes `{"Ref": "x"}`.

use serde_json::{Map, Number, Value, json};
use yaml_serde::Value as Yaml;

use super::invalid;
use crate::sandbox::Fault;

/// Reads YAML.
pub fn parse(body: &str) -> Result<Value, Fault> {
    let malformed = |detail: String| invalid(format!("Template format error: YAML not well-formed. ({detail})"));
    let yaml: Yaml = yaml_serde::from_str(body).map_err(|error| match error.location() {
        Some(place) => malformed(format!("line {}, column {}", place.line(), place.column())),
        None => malformed(error.to_string()),
    })?;
    match yaml {
        Yaml::Mapping(_) => convert(yaml).map_err(malformed),
        _ => Err(invalid("Template format error: unsupported structure.")),
    }
}

fn convert(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => flag.into(),
        Yaml::Number(number) => number_of(&number)?,
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(convert).collect::<Result<_, _>>()?),
        Yaml::Mapping(members) => {
            let mut object = Map::new();
            for (name, value) in members {
                object.insert(key(name)?, convert(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => function(&tagged.tag.to_string(), convert(tagged.value)?),
    })
}

fn key(yaml: Yaml) -> Result<String, String> {
    match yaml {
        Yaml::String(text) => Ok(text),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(flag) => Ok(flag.to_string()),
        other => Err(format!("a key is {other:?}")),
    }
}

fn number_of(number: &yaml_serde::Number) -> Result<Value, String> {
    let whole = number.as_i64().map(Number::from).or_else(|| number.as_u64().map(Number::from));
    let number = whole.or_else(|| number.as_f64().and_then(Number::from_f64));
    number.map(Value::Number).ok_or_else(|| "a number is not finite".to_owned())
}

/// The long form of a function's short form.
fn function(tag: &str, value: Value) -> Value {
    let name = tag.trim_start_matches('!');
    match (name, &value) {
        ("Ref" | "Condition", _) => json!({ name: value }),
        ("GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
            None => json!({ "Fn::GetAtt": [text] }),
        },
        _ => json!({ format!("Fn::{name}"): value }),
    }
}
