//! Cloud Map's namespaces of three kinds, `AWS::ServiceDiscovery::Service` and `::Instance`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{HandlerContext, HandlerOutput, ResourceType, resource_type, text};
use crate::Fault;
use crate::base::tags::Tag;
use crate::cloudformation::model::PhysicalResource;

const SIGNING_NAME: &str = "servicediscovery";

pub(super) const TYPES: &[ResourceType] = &[
    resource_type!(
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        attributes: ["Arn", "Id", "HostedZoneId"],
        create_only: [],
        create_private, update_private, delete_namespace
    ),
    resource_type!(
        "AWS::ServiceDiscovery::PublicDnsNamespace",
        attributes: ["Arn", "Id", "HostedZoneId"],
        create_only: [],
        create_public, update_public, delete_namespace
    ),
    resource_type!(
        "AWS::ServiceDiscovery::HttpNamespace",
        attributes: ["Arn", "Id"],
        create_only: [],
        create_http, update_http, delete_namespace
    ),
    resource_type!(
        "AWS::ServiceDiscovery::Instance",
        attributes: [],
        create_only: [],
        create_instance, update_instance, delete_instance
    ),
    resource_type!(
        "AWS::ServiceDiscovery::Service",
        attributes: ["Arn", "Id", "Name"],
        // Not in the schema, but no call moves a service to another namespace.
        create_only: ["DnsConfig/NamespaceId"],
        create_service, update_service, delete_service
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NamespaceProperties {
    name: String,
    vpc: Option<String>,
    description: Option<String>,
    properties: Option<Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

async fn create_private(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    create_namespace(context, "CreatePrivateDnsNamespace", properties).await
}

async fn create_public(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    create_namespace(context, "CreatePublicDnsNamespace", properties).await
}

async fn create_http(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    create_namespace(context, "CreateHttpNamespace", properties).await
}

async fn create_namespace(context: HandlerContext, operation: &str, properties: Value) -> Result<HandlerOutput, Fault> {
    let namespace: NamespaceProperties = context.properties(properties)?;
    let input = json!({
        "Name": namespace.name,
        "Vpc": namespace.vpc,
        "Description": namespace.description,
        "Properties": namespace.properties.map(|properties| soa(&properties)),
        "Tags": context.all_tags(&namespace.tags),
    });
    let started = context.call(SIGNING_NAME, operation, input).await?;
    let operation =
        context.call(SIGNING_NAME, "GetOperation", json!({ "OperationId": started["OperationId"] })).await?;
    let id = text(&operation, "/Operation/Targets/NAMESPACE");
    let namespace = context.call(SIGNING_NAME, "GetNamespace", json!({ "Id": id })).await?;
    let zone = text(&namespace, "/Namespace/Properties/DnsProperties/HostedZoneId");
    let attributes = json!({ "Arn": text(&namespace, "/Namespace/Arn"), "Id": id, "HostedZoneId": zone });
    Ok(HandlerOutput::new(id, attributes))
}

/// The start of authority. Templates may write its time to live as text.
fn soa(properties: &Value) -> Value {
    let ttl = &properties["DnsProperties"]["SOA"]["TTL"];
    let ttl = ttl.as_i64().or_else(|| ttl.as_str()?.parse().ok());
    json!({ "DnsProperties": { "SOA": { "TTL": ttl } } })
}

async fn update_private(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    update_namespace(context, "UpdatePrivateDnsNamespace", old, properties).await
}

async fn update_public(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    update_namespace(context, "UpdatePublicDnsNamespace", old, properties).await
}

async fn update_http(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    update_namespace(context, "UpdateHttpNamespace", old, properties).await
}

async fn update_namespace(
    context: HandlerContext,
    operation: &str,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let namespace: NamespaceProperties = context.properties(properties)?;
    let change = json!({
        "Description": namespace.description.clone().unwrap_or_default(),
        "Properties": namespace.properties.as_ref().map(soa),
    });
    context.call(SIGNING_NAME, operation, json!({ "Id": old.physical_id, "Namespace": change })).await?;
    put_tags(&context, &old, &namespace.tags).await?;
    Ok(HandlerOutput::from(&old))
}

/// Gives a namespace or a service the tags of the template and the stack, and no others.
async fn put_tags(context: &HandlerContext, old: &PhysicalResource, own: &[Tag]) -> Result<(), Fault> {
    let arn = &old.attributes["Arn"];
    let listed = context.call(SIGNING_NAME, "ListTagsForResource", json!({ "ResourceARN": arn })).await?;
    let removed = context.removed_tag_keys(&listed["Tags"], own);
    context.call(SIGNING_NAME, "UntagResource", json!({ "ResourceARN": arn, "TagKeys": removed })).await?;
    let tags = context.all_tags(own);
    context.call(SIGNING_NAME, "TagResource", json!({ "ResourceARN": arn, "Tags": tags })).await.map(drop)
}

async fn delete_namespace(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call(SIGNING_NAME, "DeleteNamespace", json!({ "Id": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CloudMapServiceProperties {
    name: Option<String>,
    namespace_id: Option<String>,
    description: Option<String>,
    dns_config: Option<DnsConfig>,
    health_check_custom_config: Option<HealthCheckCustomConfig>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DnsConfig {
    dns_records: Vec<DnsRecord>,
    namespace_id: Option<String>,
    routing_policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsRecord {
    #[serde(rename = "TTL")]
    ttl: i64,
    #[serde(rename = "Type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct HealthCheckCustomConfig {
    failure_threshold: Option<i64>,
}

fn dns_config(config: &DnsConfig) -> Value {
    let records: Value =
        config.dns_records.iter().map(|record| json!({ "TTL": record.ttl, "Type": record.kind })).collect();
    let routing = config.routing_policy.as_deref().unwrap_or("MULTIVALUE");
    json!({ "DnsRecords": records, "NamespaceId": config.namespace_id, "RoutingPolicy": routing })
}

async fn create_service(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let service: CloudMapServiceProperties = context.properties(properties)?;
    let name = service.name.clone().unwrap_or_else(|| context.generated_name(64));
    let input = json!({
        "Name": name,
        "NamespaceId": service.namespace_id,
        "Description": service.description,
        "DnsConfig": service.dns_config.as_ref().map(dns_config),
        "HealthCheckCustomConfig": service
            .health_check_custom_config
            .map(|config| json!({ "FailureThreshold": config.failure_threshold.unwrap_or(1) })),
        "Type": service.kind,
        "Tags": context.all_tags(&service.tags),
    });
    let response = context.call(SIGNING_NAME, "CreateService", input).await?;
    let id = text(&response, "/Service/Id");
    Ok(HandlerOutput::new(id, json!({ "Arn": text(&response, "/Service/Arn"), "Id": id, "Name": name })))
}

async fn update_service(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    let service: CloudMapServiceProperties = context.properties(properties)?;
    let change =
        json!({ "Description": service.description, "DnsConfig": service.dns_config.as_ref().map(dns_config) });
    context.call(SIGNING_NAME, "UpdateService", json!({ "Id": old.physical_id, "Service": change })).await?;
    put_tags(&context, &old, &service.tags).await?;
    Ok(HandlerOutput::from(&old))
}

async fn delete_service(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call(SIGNING_NAME, "DeleteService", json!({ "Id": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CloudMapInstanceProperties {
    instance_attributes: Value,
    instance_id: Option<String>,
    service_id: String,
}

async fn create_instance(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let instance: CloudMapInstanceProperties = context.properties(properties)?;
    let id = instance.instance_id.clone().unwrap_or_else(|| context.generated_name(64));
    register(&context, &id, &instance).await
}

async fn register(
    context: &HandlerContext,
    id: &str,
    instance: &CloudMapInstanceProperties,
) -> Result<HandlerOutput, Fault> {
    let CloudMapInstanceProperties { instance_attributes, service_id, .. } = instance;
    let input = json!({ "ServiceId": service_id, "InstanceId": id, "Attributes": instance_attributes });
    context.call(SIGNING_NAME, "RegisterInstance", input).await?;
    Ok(HandlerOutput::new(id, json!({})))
}

async fn update_instance(
    context: HandlerContext,
    old: PhysicalResource,
    properties: Value,
) -> Result<HandlerOutput, Fault> {
    register(&context, &old.physical_id, &context.properties(properties)?).await
}

async fn delete_instance(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    let CloudMapInstanceProperties { service_id, .. } = context.properties(old.properties)?;
    let input = json!({ "ServiceId": service_id, "InstanceId": old.physical_id });
    context.call(SIGNING_NAME, "DeregisterInstance", input).await.map(drop)
}
