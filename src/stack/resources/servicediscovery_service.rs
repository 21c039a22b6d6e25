//! `AWS::ServiceDiscovery::Service`: the name under which tasks are found.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::ServiceDiscovery::Service", required_first: &[] };

/// A record time to live, in seconds; the CDK's default.
const TIME_TO_LIVE: u32 = 60;

/// The service `name` in a namespace.
pub(in crate::stack) fn properties(name: &str, namespace: &Value) -> Value {
    json!({
        "DnsConfig": {
            "DnsRecords": [{ "TTL": TIME_TO_LIVE, "Type": "A" }],
            "NamespaceId": namespace,
            "RoutingPolicy": "MULTIVALUE",
        },
        "HealthCheckCustomConfig": { "FailureThreshold": 1 },
        "Name": name,
        "NamespaceId": namespace,
    })
}
