//! Container instances: the sandbox has none, and says so.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::clusters::{limit, missing};
use super::names::{self, client};
use crate::Sandbox;
use crate::services::{Reply, paging};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    cluster: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, List { cluster, next_token, max_results }: List) -> Reply {
    let none = std::iter::empty::<(String, String)>();
    let limit = limit(max_results)?;
    paging::page(none, "ListContainerInstances", next_token.as_deref(), limit).map_err(|_| names::bad_token())?;
    sandbox.world.read(|world| names::cluster(world, cluster.as_deref()).map(drop))?;
    Ok(json!({ "containerInstanceArns": [] }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Describe {
    cluster: Option<String>,
    container_instances: Vec<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, Describe { cluster, container_instances }: Describe) -> Reply {
    let cluster = sandbox.world.read(|world| names::cluster(world, cluster.as_deref()).map(|row| row.name.clone()))?;
    if container_instances.is_empty() {
        return Err(client("Container Instances cannot be empty."));
    }
    let arn = |given: &String| {
        let id = names::last_part(given);
        missing(&sandbox.config.arn("ecs", &format!("container-instance/{cluster}/{id}")))
    };
    let failures: Vec<Value> = container_instances.iter().map(arn).collect();
    Ok(json!({ "containerInstances": [], "failures": failures }))
}
