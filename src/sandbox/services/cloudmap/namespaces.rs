//! Private DNS namespaces.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Namespace, State, operations};
use crate::sandbox::services::Reply;
use crate::sandbox::world::clock::epoch_seconds;
use crate::sandbox::world::ids;
use crate::sandbox::{Fault, Sandbox};

/// The input of `CreatePrivateDnsNamespace`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Create {
    name: String,
    vpc: String,
    description: Option<String>,
    creator_request_id: Option<String>,
}

/// `CreatePrivateDnsNamespace`: a name once a network.
pub fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    let id = format!("ns-{}", ids::lower(16));
    let namespace = Namespace {
        arn: sandbox.config.arn("servicediscovery", &format!("namespace/{id}")),
        name: input.name,
        vpc: input.vpc,
        hosted_zone_id: format!("Z0{}", ids::upper(18)),
        description: input.description,
        creator_request_id: input.creator_request_id.unwrap_or_else(ids::uuid),
        created: sandbox.clock.now(),
        id,
    };
    sandbox.world.write(|world| {
        if !world.ec2.records.contains(&namespace.vpc) {
            return Err(Fault::client("InvalidInput", format!("VPC {} does not exist", namespace.vpc)));
        }
        let state = &mut world.cloudmap;
        if state.namespaces.values().any(|other| other.name == namespace.name && other.vpc == namespace.vpc) {
            let message = format!("Namespace with name {} already exists", namespace.name);
            return Err(Fault::client("NamespaceAlreadyExists", message));
        }
        let answer = operations::record(state, "CREATE_NAMESPACE", &[("NAMESPACE", &namespace.id)], namespace.created);
        state.namespaces.insert(namespace.id.clone(), namespace);
        Ok(answer)
    })
}

/// The fault for a namespace that there is not.
pub fn not_found(id: &str) -> Fault {
    Fault::client("NamespaceNotFound", format!("No namespace with id {id} exists"))
}

fn described(state: &State, namespace: &Namespace) -> Value {
    let services = state.services.values().filter(|service| service.namespace_id == namespace.id).count();
    json!({
        "Id": namespace.id,
        "Arn": namespace.arn,
        "Name": namespace.name,
        "Type": "DNS_PRIVATE",
        "Description": namespace.description,
        "ServiceCount": services,
        "Properties": {
            "DnsProperties": { "HostedZoneId": namespace.hosted_zone_id, "SOA": { "TTL": 15 } },
            "HttpProperties": { "HttpName": namespace.name },
        },
        "CreateDate": epoch_seconds(namespace.created),
    })
}

/// The input of operations on one namespace.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Identified {
    id: String,
}

/// `GetNamespace`.
pub fn get(sandbox: &Arc<Sandbox>, input: Identified) -> Reply {
    sandbox.world.read(|world| {
        let found = world.cloudmap.namespaces.get(&input.id).ok_or_else(|| not_found(&input.id))?;
        let mut namespace = described(&world.cloudmap, found);
        namespace["CreatorRequestId"] = found.creator_request_id.clone().into();
        Ok(json!({ "Namespace": namespace }))
    })
}

/// The input of `ListNamespaces`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    #[serde(default)]
    filters: Vec<Filter>,
}

/// A filter of a List operation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    name: String,
    values: Vec<String>,
}

impl Filter {
    /// Whether a text that the filter looks at is wanted; a filter of another name lets everything through.
    pub fn accepts(&self, name: &str, text: &str) -> bool {
        self.name != name || self.values.iter().any(|value| value == text)
    }
}

/// `ListNamespaces`, all in one page.
pub fn list(sandbox: &Arc<Sandbox>, input: List) -> Value {
    sandbox.world.read(|world| {
        let wanted = world.cloudmap.namespaces.values().filter(|namespace| {
            input
                .filters
                .iter()
                .all(|filter| filter.accepts("NAME", &namespace.name) && filter.accepts("TYPE", "DNS_PRIVATE"))
        });
        json!({ "Namespaces": wanted.map(|namespace| described(&world.cloudmap, namespace)).collect::<Vec<_>>() })
    })
}

/// `DeleteNamespace`: refused while it has services.
pub fn delete(sandbox: &Arc<Sandbox>, input: Identified) -> Reply {
    let now = sandbox.clock.now();
    sandbox.world.write(|world| {
        let (id, state) = (&input.id, &mut world.cloudmap);
        if state.services.values().any(|service| service.namespace_id == *id) {
            let message = format!("The specified namespace (id={id}) contains services, so it can't be deleted.");
            return Err(Fault::client("ResourceInUse", message));
        }
        state.namespaces.remove(id).ok_or_else(|| not_found(id))?;
        Ok(operations::record(state, "DELETE_NAMESPACE", &[("NAMESPACE", id)], now))
    })
}
