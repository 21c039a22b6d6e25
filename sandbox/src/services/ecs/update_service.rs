//! UpdateService. A changed task definition or network, or `forceNewDeployment`, begins a new deployment; a changed count does not.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::create_service::{
    UNSERVED, check_configuration, check_controller, check_exec, check_grace_period, check_registries,
};
use super::faults::invalid;
use super::launch_settings::{self, LaunchSettings};
use super::lookups;
use super::model::{Cluster, Deployment, DeploymentConfiguration, Service};
use super::responses;
use crate::core::OperationResult;
use crate::services::ecs::read_members;
use crate::{Fault, Sandbox};

/// Members that replace the service's.
const REPLACED: [&str; 6] = [
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
];

/// Members that replace the service's and take effect by a new deployment.
const DEPLOYED: [&str; 4] =
    ["networkConfiguration", "platformVersion", "serviceRegistries", "capacityProviderStrategy"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateServiceInput {
    cluster: Option<String>,
    service: String,
    desired_count: Option<i64>,
    task_definition: Option<String>,
    deployment_configuration: Option<Map<String, Value>>,
    #[serde(default)]
    force_new_deployment: bool,
    #[serde(skip)]
    rest: Map<String, Value>,
}

pub(super) async fn run(sandbox: Arc<Sandbox>, members: Map<String, Value>) -> OperationResult {
    let mut input: UpdateServiceInput = read_members(Value::Object(members.clone()))?;
    input.rest = members;
    input.rest.retain(|_, value| !value.is_null());
    launch_settings::refuse_unserved(&input.rest, &UNSERVED)?;
    check_controller(&input.rest)?;
    check_grace_period(&input.rest)?;
    if let Some(network) = launch_settings::network(&sandbox, input.rest.get("networkConfiguration")).await? {
        input.rest.insert("networkConfiguration".to_owned(), network);
    }
    check_registries(&sandbox, input.rest.get("serviceRegistries")).await?;
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let cluster = lookups::cluster(states, input.cluster.as_deref())?.clone();
        let mut service = lookups::active_service(states, input.cluster.as_deref(), &input.service)?.clone();
        let current = service.deployments.first().map(|primary| primary.task_definition.clone()).unwrap_or_default();
        let requested = input.task_definition.as_deref();
        let definition = match requested {
            Some(given) => lookups::usable_task_definition(states, given)?.clone(),
            None => lookups::task_definition(states, &current).cloned().ok_or_else(lookups::no_such_definition)?,
        };
        configure(&mut service, input.deployment_configuration.as_ref())?;
        let switched = switch(&mut service, &input, &cluster)?;
        let replaced = replace(&mut service, &input.rest);
        check_exec(&service.content, &definition, "updated")?;
        if requested.is_some() || replaced {
            LaunchSettings::of(&launch_members(&service), &cluster)?
                .check(&definition, service.content.get("networkConfiguration"))?;
        }
        scale(&mut service, input.desired_count, now)?;
        if input.force_new_deployment || switched || replaced || definition.name() != current {
            deploy(&mut service, definition.name(), now);
        }
        lookups::store_service(states, service.clone(), now);
        Ok(json!({ "service": responses::service(&sandbox.config, states, &service, true) }))
    })
}

/// Updates the given parts of the deployment configuration.
fn configure(service: &mut Service, given: Option<&Map<String, Value>>) -> Result<(), Fault> {
    let Some(given) = given else { return Ok(()) };
    let mut members = json!(service.deployment_configuration);
    if let Value::Object(members) = &mut members {
        members.extend(
            given.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    let configuration: DeploymentConfiguration = read_members(members)?;
    check_configuration(&configuration)?;
    service.deployment_configuration = configuration;
    Ok(())
}

/// Switches to a capacity provider strategy, or to another one. Returns whether the service changed.
fn switch(service: &mut Service, input: &UpdateServiceInput, cluster: &Cluster) -> Result<bool, Fault> {
    let Some(strategy) = input.rest.get("capacityProviderStrategy").filter(|list| launch_settings::is_filled(list))
    else {
        return Ok(false);
    };
    if service.content.get("capacityProviderStrategy") == Some(strategy) {
        return Ok(false);
    }
    if !input.force_new_deployment {
        return Err(invalid(
            "When switching from launch type to capacity provider strategy on an existing service, or making a change to a \
             capacity provider strategy on a service that is already using one, you must force a new deployment.",
        ));
    }
    launch_settings::check_strategy(strategy, cluster)?;
    service.content.remove("launchType");
    service.content.entry("platformVersion").or_insert_with(|| json!("LATEST"));
    service.content.insert("platformFamily".to_owned(), json!("Linux"));
    Ok(true)
}

/// Replaces members. Returns whether a new deployment is needed.
fn replace(service: &mut Service, members: &Map<String, Value>) -> bool {
    let mut deploys = false;
    for member in REPLACED.iter().chain(&DEPLOYED) {
        if let Some(value) = members.get(*member) {
            let is_empty = value.is_array() && !launch_settings::is_filled(value);
            if is_empty && !service.content.contains_key(*member) {
                continue;
            }
            let earlier = service.content.insert((*member).to_owned(), value.clone());
            deploys |= DEPLOYED.contains(member) && earlier.as_ref() != Some(value);
        }
    }
    deploys
}

/// The members that [`LaunchSettings`] reads.
fn launch_members(service: &Service) -> Map<String, Value> {
    let members =
        ["launchType", "capacityProviderStrategy", "platformVersion", "placementConstraints", "placementStrategy"];
    members.iter().filter_map(|name| Some(((*name).to_owned(), service.content.get(*name)?.clone()))).collect()
}

/// The quota "Tasks per service" ("Amazon ECS service quotas" in the developer guide).
const MAX_TASKS_PER_SERVICE: u32 = 5000;

/// A desired count that ECS accepts.
pub(super) fn desired_count(count: i64) -> Result<u32, Fault> {
    match u32::try_from(count) {
        Ok(count) if count <= MAX_TASKS_PER_SERVICE => Ok(count),
        Err(_) if count < 0 => Err(invalid("Desired count must be greater than or equal to 0.")),
        _ => Err(invalid("Desired count exceeds limit.")),
    }
}

pub(super) fn scale(service: &mut Service, count: Option<i64>, now: jiff::Timestamp) -> Result<(), Fault> {
    let Some(count) = count else { return Ok(()) };
    let count = desired_count(count)?;
    if count != service.desired_count && service.text("schedulingStrategy") != Some("DAEMON") {
        service.desired_count = count;
        service.steady = false;
        if let Some(primary) = service.deployments.first_mut() {
            primary.desired_count = count;
            primary.updated_at = now;
        }
    }
    Ok(())
}

/// Begins a new deployment, which replaces the earlier ones.
fn deploy(service: &mut Service, definition: String, now: jiff::Timestamp) {
    let network = service.content.get("networkConfiguration").cloned();
    service.steady = false;
    service.deployments.insert(0, Deployment::begin(definition, service.desired_count, network, now));
}
