//! `AWS::ECS::Cluster`, `::ClusterCapacityProviderAssociations` and `::TaskDefinition`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, STACK_ID_TAG, is_missing, resource_type, text};
use crate::Fault;
use crate::base::lower_first;
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;
use crate::cloudformation::template::template_fault;

pub(super) const TYPES: &[ResourceType] = &[
    resource_type!("AWS::ECS::Cluster", attributes: ["Arn"], create_only: [], create_cluster, update_cluster, delete_cluster),
    resource_type!(
        "AWS::ECS::ClusterCapacityProviderAssociations", attributes: [], create_only: [],
        associate, update_association, dissociate
    ),
    resource_type!(
        "AWS::ECS::TaskDefinition", attributes: ["TaskDefinitionArn"], create_only: [],
        create_task_definition, update_task_definition, delete_task_definition
    ),
];

/// Maps, whose keys are the user's.
const MAPS: &[&str] = &["Options", "DockerLabels", "DriverOpts", "Labels"];

/// A property as ECS's API has it: the names of members begin in lower case.
pub(super) fn api_form(property: &Value) -> Value {
    match property {
        Value::Array(items) => items.iter().map(api_form).collect(),
        Value::Object(members) => {
            let converted = members.iter().map(|(name, value)| {
                let value = if MAPS.contains(&name.as_str()) { value.clone() } else { api_form(value) };
                (lower_first(name), value)
            });
            Value::Object(converted.collect::<Map<_, _>>())
        }
        scalar => scalar.clone(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ClusterProperties {
    cluster_name: Option<String>,
    #[serde(default)]
    cluster_settings: Vec<Value>,
    #[serde(default)]
    capacity_providers: Vec<String>,
    configuration: Option<Value>,
    #[serde(default)]
    default_capacity_provider_strategy: Vec<Value>,
    service_connect_defaults: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create_cluster(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let cluster: ClusterProperties = context.properties(properties)?;
    let name = cluster.cluster_name.unwrap_or_else(|| context.generated_name(255));
    let input = json!({
        "clusterName": name,
        "settings": settings(&cluster.cluster_settings),
        "capacityProviders": cluster.capacity_providers,
        "configuration": cluster.configuration.as_ref().map(api_form),
        "defaultCapacityProviderStrategy": api_form(&cluster.default_capacity_provider_strategy.into()),
        "serviceConnectDefaults": cluster.service_connect_defaults.as_ref().map(api_form),
        "tags": context.lower_case_tags(&cluster.tags),
    });
    let response = context.call("ecs", "CreateCluster", input).await?;
    // CreateCluster returns an existing cluster as if it were new. Its tags name the stack that has created it.
    if let Some(owner) = stack_of(&response["cluster"]["tags"]).filter(|owner| *owner != context.stack_id()) {
        return Err(template_fault(format!("{name} already exists in stack {owner}")));
    }
    Ok(HandlerOutput::new(&name, json!({ "Arn": text(&response, "/cluster/clusterArn") })))
}

/// The stack that has created the resource with these tags.
fn stack_of(tags: &Value) -> Option<&str> {
    tags.as_array()?.iter().find(|tag| tag["key"] == STACK_ID_TAG)?["value"].as_str()
}

async fn update_cluster(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let cluster: ClusterProperties = context.properties(properties)?;
    let input = json!({
        "cluster": old.physical_id,
        "settings": settings(&cluster.cluster_settings),
        "configuration": cluster.configuration.as_ref().map(api_form),
        "serviceConnectDefaults": cluster.service_connect_defaults.as_ref().map(api_form),
    });
    context.call("ecs", "UpdateCluster", input).await?;
    put_providers(&context, &old.physical_id, cluster.capacity_providers, &cluster.default_capacity_provider_strategy)
        .await?;
    retag(&context, old.attributes.get("Arn").and_then(Value::as_str).unwrap_or_default(), &cluster.tags).await?;
    Ok(HandlerOutput::from(&old))
}

/// Settings that are not in the template stay as they are.
fn settings(given: &[Value]) -> Option<Value> {
    (!given.is_empty()).then(|| given.iter().map(api_form).collect())
}

async fn put_providers(
    context: &HandlerContext,
    cluster: &str,
    providers: Vec<String>,
    strategy: &[Value],
) -> Result<(), Fault> {
    let input = json!({
        "cluster": cluster,
        "capacityProviders": providers,
        "defaultCapacityProviderStrategy": strategy.iter().map(api_form).collect::<Vec<_>>(),
    });
    context.call("ecs", "PutClusterCapacityProviders", input).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CapacityProviderAssociationsProperties {
    cluster: String,
    capacity_providers: Vec<String>,
    default_capacity_provider_strategy: Vec<Value>,
}

async fn associate(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let CapacityProviderAssociationsProperties { cluster, capacity_providers, default_capacity_provider_strategy } =
        context.properties(properties)?;
    put_providers(&context, &cluster, capacity_providers, &default_capacity_provider_strategy).await?;
    Ok(HandlerOutput::new(&cluster, json!({})))
}

async fn update_association(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    associate(context, properties).await?;
    Ok(HandlerOutput::from(&old))
}

async fn dissociate(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    match put_providers(&context, &old.physical_id, Vec::new(), &[]).await {
        Err(fault) if is_missing(&fault) => Ok(()),
        other => other,
    }
}

async fn delete_cluster(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ecs", "DeleteCluster", json!({ "cluster": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TaskDefinitionProperties {
    container_definitions: Vec<Value>,
    cpu: Option<String>,
    enable_fault_injection: Option<bool>,
    ephemeral_storage: Option<Value>,
    execution_role_arn: Option<String>,
    family: Option<String>,
    ipc_mode: Option<String>,
    memory: Option<String>,
    network_mode: Option<String>,
    pid_mode: Option<String>,
    #[serde(default)]
    placement_constraints: Vec<Value>,
    proxy_configuration: Option<Value>,
    requires_compatibilities: Option<Vec<String>>,
    runtime_platform: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
    task_role_arn: Option<String>,
    #[serde(default)]
    volumes: Vec<Value>,
}

async fn create_task_definition(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let definition: TaskDefinitionProperties = context.properties(properties)?;
    let input = json!({
        "family": definition.family.unwrap_or_else(|| context.generated_name(255)),
        "containerDefinitions": api_form(&definition.container_definitions.into()),
        "cpu": definition.cpu,
        "memory": definition.memory,
        "ephemeralStorage": definition.ephemeral_storage.as_ref().map(api_form),
        "executionRoleArn": definition.execution_role_arn,
        "taskRoleArn": definition.task_role_arn,
        "ipcMode": definition.ipc_mode,
        "pidMode": definition.pid_mode,
        "networkMode": definition.network_mode,
        "placementConstraints": api_form(&definition.placement_constraints.into()),
        "requiresCompatibilities": definition.requires_compatibilities,
        "proxyConfiguration": definition.proxy_configuration.as_ref().map(api_form),
        "enableFaultInjection": definition.enable_fault_injection,
        "runtimePlatform": definition.runtime_platform.as_ref().map(api_form),
        "volumes": api_form(&definition.volumes.into()),
        "tags": context.lower_case_tags(&definition.tags),
    });
    let response = context.call("ecs", "RegisterTaskDefinition", input).await?;
    let arn = text(&response, "/taskDefinition/taskDefinitionArn");
    Ok(HandlerOutput::new(arn, json!({ "TaskDefinitionArn": arn })))
}

async fn update_task_definition(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let TaskDefinitionProperties { tags, .. } = context.properties(properties)?;
    retag(&context, &old.physical_id, &tags).await?;
    Ok(HandlerOutput::from(&old))
}

/// Gives a resource the tags of its new properties and of the stack, and no others.
pub(super) async fn retag(context: &HandlerContext, arn: &str, own: &[Tag]) -> Result<(), Fault> {
    let listed = context.call("ecs", "ListTagsForResource", json!({ "resourceArn": arn })).await?;
    let removed = context.removed_tag_keys(&listed["tags"], own);
    context.call("ecs", "UntagResource", json!({ "resourceArn": arn, "tagKeys": removed })).await?;
    context
        .call("ecs", "TagResource", json!({ "resourceArn": arn, "tags": context.lower_case_tags(own) }))
        .await
        .map(drop)
}

async fn delete_task_definition(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ecs", "DeregisterTaskDefinition", json!({ "taskDefinition": old.physical_id })).await.map(drop)
}
