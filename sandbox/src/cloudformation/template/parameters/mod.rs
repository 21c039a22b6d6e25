//! Parameters: their values in requests, defaults, constraints, and lookups in SSM.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Template, dynamic_references, invalid};
use crate::cloudformation::model::{TemplateParameter, mask_fault};
use crate::{Fault, Sandbox};

pub(crate) mod aws_specific_types;
pub(crate) mod declaration;
mod ssm_values;
mod value_constraints;

use declaration::{ParameterType, scalar};
pub(crate) use ssm_values::get as ssm_parameter;

/// A parameter of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ParameterInput {
    parameter_key: String,
    parameter_value: Option<String>,
    #[serde(default)]
    use_previous_value: bool,
}

/// Resolves the parameters of a template, in its order; `previous` are those of the stack that is updated.
pub(crate) async fn values(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    given: &[ParameterInput],
    previous: Option<&[TemplateParameter]>,
) -> Result<Vec<TemplateParameter>, Fault> {
    let declared = template.section("Parameters");
    let unknown: Vec<&str> = given
        .iter()
        .map(|parameter| parameter.parameter_key.as_str())
        .filter(|key| !declared.contains_key(*key))
        .collect();
    if !unknown.is_empty() {
        return Err(invalid(format!("Parameters: [{}] do not exist in the template", unknown.join(", "))));
    }
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for (key, declaration) in declared {
        match value(key, declaration, given, previous)? {
            Some(value) => values.push((key, declaration, value)),
            None => missing.push(key.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(invalid(format!("Parameters: [{}] must have values", missing.join(", "))));
    }
    let mut parameters = Vec::new();
    for (key, declaration, value) in values {
        let no_echo = declaration::is_hidden(declaration);
        let given = TemplateParameter { key: key.clone(), value, resolved: None, no_echo };
        let hide = |fault| mask_fault(fault, std::slice::from_ref(&given));
        let value = dynamic_references::in_parameter(sandbox, key, &given.value).await.map_err(hide)?;
        value_constraints::check(key, declaration, &value).map_err(hide)?;
        // A pattern may take a while to match: other requests run in between.
        tokio::task::yield_now().await;
        parameters.push(TemplateParameter { value, ..given });
    }
    let looked_up = ssm_values::look_up(sandbox, template, &mut parameters).await;
    looked_up.map_err(|fault| mask_fault(fault, &parameters))?;
    Ok(parameters)
}

/// The value of a parameter: from the request, the previous one, or the default; `None` without any.
fn value(
    key: &str,
    declaration: &Value,
    given: &[ParameterInput],
    previous: Option<&[TemplateParameter]>,
) -> Result<Option<String>, Fault> {
    let refuse = |what: &str| Err(invalid(format!("Invalid input for parameter key {key}. {what}")));
    match given.iter().find(|parameter| parameter.parameter_key == key) {
        Some(ParameterInput { use_previous_value: true, parameter_value: Some(_), .. }) => {
            refuse("Cannot specify usePreviousValue as true and also specify a parameter value")
        }
        Some(ParameterInput { use_previous_value: true, .. }) => {
            let before = previous.into_iter().flatten().find(|parameter| parameter.key == key);
            match before {
                Some(before) => Ok(Some(before.value.clone())),
                None => {
                    refuse("Cannot specify usePreviousValue as true for a parameter key not in the previous template")
                }
            }
        }
        Some(ParameterInput { parameter_value: Some(value), .. }) => Ok(Some(value.clone())),
        Some(_) => refuse("Need to specify either usePreviousValue as true or a value for the parameter"),
        None => Ok(scalar(&declaration["Default"])),
    }
}

/// The value of `Ref` for each parameter: a text, or a list for the list types.
pub(crate) fn scope(template: &Template, values: &[TemplateParameter]) -> BTreeMap<String, Value> {
    let declared = template.section("Parameters");
    let resolved = |parameter: &TemplateParameter| {
        let text = parameter.resolved.as_ref().unwrap_or(&parameter.value);
        let kind = declared.get(&parameter.key).and_then(ParameterType::of);
        if kind.is_some_and(|kind| kind.is_list) { list_items(text).collect() } else { Value::String(text.clone()) }
    };
    values.iter().map(|parameter| (parameter.key.clone(), resolved(parameter))).collect()
}

/// The items of a comma-separated list.
fn list_items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

/// The values of `Ref` for the parameters that have a default.
pub(crate) fn defaults(template: &Template) -> BTreeMap<String, Value> {
    let declared = template.section("Parameters").iter();
    let values: Vec<TemplateParameter> = declared
        .filter_map(|(key, declaration)| {
            let value = scalar(&declaration["Default"])?;
            Some(TemplateParameter { key: key.clone(), value, resolved: None, no_echo: false })
        })
        .collect();
    scope(template, &values)
}
