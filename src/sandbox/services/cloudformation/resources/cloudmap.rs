//! `AWS::ServiceDiscovery::PrivateDnsNamespace` and `::Service`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Made, ResourceType, resource_type, text};
use crate::sandbox::Fault;
use crate::sandbox::services::cloudformation::model::{Incarnation, Tag};

const SERVICE: &str = "servicediscovery";

/// The rows.
pub const TYPES: &[ResourceType] = &[
    resource_type!(
        "AWS::ServiceDiscovery::PrivateDnsNamespace",
        attributes: ["Arn", "Id", "HostedZoneId"],
        create_only: ["Name", "Vpc", "Description"],
        create_namespace, super::nothing_to_update, delete_namespace
    ),
    resource_type!(
        "AWS::ServiceDiscovery::Service",
        attributes: ["Arn", "Id", "Name"],
        create_only: ["Name", "NamespaceId", "HealthCheckCustomConfig", "Type"],
        create_service, update_service, delete_service
    ),
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Namespace {
    name: String,
    vpc: String,
    description: Option<String>,
    #[serde(default, rename = "Tags")]
    _tags: Vec<Tag>,
}

async fn create_namespace(context: Context, properties: Value) -> Result<Made, Fault> {
    let Namespace { name, vpc, description, .. } = context.properties(properties)?;
    let input = json!({ "Name": name, "Vpc": vpc, "Description": description });
    let started = context.call(SERVICE, "CreatePrivateDnsNamespace", input).await?;
    let operation = context.call(SERVICE, "GetOperation", json!({ "OperationId": started["OperationId"] })).await?;
    let id = text(&operation, "/Operation/Targets/NAMESPACE");
    let namespace = context.call(SERVICE, "GetNamespace", json!({ "Id": id })).await?;
    let zone = text(&namespace, "/Namespace/Properties/DnsProperties/HostedZoneId");
    let attributes = json!({ "Arn": text(&namespace, "/Namespace/Arn"), "Id": id, "HostedZoneId": zone });
    Ok(Made::new(id, attributes))
}

async fn delete_namespace(context: Context, old: Incarnation) -> Result<(), Fault> {
    context.call(SERVICE, "DeleteNamespace", json!({ "Id": old.physical_id })).await.map(drop)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Service {
    name: Option<String>,
    namespace_id: Option<String>,
    description: Option<String>,
    dns_config: Option<DnsConfig>,
    health_check_custom_config: Option<HealthCheckCustomConfig>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(default, rename = "Tags")]
    _tags: Vec<Tag>,
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

async fn create_service(context: Context, properties: Value) -> Result<Made, Fault> {
    let service: Service = context.properties(properties)?;
    let name = service.name.unwrap_or_else(|| context.generated_name(64));
    let input = json!({
        "Name": name,
        "NamespaceId": service.namespace_id,
        "Description": service.description,
        "DnsConfig": service.dns_config.as_ref().map(dns_config),
        "HealthCheckCustomConfig": service
            .health_check_custom_config
            .map(|config| json!({ "FailureThreshold": config.failure_threshold.unwrap_or(1) })),
        "Type": service.kind,
    });
    let answer = context.call(SERVICE, "CreateService", input).await?;
    let id = text(&answer, "/Service/Id");
    Ok(Made::new(id, json!({ "Arn": text(&answer, "/Service/Arn"), "Id": id, "Name": name })))
}

async fn update_service(context: Context, old: Incarnation, properties: Value) -> Result<Made, Fault> {
    let service: Service = context.properties(properties)?;
    let change =
        json!({ "Description": service.description, "DnsConfig": service.dns_config.as_ref().map(dns_config) });
    context.call(SERVICE, "UpdateService", json!({ "Id": old.physical_id, "Service": change })).await?;
    Ok(Made::from(&old))
}

async fn delete_service(context: Context, old: Incarnation) -> Result<(), Fault> {
    context.call(SERVICE, "DeleteService", json!({ "Id": old.physical_id })).await.map(drop)
}
