//! Clusters: create, describe, list, update, delete.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::model::{Cluster, ServiceStatus, Tag, TaskStatus};
use super::names::{self, Arns as _, client, cluster_name, invalid};
use super::show;
use crate::sandbox::services::{Reply, paging};
use crate::sandbox::{Fault, Sandbox};

/// What a description includes only when it is asked for, and CreateCluster's answer always.
const EVERYTHING: [&str; 3] = ["SETTINGS", "CONFIGURATIONS", "TAGS"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    cluster_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    settings: Option<Value>,
    configuration: Option<Value>,
    capacity_providers: Option<Value>,
    default_capacity_provider_strategy: Option<Value>,
    service_connect_defaults: Option<Value>,
}

impl Content {
    /// The members that are given, over the earlier ones.
    fn over(self, earlier: &mut Map<String, Value>) {
        let Self {
            settings,
            configuration,
            capacity_providers,
            default_capacity_provider_strategy,
            service_connect_defaults,
        } = self;
        let members = [
            ("settings", settings),
            ("configuration", configuration),
            ("capacityProviders", capacity_providers),
            ("defaultCapacityProviderStrategy", default_capacity_provider_strategy),
            ("serviceConnectDefaults", service_connect_defaults),
        ];
        earlier.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    let name = cluster_name(input.cluster_name.as_deref());
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        return Err(invalid(
            "The cluster name must contain only letters, numbers, hyphens, and underscores, at most 255 of them.",
        ));
    }
    sandbox.world.write(|world| {
        // Creating a cluster that is there gives it back.
        if !world.ecs.clusters.contains(&name) {
            let mut content = Map::new();
            content.insert("settings".to_owned(), json!([{ "name": "containerInsights", "value": "disabled" }]));
            content.insert("capacityProviders".to_owned(), json!([]));
            content.insert("defaultCapacityProviderStrategy".to_owned(), json!([]));
            input.content.over(&mut content);
            world.ecs.clusters.insert(name.clone(), Cluster { name: name.clone(), tags: input.tags, content });
        }
        described(sandbox, world, &name)
    })
}

fn described(sandbox: &Sandbox, world: &crate::sandbox::world::World, name: &str) -> Reply {
    let cluster = names::cluster(world, Some(name))?;
    Ok(json!({ "cluster": show::cluster(&sandbox.config, world, cluster, &EVERYTHING.map(str::to_owned)) }))
}

#[derive(Deserialize)]
pub(super) struct Update {
    cluster: String,
    #[serde(flatten)]
    content: Content,
}

pub(super) fn update(sandbox: &Arc<Sandbox>, Update { cluster, content }: Update) -> Reply {
    sandbox.world.write(|world| {
        let name = names::cluster(world, Some(&cluster))?.name.clone();
        if let Some(row) = world.ecs.clusters.get_mut(&name) {
            content.over(&mut row.content);
        }
        described(sandbox, world, &name)
    })
}

#[derive(Deserialize)]
pub(super) struct Describe {
    #[serde(default)]
    clusters: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, Describe { clusters, include }: Describe) -> Value {
    let asked = if clusters.is_empty() { vec!["default".to_owned()] } else { clusters };
    let config = &sandbox.config;
    sandbox.world.read(|world| {
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for given in &asked {
            match names::cluster(world, Some(given)) {
                Ok(cluster) => found.push(show::cluster(config, world, cluster, &include)),
                Err(_) => failures.push(missing(&config.cluster_arn(names::last_part(given)))),
            }
        }
        json!({ "clusters": found, "failures": failures })
    })
}

/// What is said of something that a description was asked for and that is not there.
pub(super) fn missing(arn: &str) -> Value {
    json!({ "arn": arn, "reason": "MISSING" })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, List { next_token, max_results }: List) -> Reply {
    let page = sandbox.world.read(|world| {
        let arns = world.ecs.clusters.iter().map(|(name, _)| (name.to_owned(), sandbox.config.cluster_arn(name)));
        paging::page(arns, "ListClusters", next_token.as_deref(), limit(max_results)?)
            .map_err(|_| invalid("Invalid token"))
    })?;
    Ok(json!({ "clusterArns": page.items, "nextToken": page.next_token }))
}

/// How many results a page of a list has: 1 to 100.
pub(super) fn limit(max_results: Option<usize>) -> Result<usize, Fault> {
    match max_results {
        None => Ok(100),
        Some(limit @ 1..=100) => Ok(limit),
        Some(_) => Err(invalid("maxResults must be between 1 and 100.")),
    }
}

#[derive(Deserialize)]
pub(super) struct Delete {
    cluster: String,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, Delete { cluster }: Delete) -> Reply {
    sandbox.world.write(|world| {
        let row = names::cluster(world, Some(&cluster))?.clone();
        let prefix = names::key(&row.name, "");
        let in_use = |code: &str, what: &str| {
            Err(Fault::client(code, format!("The Cluster cannot be deleted while {what} are active.")))
        };
        if world.ecs.services.with_prefix(&prefix).any(|(_, service)| service.status != ServiceStatus::Inactive) {
            return in_use("ClusterContainsServicesException", "Services");
        }
        if world.ecs.tasks.with_prefix(&prefix).any(|(_, task)| task.last_status != TaskStatus::Stopped) {
            return in_use("ClusterContainsTasksException", "Tasks");
        }
        let mut shown = show::cluster(&sandbox.config, world, &row, &[]);
        shown["status"] = json!("INACTIVE");
        world.ecs.services.retain(|key, _| !key.starts_with(&prefix));
        world.ecs.tasks.retain(|key, _| !key.starts_with(&prefix));
        world.ecs.clusters.remove(&row.name).ok_or_else(|| client("Cluster not found."))?;
        Ok(json!({ "cluster": shown }))
    })
}
