//! UpdateService: a new count takes effect in place; a new task definition, place or force makes a new deployment.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::create_service::check_configuration;
use super::model::{CircuitBreaker, Deployment};
use super::names::{self, key};
use super::show;
use crate::sandbox::Sandbox;
use crate::sandbox::services::Reply;

/// Members that replace what the service has.
const REPLACED: [&str; 9] = [
    "loadBalancers",
    "serviceRegistries",
    "placementConstraints",
    "placementStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "availabilityZoneRebalancing",
];

/// Members that replace what the service has and take a new deployment to come into effect.
const DEPLOYED: [&str; 5] =
    ["networkConfiguration", "platformVersion", "serviceRegistries", "loadBalancers", "capacityProviderStrategy"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    cluster: Option<String>,
    service: String,
    desired_count: Option<u32>,
    task_definition: Option<String>,
    deployment_configuration: Option<Configuration>,
    #[serde(default)]
    force_new_deployment: bool,
    #[serde(skip)]
    rest: Map<String, Value>,
}

/// A part that is not given stays as it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    deployment_circuit_breaker: Option<CircuitBreaker>,
    maximum_percent: Option<u32>,
    minimum_healthy_percent: Option<u32>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, members: Map<String, Value>) -> Reply {
    let mut input: Input = names::read(Value::Object(members.clone()))?;
    input.rest = members;
    sandbox.world.write(|world| {
        let mut service = names::active_service(world, input.cluster.as_deref(), &input.service)?.clone();
        let definition = match &input.task_definition {
            Some(given) => Some(names::usable_task_definition(world, given)?.name()),
            None => None,
        };
        if let Some(given) = &input.deployment_configuration {
            let configuration = &mut service.deployment_configuration;
            configuration.deployment_circuit_breaker =
                given.deployment_circuit_breaker.unwrap_or(configuration.deployment_circuit_breaker);
            configuration.maximum_percent = given.maximum_percent.unwrap_or(configuration.maximum_percent);
            configuration.minimum_healthy_percent =
                given.minimum_healthy_percent.unwrap_or(configuration.minimum_healthy_percent);
            check_configuration(configuration)?;
        }
        let mut deploys = input.force_new_deployment;
        for member in REPLACED.iter().chain(&DEPLOYED) {
            if let Some(value) = input.rest.get(*member) {
                let earlier = service.content.insert((*member).to_owned(), value.clone());
                deploys |= DEPLOYED.contains(member) && earlier.as_ref() != Some(value);
            }
        }
        let now = sandbox.clock.now();
        if let Some(count) = input.desired_count
            && count != service.desired_count
        {
            service.desired_count = count;
            service.steady = false;
            if let Some(primary) = service.deployments.first_mut() {
                primary.desired_count = count;
                primary.updated_at = now;
            }
        }
        let current = service.deployments.first().map(|primary| primary.task_definition.clone()).unwrap_or_default();
        let definition = definition.unwrap_or_else(|| current.clone());
        if deploys || definition != current {
            let network = service.content.get("networkConfiguration").cloned();
            service.steady = false;
            service.deployments.insert(0, Deployment::begin(definition, service.desired_count, network, now));
        }
        let shown = show::service(&sandbox.config, world, &service, true);
        world.ecs.services.insert(key(&service.cluster, &service.name), service);
        Ok(json!({ "service": shown }))
    })
}
