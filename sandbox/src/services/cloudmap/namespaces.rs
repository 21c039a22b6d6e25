//! Namespaces: HTTP, private DNS and public DNS.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Namespace, NamespaceType, PAGE_SIZE, State, invalid_input, invalid_token, operation_records};
use crate::base::clock::epoch_seconds;
use crate::base::tags::Tag;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreatePrivateDnsNamespaceInput {
    name: String,
    vpc: String,
    description: Option<String>,
    creator_request_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateNamespaceInput {
    name: String,
    description: Option<String>,
    creator_request_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    properties: Value,
}

pub(super) async fn create_private(sandbox: Arc<Sandbox>, input: CreatePrivateDnsNamespaceInput) -> OperationResult {
    let CreatePrivateDnsNamespaceInput { name, vpc, description, creator_request_id, tags, properties } = input;
    let filter = json!({ "Filter": [{ "Name": "vpc-id", "Value": [vpc] }] });
    let vpcs = sandbox.call("ec2", "DescribeVpcs", filter).await?;
    if vpcs["vpcSet"].as_array().is_none_or(Vec::is_empty) {
        return Err(invalid_input(format!("VPC {vpc} does not exist")));
    }
    create(
        &sandbox,
        NamespaceType::PrivateDns,
        vpc,
        CreateNamespaceInput { name, description, creator_request_id, tags, properties },
    )
}

pub(super) fn create_public(sandbox: &Arc<Sandbox>, input: CreateNamespaceInput) -> OperationResult {
    create(sandbox, NamespaceType::PublicDns, String::new(), input)
}

pub(super) fn create_http(sandbox: &Arc<Sandbox>, input: CreateNamespaceInput) -> OperationResult {
    check_http_name(&input.name)?;
    create(sandbox, NamespaceType::Http, String::new(), input)
}

/// The pattern of the API's model, which needs look-ahead.
fn check_http_name(name: &str) -> Result<(), Fault> {
    let is_valid = (1..=1024).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if is_valid && !name.starts_with("arn:") {
        return Ok(());
    }
    Err(invalid_input(format!(
        "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: ^(?!arn:)[!-~]{{1,1024}}$"
    )))
}

/// The time to live of the SOA record in a request.
fn soa_ttl(properties: &Value) -> Option<i64> {
    properties.pointer("/DnsProperties/SOA/TTL").and_then(Value::as_i64)
}

/// Creates a namespace. Names of private ones are unique per VPC, others per kind.
fn create(sandbox: &Arc<Sandbox>, kind: NamespaceType, vpc: String, input: CreateNamespaceInput) -> OperationResult {
    let id = format!("ns-{}", ids::random_lower(16));
    let zone = if kind == NamespaceType::Http { String::new() } else { format!("Z0{}", ids::random_upper(18)) };
    let namespace = Namespace {
        arn: sandbox.config.arn("servicediscovery", &format!("namespace/{id}")),
        name: input.name,
        kind,
        vpc,
        hosted_zone_id: zone,
        soa_ttl: soa_ttl(&input.properties).unwrap_or(15),
        tags: input.tags,
        description: input.description,
        creator_request_id: input.creator_request_id.unwrap_or_else(ids::uuid),
        created: sandbox.clock.now(),
        id,
    };
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let same = |other: &&Namespace| {
            other.name == namespace.name && other.kind == namespace.kind && other.vpc == namespace.vpc
        };
        if state.namespaces.values().any(|other| same(&other)) {
            let message = format!("Namespace with name {} already exists", namespace.name);
            return Err(Fault::already_exists("NamespaceAlreadyExists", message));
        }
        let response =
            operation_records::record(state, "CREATE_NAMESPACE", &[("NAMESPACE", &namespace.id)], namespace.created);
        state.namespaces.insert(namespace.id.clone(), namespace);
        Ok(response)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    id: String,
    #[serde(rename = "UpdaterRequestId")]
    _updater_request_id: Option<String>,
    namespace: NamespaceChange,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NamespaceChange {
    description: Option<String>,
    #[serde(default)]
    properties: Value,
}

/// Changes the description and, if it has DNS, the SOA record.
pub(super) fn update(
    sandbox: &Arc<Sandbox>,
    kind: NamespaceType,
    Update { id, namespace: change, .. }: Update,
) -> OperationResult {
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let id = state
            .namespaces
            .get(id_of(&id))
            .filter(|namespace| namespace.kind == kind)
            .ok_or_else(|| not_found(&id))?
            .id
            .clone();
        let namespace = state.namespaces.get_mut(&id).ok_or_else(|| not_found(&id))?;
        namespace.description = change.description.or_else(|| namespace.description.take());
        namespace.soa_ttl = soa_ttl(&change.properties).unwrap_or(namespace.soa_ttl);
        Ok(operation_records::record(state, "UPDATE_NAMESPACE", &[("NAMESPACE", &id)], now))
    })
}

/// The id in an ARN; an id is returned unchanged.
pub(super) fn id_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The fault for a namespace that does not exist.
pub(super) fn not_found(id: &str) -> Fault {
    Fault::not_found("NamespaceNotFound", format!("No namespace with id {id} exists"))
}

fn to_output(state: &State, namespace: &Namespace) -> Value {
    let services = state.services.values().filter(|service| service.namespace_id == namespace.id).count();
    let dns = match namespace.kind {
        NamespaceType::Http => json!({}),
        _ => json!({ "HostedZoneId": namespace.hosted_zone_id, "SOA": { "TTL": namespace.soa_ttl } }),
    };
    json!({
        "Id": namespace.id,
        "Arn": namespace.arn,
        "Name": namespace.name,
        "Type": namespace.kind.name(),
        "Description": namespace.description,
        "ServiceCount": services,
        "Properties": {
            "DnsProperties": dns,
            "HttpProperties": { "HttpName": namespace.name },
        },
        "CreateDate": epoch_seconds(namespace.created),
    })
}

/// The input of operations on one namespace.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NamespaceInput {
    id: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: NamespaceInput) -> OperationResult {
    sandbox.store.read(|states| {
        let namespace = states.of::<State>().namespaces.get(id_of(&input.id)).ok_or_else(|| not_found(&input.id))?;
        let mut output = to_output(states.of::<State>(), namespace);
        output["CreatorRequestId"] = namespace.creator_request_id.clone().into();
        Ok(json!({ "Namespace": output }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListNamespacesInput {
    #[serde(default)]
    filters: Vec<CloudMapFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CloudMapFilter {
    name: String,
    values: Vec<String>,
    condition: Option<String>,
}

impl CloudMapFilter {
    /// Whether the filter accepts the value of the attribute `name`. A filter for another attribute accepts everything.
    pub(super) fn accepts(&self, name: &str, text: &str) -> bool {
        let matches = |value: &String| match self.condition.as_deref() {
            Some("BEGINS_WITH") => text.starts_with(value.as_str()),
            _ => text == value,
        };
        self.name != name || self.values.iter().any(matches)
    }

    /// Refuses a condition that is not served.
    pub(super) fn check(filters: &[Self]) -> Result<(), Fault> {
        match filters.iter().find(|filter| filter.condition.as_deref() == Some("BETWEEN")) {
            Some(filter) => Err(Fault::not_implemented(&format!("filters of {} with BETWEEN", filter.name))),
            None => Ok(()),
        }
    }
}

pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListNamespacesInput) -> OperationResult {
    CloudMapFilter::check(&input.filters)?;
    let query = format!("ListNamespaces {:?}", input.filters);
    let page = sandbox.store.read(|states| {
        let matching = states.of::<State>().namespaces.values().filter(|namespace| {
            input.filters.iter().all(|filter| {
                filter.accepts("NAME", &namespace.name)
                    && filter.accepts("HTTP_NAME", &namespace.name)
                    && filter.accepts("TYPE", namespace.kind.name())
            })
        });
        let outputs = matching.map(|namespace| (namespace.id.clone(), to_output(states.of::<State>(), namespace)));
        paging::page(outputs, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "Namespaces": page.items, "NextToken": page.next_token }))
}

/// `DeleteNamespace`: refused while the namespace has services.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: NamespaceInput) -> OperationResult {
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let (id, state) = (&id_of(&input.id).to_owned(), states.of_mut::<State>());
        if state.services.values().any(|service| service.namespace_id == *id) {
            let message = format!("The specified namespace (id={id}) contains services, so it can't be deleted.");
            return Err(Fault::client("ResourceInUse", message));
        }
        state.namespaces.remove(id).ok_or_else(|| not_found(id))?;
        Ok(operation_records::record(state, "DELETE_NAMESPACE", &[("NAMESPACE", id)], now))
    })
}
