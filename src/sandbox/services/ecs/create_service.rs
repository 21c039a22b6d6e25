//! CreateService.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::model::{Deployment, DeploymentConfiguration, Service, ServiceStatus, Tag, TaskDefinition};
use super::names::{self, client, invalid};
use super::show;
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

/// A member, and what ECS answers when it was not given.
type Kept = (&'static str, fn() -> Value);

/// Members that are kept as they were given.
const KEPT: [Kept; 9] = [
    ("loadBalancers", || json!([])),
    ("serviceRegistries", || json!([])),
    ("placementConstraints", || json!([])),
    ("placementStrategy", || json!([])),
    ("schedulingStrategy", || json!("REPLICA")),
    ("deploymentController", || json!({ "type": "ECS" })),
    ("enableECSManagedTags", || json!(false)),
    ("propagateTags", || json!("NONE")),
    ("enableExecuteCommand", || json!(false)),
];

/// Members that are kept only when they were given.
const OPTIONAL: [&str; 5] = [
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "capacityProviderStrategy",
    "availabilityZoneRebalancing",
    "platformVersion",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    cluster: Option<String>,
    service_name: String,
    task_definition: Option<String>,
    desired_count: Option<u32>,
    launch_type: Option<String>,
    #[serde(default)]
    deployment_configuration: DeploymentConfiguration,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(skip)]
    rest: Map<String, Value>,
}

pub(super) async fn run(sandbox: Arc<Sandbox>, members: Map<String, Value>) -> Reply {
    let mut input: Input = names::read(Value::Object(members.clone()))?;
    input.rest = members;
    check_registries(&sandbox, &input).await?;
    sandbox.world.write(|world| {
        let cluster = names::cluster(world, input.cluster.as_deref())?.name.clone();
        check(&input)?;
        let given = input.task_definition.as_deref().ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
        let definition = names::usable_task_definition(world, given)?;
        check_definition(&input, definition)?;
        let key = names::key(&cluster, &input.service_name);
        if world.ecs.services.get(&key).is_some_and(|service| service.status == ServiceStatus::Active) {
            return Err(invalid("Creation of service was not idempotent."));
        }
        if world.ecs.services.get(&key).is_some_and(|service| service.status == ServiceStatus::Draining) {
            return Err(invalid("Unable to Start a service that is still Draining."));
        }
        let service = service(&sandbox, cluster, &input, definition);
        let shown = show::service(&sandbox.config, world, &service, true);
        world.ecs.services.insert(key, service);
        Ok(json!({ "service": shown }))
    })
}

fn service(sandbox: &Sandbox, cluster: String, input: &Input, definition: &TaskDefinition) -> Service {
    let now = sandbox.clock.now();
    let desired_count = input.desired_count.unwrap_or(1);
    let network = input.rest.get("networkConfiguration").cloned();
    Service {
        name: input.service_name.clone(),
        cluster,
        status: ServiceStatus::Active,
        created_at: now,
        inactive_at: None,
        desired_count,
        deployment_configuration: input.deployment_configuration.clone(),
        content: content(input),
        tags: input.tags.clone(),
        deployments: vec![Deployment::begin(definition.name(), desired_count, network, now)],
        events: Vec::new(),
        local_port: None,
        steady: false,
    }
}

fn content(input: &Input) -> Map<String, Value> {
    let mut content = Map::new();
    for (member, default) in KEPT {
        content.insert(member.to_owned(), input.rest.get(member).cloned().unwrap_or_else(default));
    }
    for member in OPTIONAL {
        content.extend(input.rest.get(member).map(|value| (member.to_owned(), value.clone())));
    }
    let launch_type = input.launch_type.as_deref().unwrap_or("EC2");
    if !content.contains_key("capacityProviderStrategy") {
        content.insert("launchType".to_owned(), json!(launch_type));
    }
    if launch_type == "FARGATE" {
        content.entry("platformVersion").or_insert_with(|| json!("LATEST"));
        content.insert("platformFamily".to_owned(), json!("Linux"));
    }
    content
}

fn check(input: &Input) -> Result<(), Fault> {
    let Input { service_name: name, deployment_configuration: configuration, .. } = input;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        return Err(invalid(
            "Invalid service name: it must contain only letters, numbers, hyphens, and underscores, at most 255 of them.",
        ));
    }
    if input.rest.get("schedulingStrategy").is_some_and(|strategy| strategy == "DAEMON") {
        return Err(Fault::not_implemented("services with the scheduling strategy DAEMON"));
    }
    check_configuration(configuration)
}

/// Refuses deployments that could never go on.
pub(super) fn check_configuration(configuration: &DeploymentConfiguration) -> Result<(), Fault> {
    let DeploymentConfiguration { maximum_percent, minimum_healthy_percent, .. } = configuration;
    if *maximum_percent < 100 {
        return Err(invalid("maximumPercent must be greater than or equal to 100."));
    }
    if maximum_percent <= minimum_healthy_percent {
        return Err(invalid("minimumHealthyPercent must be less than maximumPercent."));
    }
    Ok(())
}

fn check_definition(input: &Input, definition: &TaskDefinition) -> Result<(), Fault> {
    let awsvpc = definition.text("networkMode") == Some("awsvpc");
    if awsvpc && !input.rest.contains_key("networkConfiguration") {
        return Err(invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."));
    }
    if !awsvpc && input.rest.contains_key("networkConfiguration") {
        return Err(invalid("Network Configuration is not valid for the given networkMode of this task definition."));
    }
    let compatibilities = definition.content.get("requiresCompatibilities").and_then(Value::as_array);
    if let (Some(launch_type), Some(list)) = (&input.launch_type, compatibilities)
        && !list.contains(&json!(launch_type))
    {
        return Err(invalid(format!("Task definition does not support launch_type {launch_type}.")));
    }
    Ok(())
}

/// Every registry has to be there.
async fn check_registries(sandbox: &Arc<Sandbox>, input: &Input) -> Result<(), Fault> {
    let registries = input.rest.get("serviceRegistries").and_then(Value::as_array);
    for registry in registries.into_iter().flatten() {
        let arn = registry.get("registryArn").and_then(Value::as_str).unwrap_or_default();
        let id = names::last_part(arn);
        match sandbox.call("servicediscovery", "GetService", json!({ "Id": id })).await {
            Err(fault) if fault.status != 501 => {
                return Err(client(format!("Service registry {arn} could not be used: {}", fault.message)));
            }
            _ => {}
        }
    }
    Ok(())
}
