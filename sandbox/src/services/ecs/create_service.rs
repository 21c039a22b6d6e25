//! CreateService.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::faults::{client_exception, invalid};
use super::launch_settings::{self, LaunchSettings};
use super::lookups;
use super::model::{Deployment, DeploymentConfiguration, Service, ServiceStatus, TaskDefinition};
use super::responses;
use super::update_service::desired_count;
use crate::base::tags::{Tag, lower_case};
use crate::core::OperationResult;
use crate::services::ecs::{State, read_members};
use crate::{Fault, FaultKind, Sandbox};

type DefaultedMember = (&'static str, fn() -> Value);

/// Members that are stored unchanged, and shown with their default if they were not given.
const STORED: [DefaultedMember; 9] = [
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

/// Members that need resources that the sandbox does not have.
pub(super) const UNSERVED: [&str; 6] = [
    "loadBalancers",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
    "gatewayConnectors",
    "monitoring",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateServiceInput {
    cluster: Option<String>,
    service_name: String,
    task_definition: Option<String>,
    desired_count: Option<i64>,
    client_token: Option<String>,
    deployment_configuration: Option<DeploymentConfiguration>,
    #[serde(default, with = "lower_case")]
    tags: Vec<Tag>,
    #[serde(skip)]
    rest: Map<String, Value>,
}

impl CreateServiceInput {
    fn text(&self, member: &str) -> Option<&str> {
        self.rest.get(member).and_then(Value::as_str)
    }

    fn is_daemon(&self) -> bool {
        self.text("schedulingStrategy") == Some("DAEMON")
    }
}

pub(super) async fn run(sandbox: Arc<Sandbox>, members: Map<String, Value>) -> OperationResult {
    let mut input: CreateServiceInput = read_members(Value::Object(members.clone()))?;
    input.rest = members;
    check(&input)?;
    let network = launch_settings::network(&sandbox, input.rest.get("networkConfiguration")).await?;
    check_registries(&sandbox, input.rest.get("serviceRegistries")).await?;
    sandbox.store.write(|states| {
        let cluster = lookups::cluster(states, input.cluster.as_deref())?.clone();
        let launch = LaunchSettings::of(&input.rest, &cluster)?;
        if input.is_daemon() && launch.is_fargate() {
            return Err(invalid("The daemon scheduling strategy is not supported with the FARGATE launch type."));
        }
        let given = input.task_definition.as_deref().ok_or_else(|| invalid("TaskDefinition can not be blank."))?;
        let definition = lookups::usable_task_definition(states, given)?;
        launch.check(definition, network.as_ref())?;
        check_exec(&input.rest, definition, "created")?;
        let key = lookups::key(&cluster.name, &input.service_name);
        let earlier =
            states.of::<State>().services.get(&key).filter(|service| service.status != ServiceStatus::Inactive);
        if let Some(service) = earlier {
            if service.status == ServiceStatus::Draining {
                return Err(invalid("Unable to Start a service that is still Draining."));
            }
            if input.client_token.is_some() && input.client_token == service.client_token {
                return Ok(json!({ "service": responses::service(&sandbox.config, states, service, true) }));
            }
            return Err(invalid("Creation of service was not idempotent.").with_kind(FaultKind::AlreadyExists));
        }
        let service = service(&sandbox, &cluster.name, &input, definition, &launch, network);
        let now = service.created_at;
        lookups::store_service(states, service.clone(), now);
        Ok(json!({ "service": responses::service(&sandbox.config, states, &service, true) }))
    })
}

fn service(
    sandbox: &Sandbox,
    cluster: &str,
    input: &CreateServiceInput,
    definition: &TaskDefinition,
    launch: &LaunchSettings,
    network: Option<Value>,
) -> Service {
    let now = sandbox.clock.now();
    let given = input.desired_count.and_then(|count| desired_count(count).ok());
    // A daemon has one task for each container instance, of which there are none.
    let desired_count = if input.is_daemon() { 0 } else { given.unwrap_or(1) };
    let mut content = Map::new();
    for (member, default) in STORED {
        let value = input.rest.get(member).filter(|value| !value.is_null());
        content.insert(member.to_owned(), value.cloned().unwrap_or_else(default));
    }
    let configuration =
        input.deployment_configuration.clone().unwrap_or_else(|| DeploymentConfiguration::of(input.is_daemon()));
    // Rebalancing needs room for an additional task.
    let balanced = if configuration.maximum_percent > 100 { "ENABLED" } else { "DISABLED" };
    let balanced = input.text("availabilityZoneRebalancing").unwrap_or(balanced);
    content.insert("availabilityZoneRebalancing".to_owned(), json!(balanced));
    let LaunchSettings { kind, strategy, platform_version } = launch.clone();
    let given = [
        ("networkConfiguration", network.clone()),
        ("roleArn", input.rest.get("role").cloned().filter(Value::is_string)),
        ("launchType", kind.map(Value::String)),
        ("capacityProviderStrategy", strategy),
        ("platformFamily", platform_version.as_ref().map(|_| json!("Linux"))),
        ("platformVersion", platform_version.map(Value::String)),
    ];
    content.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Service {
        name: input.service_name.clone(),
        cluster: cluster.to_owned(),
        status: ServiceStatus::Active,
        created_at: now,
        inactive_at: None,
        desired_count,
        deployment_configuration: configuration,
        content,
        client_token: input.client_token.clone(),
        tags: input.tags.clone(),
        deployments: vec![Deployment::begin(definition.name(), desired_count, network, now)],
        events: Vec::new(),
        local_port: None,
        steady: false,
    }
}

fn check(input: &CreateServiceInput) -> Result<(), Fault> {
    let name = &input.service_name;
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        return Err(invalid(
            "Invalid service name: it must contain only letters, numbers, hyphens, and underscores, at most 255 of them.",
        ));
    }
    input.desired_count.map_or(Ok(0), desired_count)?;
    launch_settings::check_tags(&input.tags)?;
    launch_settings::refuse_unserved(&input.rest, &UNSERVED)?;
    check_controller(&input.rest)?;
    check_grace_period(&input.rest)?;
    input.deployment_configuration.as_ref().map_or(Ok(()), check_configuration)
}

/// Only ECS's own rolling updates are served.
pub(super) fn check_controller(members: &Map<String, Value>) -> Result<(), Fault> {
    let kind = members.get("deploymentController").and_then(|controller| controller.get("type")?.as_str());
    match kind {
        None | Some("ECS") => Ok(()),
        Some(kind) => Err(Fault::not_implemented(&format!("services with the deployment controller {kind}"))),
    }
}

pub(super) fn check_grace_period(members: &Map<String, Value>) -> Result<(), Fault> {
    if members.get("healthCheckGracePeriodSeconds").is_some_and(|seconds| !seconds.is_null()) {
        return Err(invalid("Health check grace period is only valid for services configured to use load balancers"));
    }
    Ok(())
}

/// ECS Exec needs a task role.
pub(super) fn check_exec(members: &Map<String, Value>, definition: &TaskDefinition, what: &str) -> Result<(), Fault> {
    let on = members.get("enableExecuteCommand") == Some(&json!(true));
    if on && definition.text("taskRoleArn").is_none() {
        return Err(invalid(format!(
            "The service couldn't be {what} because a valid taskRoleArn is not being used. Specify a valid task role in your \
             task definition and try again."
        )));
    }
    Ok(())
}

/// Refuses configurations that block deployments, or that the sandbox does not serve.
pub(super) fn check_configuration(configuration: &DeploymentConfiguration) -> Result<(), Fault> {
    let DeploymentConfiguration { maximum_percent, minimum_healthy_percent, alarms, strategy, .. } = configuration;
    if strategy.as_ref().is_some_and(|strategy| strategy != "ROLLING") {
        return Err(Fault::not_implemented("deployment strategies other than ROLLING"));
    }
    if alarms.as_ref().is_some_and(|alarms| alarms.get("enable") == Some(&json!(true))) {
        return Err(Fault::not_implemented("deployment alarms that are enabled"));
    }
    if configuration.unserved() > 0 {
        return Err(Fault::not_implemented("lifecycle hooks, bake times and shifting of traffic in deployments"));
    }
    if *maximum_percent < 100 {
        return Err(invalid("maximumPercent must be greater than or equal to 100."));
    }
    if (*maximum_percent, *minimum_healthy_percent) == (100, 100) {
        return Err(invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    if maximum_percent <= minimum_healthy_percent {
        return Err(invalid("minimumHealthyPercent must be less than maximumPercent."));
    }
    Ok(())
}

/// Checks that every service registry exists.
pub(super) async fn check_registries(sandbox: &Arc<Sandbox>, registries: Option<&Value>) -> Result<(), Fault> {
    for registry in registries.and_then(Value::as_array).into_iter().flatten() {
        let arn = registry.get("registryArn").and_then(Value::as_str).unwrap_or_default();
        let id = lookups::last_part(arn);
        match sandbox.call("servicediscovery", "GetService", json!({ "Id": id })).await {
            Err(fault) if fault.kind != FaultKind::NotServed => {
                return Err(client_exception(format!("Service registry {arn} could not be used: {}", fault.message)));
            }
            _ => {}
        }
    }
    Ok(())
}
