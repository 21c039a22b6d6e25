//! SSM parameter types: the values of the SSM parameters that template parameters name.

use std::sync::Arc;

use serde_json::{Value, json};

use super::declaration::ParameterType;
use super::list_items;
use crate::cloudformation::model::TemplateParameter;
use crate::cloudformation::template::{Template, invalid};
use crate::{Fault, Sandbox};

/// Sets the resolved values of the parameters of these types.
pub(super) async fn look_up(
    sandbox: &Arc<Sandbox>,
    template: &Template,
    parameters: &mut [TemplateParameter],
) -> Result<(), Fault> {
    let declared = template.section("Parameters");
    let (mut missing, mut secret, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for parameter in parameters {
        let kind = declared.get(&parameter.key).and_then(ParameterType::of);
        let Some(kind) = kind.filter(|kind| kind.is_ssm) else { continue };
        let name = parameter.value.clone();
        let Some(ssm_parameter) = get(sandbox, &name).await? else {
            // Recorded: localstack's test_resolve_ssm_missing_parameter.
            if declared[&parameter.key]["Default"].is_null() {
                let key = &parameter.key;
                return Err(invalid(format!("Parameter {key} should either have input value or default value")));
            }
            missing.push(name);
            continue;
        };
        let text = ssm_parameter["Value"].as_str().unwrap_or_default();
        match ssm_parameter["Type"].as_str() {
            Some("SecureString") => secret.push(name),
            Some("StringList") if kind.is_list => {
                parameter.resolved = Some(list_items(text).collect::<Vec<_>>().join(","));
            }
            Some("String") if !kind.is_list => parameter.resolved = Some(text.to_owned()),
            _ => other.push(name),
        }
    }
    let sentences = [
        (missing, "Unable to fetch parameters [", "] from parameter store for this account."),
        (secret, "Parameters [", "] referenced by template have types not supported by CloudFormation."),
        (other, "Types for SSM parameters [", "] defined in CFN template and SSM are incompatible"),
    ];
    match sentences.into_iter().find(|(names, ..)| !names.is_empty()) {
        Some((names, before, after)) => Err(invalid(format!("{before}{}{after}", names.join(",")))),
        None => Ok(()),
    }
}

/// An SSM parameter, by its name, which may have a version; `None` when it does not exist.
pub(crate) async fn get(sandbox: &Arc<Sandbox>, name: &str) -> Result<Option<Value>, Fault> {
    match sandbox.call("ssm", "GetParameter", json!({ "Name": name })).await {
        Ok(mut response) => Ok(Some(response["Parameter"].take())),
        Err(fault) if fault.is_from_sandbox() => Err(fault),
        Err(_) => Ok(None),
    }
}
