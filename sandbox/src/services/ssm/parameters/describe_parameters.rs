//! DescribeParameters: metadata of parameters, without their values.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Parameter;
use super::filters::{self, ParameterStringFilter};
use super::get_parameter::arn;
use crate::base::clock::epoch_seconds;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ssm::{State, invalid_token, validation_exception};
use crate::{Config, Sandbox};

const PAGE_SIZE: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct DescribeParametersInput {
    #[serde(default)]
    filters: Vec<ParameterStringFilter>,
    #[serde(default)]
    parameter_filters: Vec<ParameterStringFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
    /// The sandbox has no shared parameters.
    #[serde(default)]
    shared: bool,
}

fn to_output(config: &Config, parameter: &Parameter) -> Value {
    json!({
        "Name": parameter.name,
        "ARN": arn(config, &parameter.name),
        "Type": parameter.kind,
        "KeyId": parameter.key_id,
        "LastModifiedDate": epoch_seconds(parameter.modified),
        "LastModifiedUser": config.global_arn("iam", "user/sandbox"),
        "Description": parameter.description,
        "AllowedPattern": parameter.allowed_pattern,
        "Version": parameter.version,
        "Tier": parameter.tier,
        "Policies": [],
        "DataType": parameter.data_type,
    })
}

pub(crate) fn describe(sandbox: &Arc<Sandbox>, input: DescribeParametersInput) -> OperationResult {
    let DescribeParametersInput { filters, parameter_filters, max_results, next_token, shared } = input;
    if !filters.is_empty() && !parameter_filters.is_empty() {
        return Err(validation_exception("You can use either Filters or ParameterFilters in a single request."));
    }
    filters::check(&parameter_filters, filters::DESCRIBE_KEYS)?;
    let query = format!("DescribeParameters {filters:?} {parameter_filters:?} {shared}");
    let page = sandbox.store.read(|states| {
        let own = states.of::<State>().parameters.values().filter(|_| !shared);
        let matching = own.filter(|parameter| {
            filters::matches_all(&filters, parameter, states.of::<State>())
                && filters::matches_all(&parameter_filters, parameter, states.of::<State>())
        });
        let matching = matching.map(|parameter| (parameter.name.clone(), to_output(&sandbox.config, parameter)));
        paging::page(matching, &query, next_token.as_deref(), max_results.unwrap_or(PAGE_SIZE)).map_err(invalid_token)
    })?;
    Ok(json!({ "Parameters": page.items, "NextToken": page.next_token }))
}
