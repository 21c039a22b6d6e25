//! Parameters: given values, defaults, constraints, and the types that look a value up in SSM.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Template, invalid};
use crate::sandbox::services::cloudformation::model::Parameter;
use crate::sandbox::{Fault, Sandbox};

/// A parameter of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Given {
    parameter_key: String,
    parameter_value: Option<String>,
    #[serde(default)]
    use_previous_value: bool,
}

const SSM_VALUE: &str = "AWS::SSM::Parameter::Value<";

/// The values of a template's parameters, in its order.
pub async fn values(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    given: &[Given],
    previous: &[Parameter],
) -> Result<Vec<Parameter>, Fault> {
    let declared = template.section("Parameters");
    let unknown: Vec<&str> =
        given.iter().map(|one| one.parameter_key.as_str()).filter(|key| !declared.contains_key(*key)).collect();
    if !unknown.is_empty() {
        return Err(invalid(format!("Parameters: [{}] do not exist in the template", unknown.join(", "))));
    }
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for (key, declaration) in declared {
        let Some(value) = chosen(key, declaration, given, previous) else {
            missing.push(key.as_str());
            continue;
        };
        check(key, declaration, &value)?;
        let resolved = match kind(declaration).strip_prefix(SSM_VALUE) {
            Some(_) => Some(looked_up(sandbox, key, &value).await?),
            None => None,
        };
        let no_echo = matches!(&declaration["NoEcho"], Value::Bool(true)) || declaration["NoEcho"] == "true";
        values.push(Parameter { key: key.clone(), value, resolved, no_echo });
    }
    if missing.is_empty() {
        Ok(values)
    } else {
        Err(invalid(format!("Parameters: [{}] must have values", missing.join(", "))))
    }
}

fn kind(declaration: &Value) -> &str {
    declaration["Type"].as_str().unwrap_or("String")
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn chosen(key: &str, declaration: &Value, given: &[Given], previous: &[Parameter]) -> Option<String> {
    let before = || previous.iter().find(|parameter| parameter.key == key).map(|parameter| parameter.value.clone());
    match given.iter().find(|one| one.parameter_key == key) {
        Some(one) if one.use_previous_value => before(),
        Some(one) => one.parameter_value.clone(),
        None => scalar(&declaration["Default"]),
    }
}

fn check(key: &str, declaration: &Value, value: &str) -> Result<(), Fault> {
    let allowed: Vec<String> =
        declaration["AllowedValues"].as_array().into_iter().flatten().filter_map(scalar).collect();
    if !allowed.is_empty() && !allowed.iter().any(|one| one == value) {
        return Err(invalid(format!("Parameter '{key}' must be one of AllowedValues")));
    }
    let number = |name: &str| scalar(&declaration[name]).and_then(|text| text.parse::<f64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "a text of 2^53 characters does not fit a request")]
    let length = value.chars().count() as f64;
    if number("MinLength").is_some_and(|least| length < least) {
        return Err(invalid(format!(
            "Parameter '{key}' must contain at least {} characters",
            scalar(&declaration["MinLength"]).unwrap_or_default()
        )));
    }
    if number("MaxLength").is_some_and(|most| length > most) {
        return Err(invalid(format!(
            "Parameter '{key}' must contain at most {} characters",
            scalar(&declaration["MaxLength"]).unwrap_or_default()
        )));
    }
    if kind(declaration) != "Number" {
        return Ok(());
    }
    let Ok(given) = value.parse::<f64>() else {
        return Err(invalid(format!("Parameter '{key}' must be a number.")));
    };
    if number("MinValue").is_some_and(|least| given < least) || number("MaxValue").is_some_and(|most| given > most) {
        return Err(invalid(format!("Parameter '{key}' must be a number between its MinValue and MaxValue")));
    }
    Ok(())
}

async fn looked_up(sandbox: &Arc<Sandbox>, key: &str, name: &str) -> Result<String, Fault> {
    match sandbox.call("ssm", "GetParameter", json!({ "Name": name })).await {
        Ok(answer) => Ok(answer["Parameter"]["Value"].as_str().unwrap_or_default().to_owned()),
        Err(_) => Err(invalid(format!(
            "Unable to fetch parameters [{name}] from parameter store for this account. (parameter {key})"
        ))),
    }
}

/// What `Ref` gives for each parameter: a text, or a list for the list types.
pub fn scope(template: &Template, values: &[Parameter]) -> BTreeMap<String, Value> {
    let declared = template.section("Parameters");
    let of = |parameter: &Parameter| {
        let text = parameter.resolved.as_ref().unwrap_or(&parameter.value);
        let kind = declared.get(&parameter.key).map_or("String", kind);
        if kind == "CommaDelimitedList" || kind.contains("List<") {
            text.split(',').map(str::trim).collect()
        } else {
            Value::String(text.clone())
        }
    };
    values.iter().map(|parameter| (parameter.key.clone(), of(parameter))).collect()
}
