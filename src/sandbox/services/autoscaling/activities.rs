//! Scaling activities: what was scaled, and why.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DIMENSION, NAMESPACE, invalid_token, limit};
use crate::sandbox::Sandbox;
use crate::sandbox::services::{Reply, paging};
use crate::sandbox::world::clock::epoch_seconds;
use crate::sandbox::world::ids;

/// One scaling activity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Activity {
    /// A UUID.
    pub id: String,
    /// `service/CLUSTER/NAME`.
    pub resource_id: String,
    /// What was done, in AWS's words.
    pub description: String,
    /// Why, in AWS's words.
    pub cause: String,
    /// How it went, in AWS's words.
    pub status_message: String,
    /// When.
    pub at: Timestamp,
}

impl Activity {
    /// A service was scaled to its target's new `bound` (`minimum` or `maximum`).
    pub(super) fn capacity_set(resource_id: &str, count: u64, bound: &str, at: Timestamp) -> Self {
        Self {
            id: ids::uuid(),
            resource_id: resource_id.to_owned(),
            description: format!("Setting desired count to {count}."),
            cause: format!("{bound} capacity was set to {count}"),
            status_message: format!("Successfully set desired count to {count}. Change successfully fulfilled by ecs."),
            at,
        }
    }

    /// Sorts by resource, then by time.
    pub(super) fn key(&self) -> String {
        format!("{}:{:020}:{}", self.resource_id, self.at.as_microsecond(), self.id)
    }

    fn describe(&self) -> Value {
        json!({
            "ActivityId": self.id,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": epoch_seconds(self.at),
            "EndTime": epoch_seconds(self.at),
            "StatusCode": "Successful",
            "StatusMessage": self.status_message,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Describe {
    service_namespace: String,
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// The newest first.
pub(super) fn describe(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    let Describe { service_namespace, resource_id, scalable_dimension, max_results, next_token } = input;
    let limit = limit(max_results)?;
    let here = service_namespace == NAMESPACE && scalable_dimension.is_none_or(|dimension| dimension == DIMENSION);
    let question = format!("DescribeScalingActivities {here} {resource_id:?}");
    let page = sandbox.world.read(|world| {
        let wanted = |activity: &Activity| here && resource_id.as_ref().is_none_or(|id| *id == activity.resource_id);
        let mut rows: Vec<_> = world.autoscaling.activities.iter().filter(|(_, activity)| wanted(activity)).collect();
        rows.sort_by_key(|(_, activity)| std::cmp::Reverse(activity.at));
        let described = rows.into_iter().map(|(key, activity)| (key.to_owned(), activity.describe()));
        paging::page(described, &question, next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "ScalingActivities": page.items, "NextToken": page.next_token }))
}
