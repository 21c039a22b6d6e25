//! Values of parameters: GetParameter, GetParameters and GetParametersByPath.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::filters::{self, ParameterStringFilter};
use super::put_parameter::NAME_ERROR;
use super::{Parameter, no_such_version, not_found, public_parameters, secret_references};
use crate::base::clock::epoch_seconds;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ssm::{State, invalid_token, validation_exception};
use crate::store::States;
use crate::{Config, Fault, Sandbox};

const PAGE_SIZE: usize = 10;

pub(crate) fn arn(config: &Config, name: &str) -> String {
    if name.starts_with("/aws/service/") {
        return format!("arn:{}:ssm:{}::parameter{name}", config.partition().name, config.region);
    }
    config.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')))
}

/// The value in responses: a `SecureString` is shown only with decryption.
pub(crate) fn value(parameter: &Parameter, decrypted: bool) -> String {
    if parameter.kind != "SecureString" || decrypted {
        return parameter.value.clone();
    }
    let digest =
        Sha256::new().chain_update(&parameter.name).chain_update([0]).chain_update(&parameter.value).finalize();
    format!("AQICAH{}", STANDARD.encode(digest))
}

fn to_output(config: &Config, parameter: &Parameter, selector: &str, decrypted: bool) -> Value {
    json!({
        "Name": parameter.name,
        "Type": parameter.kind,
        "Value": value(parameter, decrypted),
        "Version": parameter.version,
        "Selector": (!selector.is_empty()).then_some(selector),
        "LastModifiedDate": epoch_seconds(parameter.modified),
        "ARN": arn(config, &parameter.name),
        "DataType": parameter.data_type,
    })
}

/// Finds a parameter by its name or ARN with an optional version selector, and returns both.
fn find(states: &States, config: &Config, name: &str) -> Result<(Parameter, String), Fault> {
    let prefix = config.arn("ssm", "parameter/");
    let name_of_arn = name.strip_prefix(&prefix).map(|rest| format!("/{rest}"));
    let is_arn = name_of_arn.is_some();
    let name = name_of_arn.unwrap_or_else(|| name.to_owned());
    // Asserted on AWS: localstack's test_hierarchical_parameter.
    if !name.starts_with("arn:") && (name.contains("//") || (name.contains('/') && !name.starts_with('/'))) {
        return Err(validation_exception(NAME_ERROR));
    }
    let (bare, selector) = name.split_once(':').unwrap_or((&name, ""));
    if public_parameters::is_public(bare) {
        let parameter =
            public_parameters::find(bare).filter(|_| selector.is_empty()).map(|parameter| (parameter, String::new()));
        return parameter.ok_or_else(|| Fault::not_implemented(&format!("the public parameter {name}")));
    }
    let given = bare;
    let bare = &states.of::<State>().canonical_name(bare);
    // The response repeats a name as it was given, with or without a leading slash.
    let as_given = |version: &Parameter| {
        let name = if is_arn { version.name.clone() } else { given.to_owned() };
        Parameter { name, ..version.clone() }
    };
    let versions = states.of::<State>().versions(bare);
    let newest = versions.last().filter(|_| !selector.contains(':')).ok_or_else(not_found)?;
    if selector.is_empty() {
        return Ok((as_given(newest), String::new()));
    }
    // A selector that is not a number is a label, and labels are not served.
    let number = selector.parse::<i64>();
    let version = versions
        .iter()
        .find(|version| number.as_ref().is_ok_and(|number| version.version == *number))
        .ok_or_else(|| {
            if number.is_ok() {
                return no_such_version(bare, selector);
            }
            let message = format!(
                "Systems Manager could not find the label {selector} of {bare}. Verify the label and try again."
            );
            Fault::not_found("ParameterVersionNotFound", message)
        })?;
    Ok((as_given(version), format!(":{selector}")))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct GetParameterInput {
    name: String,
    #[serde(default)]
    with_decryption: bool,
}

pub(crate) async fn get(
    sandbox: Arc<Sandbox>,
    GetParameterInput { name, with_decryption }: GetParameterInput,
) -> OperationResult {
    if let Some(reference) = secret_references::secret_reference(&name) {
        let parameter = secret_references::find(&sandbox, reference, with_decryption).await?;
        return parameter
            .map(|secret| json!({ "Parameter": secret }))
            .ok_or_else(|| secret_references::not_found(reference));
    }
    let (parameter, selector) = sandbox.store.read(|states| find(states, &sandbox.config, &name))?;
    Ok(json!({ "Parameter": to_output(&sandbox.config, &parameter, &selector, with_decryption) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct GetParametersInput {
    names: Vec<String>,
    #[serde(default)]
    with_decryption: bool,
}

/// Returns the parameters that exist, and the names of those that do not.
pub(crate) async fn get_all(
    sandbox: Arc<Sandbox>,
    GetParametersInput { names, with_decryption }: GetParametersInput,
) -> OperationResult {
    let (mut parameters, mut missing) = (Vec::new(), Vec::new());
    for (_, name) in names.iter().enumerate().filter(|(index, name)| !names[..*index].contains(name)) {
        let parameter = match secret_references::secret_reference(name) {
            Some(reference) => secret_references::find(&sandbox, reference, with_decryption).await?,
            None => match sandbox.store.read(|states| find(states, &sandbox.config, name)) {
                Ok((parameter, selector)) => Some(to_output(&sandbox.config, &parameter, &selector, with_decryption)),
                Err(fault) if fault.is_from_sandbox() => return Err(fault),
                Err(_) => None,
            },
        };
        match parameter {
            // The same parameter with and without a leading slash is returned once.
            Some(parameter) if parameters.iter().any(|other| is_same(other, &parameter)) => {}
            Some(parameter) => parameters.push(parameter),
            None => missing.push(name),
        }
    }
    Ok(json!({ "Parameters": parameters, "InvalidParameters": missing }))
}

fn is_same(left: &Value, right: &Value) -> bool {
    ["ARN", "Version", "Selector"].iter().all(|member| left[member] == right[member])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct GetParametersByPathInput {
    path: String,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    with_decryption: bool,
    #[serde(default)]
    parameter_filters: Vec<ParameterStringFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(crate) fn get_by_path(sandbox: &Arc<Sandbox>, input: GetParametersByPathInput) -> OperationResult {
    let GetParametersByPathInput { path, recursive, parameter_filters, .. } = &input;
    filters::check_path(path)?;
    filters::check(parameter_filters, filters::BY_PATH_KEYS)?;
    let mut parameters = public_parameters::with_path_prefix(path);
    if public_parameters::is_public(path) && parameters.is_empty() {
        return Err(Fault::not_implemented(&format!("public parameters below {path}")));
    }
    let query = format!("GetParametersByPath {path} {recursive} {parameter_filters:?}");
    let page = sandbox.store.read(|states| {
        parameters.extend(states.of::<State>().parameters.values().cloned());
        let matching = parameters.iter().filter(|parameter| {
            filters::is_below(path, *recursive, &parameter.name)
                && filters::matches_all(parameter_filters, parameter, states.of::<State>())
        });
        let matching = matching.map(|parameter| {
            (parameter.name.clone(), to_output(&sandbox.config, parameter, "", input.with_decryption))
        });
        paging::page(matching, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "Parameters": page.items, "NextToken": page.next_token }))
}
