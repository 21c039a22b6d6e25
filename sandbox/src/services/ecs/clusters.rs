//! Clusters: create, describe, list, update, delete.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::arns::Arns as _;
use super::faults::{self, invalid};
use super::lookups::{self, cluster_name};
use super::model::{Cluster, ServiceStatus, TaskStatus};
use super::{launch_settings, responses};
use crate::base::paging;
use crate::base::tags::{Tag, lower_case};
use crate::core::OperationResult;
use crate::services::ecs::State;
use crate::store::States;
use crate::{Fault, Sandbox};

/// What DescribeClusters includes only on request, and other operations always return.
const ALL_INCLUDES: [&str; 3] = ["SETTINGS", "CONFIGURATIONS", "TAGS"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateClusterInput {
    cluster_name: Option<String>,
    #[serde(default, with = "lower_case")]
    tags: Vec<Tag>,
    #[serde(flatten)]
    content: ClusterSettings,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClusterSettings {
    settings: Option<Value>,
    configuration: Option<Value>,
    capacity_providers: Option<Value>,
    default_capacity_provider_strategy: Option<Value>,
    service_connect_defaults: Option<Value>,
}

impl ClusterSettings {
    /// Writes the given members over the earlier ones.
    fn apply_to(self, earlier: &mut Map<String, Value>) {
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

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateClusterInput) -> OperationResult {
    let name = cluster_name(input.cluster_name.as_deref());
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        return Err(invalid(
            "The cluster name must contain only letters, numbers, hyphens, and underscores, at most 255 of them.",
        ));
    }
    launch_settings::check_tags(&input.tags)?;
    sandbox.store.write(|states| {
        // Creating an existing cluster returns it.
        if lookups::cluster(states, Some(&name)).is_err() {
            let mut content = Map::new();
            content.insert("settings".to_owned(), json!([{ "name": "containerInsights", "value": "disabled" }]));
            content.insert("capacityProviders".to_owned(), json!([]));
            content.insert("defaultCapacityProviderStrategy".to_owned(), json!([]));
            input.content.apply_to(&mut content);
            let cluster = Cluster { name: name.clone(), deleted_at: None, tags: input.tags, content };
            check(&cluster)?;
            states.of_mut::<State>().clusters.insert(name.clone(), cluster);
        }
        to_output(sandbox, states, &name)
    })
}

/// Refuses unknown settings and capacity providers.
fn check(cluster: &Cluster) -> Result<(), Fault> {
    let list = |member: &str| cluster.content.get(member).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    for setting in list("settings") {
        let (name, value) = (text(setting, "name"), text(setting, "value"));
        if name != "containerInsights" {
            return Err(invalid(format!("{name} should be one of [containerInsights]")));
        }
        if !["enabled", "enhanced", "disabled"].contains(&value.as_str()) {
            return Err(invalid("Cluster Setting 'containerInsights' can only be enabled, enhanced or disabled"));
        }
    }
    let providers: Vec<String> =
        list("capacityProviders").filter_map(Value::as_str).map(|name| lookups::last_part(name).to_owned()).collect();
    launch_settings::check_providers(&providers)?;
    let strategy = cluster.content.get("defaultCapacityProviderStrategy");
    strategy.map_or(Ok(()), |strategy| launch_settings::check_strategy(strategy, cluster))
}

fn to_output(sandbox: &Sandbox, states: &States, name: &str) -> OperationResult {
    let cluster = lookups::cluster(states, Some(name))?;
    Ok(json!({ "cluster": responses::cluster(&sandbox.config, states, cluster, &ALL_INCLUDES.map(str::to_owned)) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateClusterInput {
    cluster: String,
    settings: Option<Value>,
    configuration: Option<Value>,
    service_connect_defaults: Option<Value>,
}

pub(super) fn update(sandbox: &Arc<Sandbox>, input: UpdateClusterInput) -> OperationResult {
    let UpdateClusterInput { cluster, settings, configuration, service_connect_defaults } = input;
    let content = ClusterSettings { settings, configuration, service_connect_defaults, ..ClusterSettings::default() };
    change(sandbox, &cluster, content)
}

fn change(sandbox: &Sandbox, cluster: &str, content: ClusterSettings) -> OperationResult {
    sandbox.store.write(|states| {
        let mut cluster = lookups::cluster(states, Some(cluster))?.clone();
        content.apply_to(&mut cluster.content);
        check(&cluster)?;
        let name = cluster.name.clone();
        states.of_mut::<State>().clusters.insert(name.clone(), cluster);
        to_output(sandbox, states, &name)
    })
}

#[derive(Deserialize)]
pub(super) struct UpdateClusterSettingsInput {
    cluster: String,
    settings: Value,
}

pub(super) fn update_settings(
    sandbox: &Arc<Sandbox>,
    UpdateClusterSettingsInput { cluster, settings }: UpdateClusterSettingsInput,
) -> OperationResult {
    change(sandbox, &cluster, ClusterSettings { settings: Some(settings), ..ClusterSettings::default() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutClusterCapacityProvidersInput {
    cluster: String,
    capacity_providers: Vec<String>,
    default_capacity_provider_strategy: Value,
}

pub(super) fn put_capacity_providers(
    sandbox: &Arc<Sandbox>,
    input: PutClusterCapacityProvidersInput,
) -> OperationResult {
    let PutClusterCapacityProvidersInput { cluster, capacity_providers, default_capacity_provider_strategy } = input;
    let in_use: Vec<String> = sandbox.store.read(|states| {
        let name = lookups::cluster(states, Some(&cluster))?.name.clone();
        let services = states
            .of::<State>()
            .services
            .values()
            .filter(|service| service.cluster == name && service.status == ServiceStatus::Active);
        let strategies =
            services.filter_map(|service| service.content.get("capacityProviderStrategy")?.as_array()).flatten();
        let provider = |item: &Value| Some(item.get("capacityProvider")?.as_str()?.to_owned());
        Ok::<_, Fault>(strategies.filter_map(provider).collect())
    })?;
    if in_use.iter().any(|provider| !capacity_providers.contains(provider)) {
        let message = "The specified capacity provider is in use and cannot be removed.";
        return Err(Fault::client("ResourceInUseException", message));
    }
    let content = ClusterSettings {
        capacity_providers: Some(json!(capacity_providers)),
        default_capacity_provider_strategy: Some(default_capacity_provider_strategy),
        ..ClusterSettings::default()
    };
    change(sandbox, &cluster, content)
}

#[derive(Deserialize)]
pub(super) struct DescribeClustersInput {
    #[serde(default)]
    clusters: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

pub(super) fn describe(
    sandbox: &Arc<Sandbox>,
    DescribeClustersInput { clusters, include }: DescribeClustersInput,
) -> Value {
    let requested = if clusters.is_empty() { vec!["default".to_owned()] } else { clusters };
    let config = &sandbox.config;
    sandbox.store.read(|states| {
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for given in &requested {
            // A deleted cluster can still be described for some time.
            match states.of::<State>().clusters.get(lookups::last_part(given)) {
                Some(cluster) => described.push(responses::cluster(config, states, cluster, &include)),
                None => failures.push(missing(&config.cluster_arn(lookups::last_part(given)))),
            }
        }
        json!({ "clusters": described, "failures": failures })
    })
}

/// The failure for a resource that does not exist.
pub(super) fn missing(arn: &str) -> Value {
    json!({ "arn": arn, "reason": "MISSING" })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListClustersInput {
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) fn list(
    sandbox: &Arc<Sandbox>,
    ListClustersInput { next_token, max_results }: ListClustersInput,
) -> OperationResult {
    let page = sandbox.store.read(|states| {
        let rows = states.of::<State>().clusters.iter().filter(|(_, cluster)| cluster.deleted_at.is_none());
        let arns = rows.map(|(name, _)| (name.to_owned(), sandbox.config.cluster_arn(name)));
        paging::page(arns, "ListClusters", next_token.as_deref(), limit(max_results)?).map_err(|_| faults::bad_token())
    })?;
    Ok(json!({ "clusterArns": page.items, "nextToken": page.next_token }))
}

/// The page size of a list: 1 to 100.
pub(super) fn limit(max_results: Option<usize>) -> Result<usize, Fault> {
    match max_results {
        None => Ok(100),
        Some(limit @ 1..=100) => Ok(limit),
        Some(_) => Err(invalid("maxResults must be between 1 and 100.")),
    }
}

#[derive(Deserialize)]
pub(super) struct DeleteClusterInput {
    cluster: String,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, DeleteClusterInput { cluster }: DeleteClusterInput) -> OperationResult {
    sandbox.store.write(|states| {
        let cluster = lookups::cluster(states, Some(&cluster))?.clone();
        let prefix = lookups::key(&cluster.name, "");
        let in_use = |code: &str, what: &str| {
            Err(Fault::client(code, format!("The Cluster cannot be deleted while {what} are active.")))
        };
        if states
            .of::<State>()
            .services
            .with_prefix(&prefix)
            .any(|(_, service)| service.status != ServiceStatus::Inactive)
        {
            return in_use("ClusterContainsServicesException", "Services");
        }
        if states.of::<State>().tasks.with_prefix(&prefix).any(|(_, task)| task.last_status != TaskStatus::Stopped) {
            return in_use("ClusterContainsTasksException", "Tasks");
        }
        let cluster = Cluster { deleted_at: Some(sandbox.clock.now()), ..cluster };
        states.of_mut::<State>().services.retain(|key, _| !key.starts_with(&prefix));
        states.of_mut::<State>().tasks.retain(|key, _| !key.starts_with(&prefix));
        states.of_mut::<State>().service_deployments.retain(|key, _| !key.starts_with(&prefix));
        states.of_mut::<State>().service_revisions.retain(|key, _| !key.starts_with(&prefix));
        states.of_mut::<State>().clusters.insert(cluster.name.clone(), cluster.clone());
        Ok(json!({ "cluster": responses::cluster(&sandbox.config, states, &cluster, &ALL_INCLUDES.map(str::to_owned)) }))
    })
}
