//! `AWS::ECS::Cluster`: the cluster of the platform.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::ECS::Cluster", required_first: &[] };

/// A cluster, with or without Container Insights.
pub(in crate::stack) fn properties(name: &str, container_insights: bool) -> Value {
    let insights = if container_insights { "enabled" } else { "disabled" };
    json!({ "ClusterName": name, "ClusterSettings": [{ "Name": "containerInsights", "Value": insights }] })
}
