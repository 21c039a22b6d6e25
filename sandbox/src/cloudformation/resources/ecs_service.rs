//! `AWS::ECS::Service`: created or updated, then stabilized, as CloudFormation does.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::ecs::{api_form, retag};
use super::{HandlerContext, HandlerOutput, ResourceType, handler_faults, resource_type, text};
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;
use crate::{Fault, FaultKind};

pub(super) const TYPES: &[ResourceType] = &[resource_type!(
    "AWS::ECS::Service",
    attributes: ["Name", "ServiceArn"],
    // UpdateService has no launch type.
    create_only: ["LaunchType"],
    create, update, delete, stabilize: stabilize
)];

/// CloudFormation gives a service three hours to become stable.
const STABILIZATION_TIMEOUT: Duration = Duration::from_hours(3);
/// How often to look at the service when nothing in the sandbox has changed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ServiceProperties {
    availability_zone_rebalancing: Option<String>,
    #[serde(default)]
    capacity_provider_strategy: Vec<Value>,
    cluster: Option<String>,
    deployment_configuration: Option<Value>,
    deployment_controller: Option<Value>,
    desired_count: Option<i64>,
    #[serde(rename = "EnableECSManagedTags")]
    enable_ecs_managed_tags: Option<bool>,
    enable_execute_command: Option<bool>,
    health_check_grace_period_seconds: Option<i64>,
    launch_type: Option<String>,
    #[serde(default)]
    load_balancers: Vec<Value>,
    network_configuration: Option<Value>,
    #[serde(default)]
    placement_constraints: Vec<Value>,
    #[serde(default)]
    placement_strategies: Vec<Value>,
    platform_version: Option<String>,
    propagate_tags: Option<String>,
    role: Option<String>,
    scheduling_strategy: Option<String>,
    service_connect_configuration: Option<Value>,
    service_name: Option<String>,
    #[serde(default)]
    service_registries: Vec<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
    task_definition: Option<String>,
}

impl ServiceProperties {
    /// The members that CreateService and UpdateService share.
    fn input(&self) -> Value {
        let all = |list: &[Value]| list.iter().map(api_form).collect::<Vec<_>>();
        json!({
            "availabilityZoneRebalancing": self.availability_zone_rebalancing,
            "capacityProviderStrategy": all(&self.capacity_provider_strategy),
            "cluster": self.cluster,
            "taskDefinition": self.task_definition,
            "deploymentConfiguration": self.deployment_configuration.as_ref().map(api_form),
            "desiredCount": self.desired_count,
            "enableECSManagedTags": self.enable_ecs_managed_tags,
            "enableExecuteCommand": self.enable_execute_command,
            "healthCheckGracePeriodSeconds": self.health_check_grace_period_seconds,
            "loadBalancers": all(&self.load_balancers),
            "networkConfiguration": self.network_configuration.as_ref().map(api_form),
            "placementConstraints": all(&self.placement_constraints),
            "placementStrategy": all(&self.placement_strategies),
            "platformVersion": self.platform_version,
            "propagateTags": self.propagate_tags,
            "serviceRegistries": all(&self.service_registries),
            "serviceConnectConfiguration": self.service_connect_configuration.as_ref().map(api_form),
        })
    }
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let service: ServiceProperties = context.properties(properties)?;
    let name = service.service_name.clone().unwrap_or_else(|| context.generated_name(255));
    let mut input = service.input();
    input["serviceName"] = name.clone().into();
    // CloudFormation, not ECS, has a default of one task.
    input["desiredCount"] = service.desired_count.unwrap_or(1).into();
    input["launchType"] = service.launch_type.clone().into();
    input["role"] = service.role.clone().into();
    input["schedulingStrategy"] = service.scheduling_strategy.clone().into();
    input["deploymentController"] = service.deployment_controller.as_ref().map(api_form).into();
    input["tags"] = context.lower_case_tags(&service.tags);
    let response = context.call("ecs", "CreateService", input).await.map_err(|fault| name_conflict(fault, &name))?;
    let arn = text(&response, "/service/serviceArn");
    Ok(HandlerOutput::new(arn, json!({ "Name": name, "ServiceArn": arn })))
}

/// The handler's own fault where another service has the name, instead of the one of ECS.
fn name_conflict(fault: Fault, name: &str) -> Fault {
    match fault.kind {
        FaultKind::AlreadyExists => handler_faults::already_exists("AWS::ECS::Service", name),
        _ => fault,
    }
}

async fn update(context: HandlerContext, old: PhysicalResource, properties: Value) -> Result<HandlerOutput, Fault> {
    let service: ServiceProperties = context.properties(properties)?;
    let mut input = service.input();
    input["service"] = old.physical_id.clone().into();
    // CloudFormation forces what ECS does only by force.
    let current = describe(&context, &old.physical_id).await?;
    let switched = !service.capacity_provider_strategy.is_empty()
        && current.get("capacityProviderStrategy") != Some(&input["capacityProviderStrategy"]);
    input["forceNewDeployment"] = switched.into();
    input["deploymentController"] = service.deployment_controller.as_ref().map(api_form).into();
    context.call("ecs", "UpdateService", input).await?;
    retag(&context, &old.physical_id, &service.tags).await?;
    Ok(HandlerOutput::from(&old))
}

/// The cluster is in the ARN: `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`.
fn cluster_of(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or_default()
}

async fn describe(context: &HandlerContext, arn: &str) -> Result<Value, Fault> {
    let input = json!({ "cluster": cluster_of(arn), "services": [arn] });
    let response = context.call("ecs", "DescribeServices", input).await?;
    let missing = || Fault::not_found("ServiceNotFoundException", "Service not found.");
    response["services"].get(0).cloned().ok_or_else(missing)
}

/// Waits until the service runs as many tasks as desired and its newest deployment is completed. A deployment that the circuit
/// breaker ended is a failure.
async fn stabilize(context: HandlerContext, output: HandlerOutput) -> Result<HandlerOutput, Fault> {
    let mut changes = context.sandbox.store.changes();
    let deadline = context.sandbox.clock.now() + context.sandbox.clock.shortened(STABILIZATION_TIMEOUT);
    let mut first = None;
    while context.sandbox.clock.now() < deadline {
        changes.mark_unchanged();
        let service = describe(&context, &output.physical_id).await?;
        let primary = service["deployments"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|deployment| deployment["status"] == "PRIMARY")
            .cloned()
            .unwrap_or_default();
        let awaited: &Value = first.get_or_insert_with(|| primary["id"].clone());
        if failed(&service, awaited) {
            let message = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.";
            return Err(Fault::client("GeneralServiceException", message).with_kind(FaultKind::ServiceFailure));
        }
        let rolled_out = primary["rolloutState"].as_str().is_none_or(|state| state == "COMPLETED");
        if rolled_out && service["runningCount"] == service["desiredCount"] && primary["id"] == *awaited {
            return Ok(output);
        }
        let _ = tokio::time::timeout(POLL_INTERVAL, changes.changed()).await;
    }
    let message = format!("Exceeded attempts to wait: service {} did not stabilize.", output.physical_id);
    Err(Fault::client("NotStabilized", message).with_kind(FaultKind::NotStabilized))
}

/// Whether the awaited deployment failed, or another has taken its place.
fn failed(service: &Value, awaited: &Value) -> bool {
    let mut deployments = service["deployments"].as_array().into_iter().flatten();
    match deployments.find(|deployment| deployment["id"] == *awaited) {
        Some(deployment) => deployment["rolloutState"] == "FAILED",
        None => true,
    }
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let arn = old.physical_id.as_str();
    let cluster = cluster_of(arn);
    context.call("ecs", "UpdateService", json!({ "cluster": cluster, "service": arn, "desiredCount": 0 })).await?;
    context.call("ecs", "DeleteService", json!({ "cluster": cluster, "service": arn, "force": true })).await?;
    let mut changes = context.sandbox.store.changes();
    loop {
        changes.mark_unchanged();
        match describe(&context, arn).await {
            Ok(service) if service["status"] != "INACTIVE" => {}
            _ => return Ok(()),
        }
        let _ = tokio::time::timeout(POLL_INTERVAL, changes.changed()).await;
    }
}
