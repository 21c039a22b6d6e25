//! DescribeCapacityProviders: those that every account has. Others need Auto Scaling groups, which the sandbox does not have.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::capacity::FARGATE;
use super::clusters::{limit, missing};
use super::names;
use crate::base::paging;
use crate::core::Reply;
use crate::{Config, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Describe {
    #[serde(default)]
    capacity_providers: Vec<String>,
    cluster: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    let Describe { capacity_providers, cluster, max_results, next_token } = input;
    if let Some(cluster) = &cluster {
        sandbox.world.read(|world| names::cluster(world, Some(cluster)).map(drop))?;
    }
    let config = &sandbox.config;
    if capacity_providers.is_empty() {
        let all = FARGATE.iter().map(|name| ((*name).to_owned(), shown(config, name)));
        let page = paging::page(all, "DescribeCapacityProviders", next_token.as_deref(), limit(max_results)?);
        let page = page.map_err(|_| names::bad_token())?;
        return Ok(json!({ "capacityProviders": page.items, "failures": [], "nextToken": page.next_token }));
    }
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        capacity_providers.iter().map(|given| names::last_part(given)).partition(|name| FARGATE.contains(name));
    let failures: Vec<Value> = unknown.into_iter().map(|name| missing(&arn(config, name))).collect();
    let found: Vec<Value> = known.into_iter().map(|name| shown(config, name)).collect();
    Ok(json!({ "capacityProviders": found, "failures": failures }))
}

fn arn(config: &Config, name: &str) -> String {
    config.arn("ecs", &format!("capacity-provider/{name}"))
}

fn shown(config: &Config, name: &str) -> Value {
    json!({ "capacityProviderArn": arn(config, name), "name": name, "status": "ACTIVE", "tags": [], "type": name })
}
