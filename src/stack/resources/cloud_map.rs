//! Cloud Map: the platform's namespace, and the name of a service in it.

use serde_json::{Value, json};

use super::{NAMESPACE, NAMESPACE_SERVICE, Resource};

/// The TTL of DNS records, in seconds; the CDK's default.
const RECORD_TTL: u32 = 60;

/// A private DNS namespace within the VPC.
pub(in crate::stack) fn namespace(name: &str, vpc: &Value) -> Resource {
    NAMESPACE.with(json!({ "Name": name, "Vpc": vpc }))
}

pub(in crate::stack) fn service(name: &str, namespace: &Value) -> Resource {
    NAMESPACE_SERVICE.with(json!({
        "DnsConfig": {
            "DnsRecords": [{ "TTL": RECORD_TTL, "Type": "A" }],
            "NamespaceId": namespace,
            "RoutingPolicy": "MULTIVALUE",
        },
        "HealthCheckCustomConfig": { "FailureThreshold": 1 },
        "Name": name,
        "NamespaceId": namespace,
    }))
}
