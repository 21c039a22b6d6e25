//! BatchGetSecretValue: the current values of several secrets, with the refusals of those that have none beside them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::filters::{self, Filter};
use super::model::find;
use super::{invalid_parameter, invalid_request, invalid_token, list, values};
use crate::services::{Reply, paging};
use crate::{Fault, Sandbox};

const PAGE: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Get {
    #[serde(default)]
    secret_id_list: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: Get) -> Reply {
    if input.max_results.is_some() && input.filters.is_empty() {
        let message = "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.";
        return Err(invalid_parameter(message));
    }
    if input.secret_id_list.is_empty() == input.filters.is_empty() {
        return Err(invalid_parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both."));
    }
    if input.filters.is_empty() { Ok(by_id(sandbox, &input.secret_id_list)) } else { by_filter(sandbox, &input) }
}

fn by_id(sandbox: &Sandbox, ids: &[String]) -> Value {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    sandbox.world.read(|world| {
        for id in ids {
            match find(world, &sandbox.config, id, sandbox.clock.now()).and_then(|secret| {
                let deleted = || {
                    invalid_request("You tried to perform the operation on a secret that's currently marked deleted.")
                };
                secret.usable().map_err(|_| deleted())?;
                values::current(secret)
            }) {
                Ok(value) => found.push(value),
                Err(fault) => errors.push(refusal(id, fault)),
            }
        }
    });
    json!({ "SecretValues": found, "Errors": errors })
}

fn refusal(id: &str, Fault { code, message, .. }: Fault) -> Value {
    json!({ "SecretId": id, "ErrorCode": code, "Message": message })
}

fn by_filter(sandbox: &Sandbox, input: &Get) -> Reply {
    filters::check(&input.filters)?;
    let question = format!("BatchGetSecretValue {:?}", input.filters);
    let page = sandbox.world.read(|world| {
        let found = list::listed(world, sandbox, &input.filters, false);
        let values = found
            .into_iter()
            .map(|secret| (secret.arn.clone(), values::current(secret).map_err(|fault| refusal(&secret.arn, fault))));
        paging::page(values, &question, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE))
            .map_err(invalid_token)
    })?;
    let (found, errors): (Vec<_>, Vec<_>) = page.items.into_iter().partition(Result::is_ok);
    Ok(json!({
        "SecretValues": found.into_iter().filter_map(Result::ok).collect::<Value>(),
        "NextToken": page.next_token,
        "Errors": errors.into_iter().filter_map(Result::err).collect::<Value>(),
    }))
}
