//! Scaling activities: what was scaled or not scaled, and why. The newest hundred of each resource are kept.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decision::Reason;
use super::{DIMENSION, NAMESPACE, invalid_token, is_served, limit};
use crate::Sandbox;
use crate::base::clock::epoch_seconds;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::services::autoscaling::State;
use crate::store::States;

/// AWS keeps activities for six weeks instead.
const MAX_ACTIVITIES: usize = 100;

/// The status of an activity (`ScalingActivityStatusCode` in the API reference).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ActivityStatus {
    /// The service is not running the new count yet.
    InProgress,
    /// The service is running the new count.
    #[default]
    Successful,
    /// Another count was set before the service reached this one.
    Overridden,
    /// The service was deleted before it reached the count.
    Unfulfilled,
    /// Nothing was scaled.
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Activity {
    /// A UUID.
    pub id: String,
    /// `service/CLUSTER/NAME`.
    pub resource_id: String,
    /// AWS's description of the change.
    pub description: String,
    /// AWS's description of the cause.
    pub cause: String,
    /// AWS's description of the result; empty if nothing was scaled.
    pub status_message: String,
    pub at: Timestamp,
    /// Activities of older versions have none: all of them were successful.
    #[serde(default)]
    pub status: ActivityStatus,
    /// When it ended; for activities of older versions, when it began.
    #[serde(default)]
    pub ended: Option<Timestamp>,
    /// The count that was set.
    #[serde(default)]
    pub count: Option<u32>,
    #[serde(default)]
    pub not_scaled: Option<Reason>,
}

impl Activity {
    /// A service's desired count was set.
    pub(super) fn scaled(resource_id: &str, count: u32, cause: &str, at: Timestamp) -> Self {
        Self {
            id: ids::uuid(),
            resource_id: resource_id.to_owned(),
            description: format!("Setting desired count to {count}."),
            cause: cause.to_owned(),
            status_message: format!(
                "Successfully set desired count to {count}. Waiting for change to be fulfilled by ecs."
            ),
            at,
            status: ActivityStatus::InProgress,
            ended: None,
            count: Some(count),
            not_scaled: None,
        }
    }

    /// ECS refused a count. Source of the message: an example of a failed activity in the ElastiCache user guide
    /// ("Application Auto Scaling").
    pub(super) fn failed(resource_id: &str, count: u32, cause: &str, reason: &str, at: Timestamp) -> Self {
        Self {
            status_message: format!("Failed to set desired count to {count}. Reason: {reason}"),
            status: ActivityStatus::Failed,
            ended: Some(at),
            ..Self::scaled(resource_id, count, cause, at)
        }
    }

    /// Nothing was scaled. Source: "Scaling activities for Application Auto Scaling" in the user guide.
    pub(super) fn not_scaled(resource_id: &str, cause: &str, reason: Reason, at: Timestamp) -> Self {
        Self {
            id: ids::uuid(),
            resource_id: resource_id.to_owned(),
            description: "Attempting to scale due to alarm triggered".to_owned(),
            cause: cause.to_owned(),
            status_message: String::new(),
            at,
            status: ActivityStatus::Failed,
            ended: None,
            count: None,
            not_scaled: Some(reason),
        }
    }

    /// Stores the activity, and deletes the oldest ones.
    pub(super) fn store(self, states: &mut States) {
        let activities = &mut states.of_mut::<State>().activities;
        let prefix = prefix(&self.resource_id);
        activities.insert(self.key(), self);
        let all: Vec<String> = activities.with_prefix(&prefix).map(|(key, _)| key.to_owned()).collect();
        for key in all.iter().rev().skip(MAX_ACTIVITIES) {
            activities.remove(key);
        }
    }

    pub(super) fn end(&mut self, status: ActivityStatus, message: String, now: Timestamp) {
        self.status = status;
        self.status_message = message;
        self.ended = Some(now);
    }

    /// Sorts by resource, then by time.
    fn key(&self) -> String {
        format!("{}{:020}:{}", prefix(&self.resource_id), self.at.as_microsecond(), self.id)
    }

    fn to_output(&self) -> Value {
        let ended = match self.status {
            ActivityStatus::Successful => self.ended.or(Some(self.at)),
            _ => self.ended,
        };
        let message = Some(&self.status_message).filter(|message| !message.is_empty());
        json!({
            "ActivityId": self.id,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": DIMENSION,
            "Description": self.description,
            "Cause": self.cause,
            "StartTime": epoch_seconds(self.at),
            "EndTime": ended.map(epoch_seconds),
            "StatusCode": self.status,
            "StatusMessage": message,
            "NotScaledReasons": self.not_scaled.map(|reason| vec![to_output(reason)]),
        })
    }
}

/// The prefix of the keys of a resource's activities.
fn prefix(resource_id: &str) -> String {
    format!("{resource_id}:")
}

/// Whether the same failure has been recorded since the last scaling: repeated triggers of an alarm are recorded only
/// once.
pub(super) fn is_recorded(states: &States, resource_id: &str, cause: &str, reason: Reason) -> bool {
    let newest = states.of::<State>().activities.with_prefix(&prefix(resource_id)).rev().map(|(_, activity)| activity);
    let mut in_vain = newest.take_while(|activity| activity.not_scaled.is_some());
    in_vain.any(|activity| activity.not_scaled == Some(reason) && activity.cause == cause)
}

fn to_output(reason: Reason) -> Value {
    match reason {
        Reason::AutoScalingAnticipatedFlapping => json!({ "Code": "AutoScalingAnticipatedFlapping" }),
        Reason::TargetServicePutResourceAsUnscalable => json!({ "Code": "TargetServicePutResourceAsUnscalable" }),
        Reason::AlreadyAtMaxCapacity(max) => json!({ "Code": "AlreadyAtMaxCapacity", "MaxCapacity": max }),
        Reason::AlreadyAtMinCapacity(min) => json!({ "Code": "AlreadyAtMinCapacity", "MinCapacity": min }),
        Reason::AlreadyAtDesiredCapacity(count) => {
            json!({ "Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": count })
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeScalingActivitiesInput {
    service_namespace: String,
    resource_id: Option<String>,
    scalable_dimension: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
    #[serde(default)]
    include_not_scaled_activities: bool,
}

/// Describes the newest first.
pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeScalingActivitiesInput) -> OperationResult {
    let limit = limit(input.max_results)?;
    let DescribeScalingActivitiesInput {
        service_namespace,
        resource_id,
        scalable_dimension,
        include_not_scaled_activities,
        ..
    } = input;
    let is_served = is_served(&service_namespace, scalable_dimension.as_deref());
    let query = format!("DescribeScalingActivities {is_served} {resource_id:?} {include_not_scaled_activities}");
    let page = sandbox.store.read(|states| {
        let matches = |activity: &Activity| {
            is_served
                && resource_id.as_ref().is_none_or(|id| *id == activity.resource_id)
                && (include_not_scaled_activities || activity.not_scaled.is_none())
        };
        let mut rows: Vec<_> =
            states.of::<State>().activities.iter().filter(|(_, activity)| matches(activity)).collect();
        rows.sort_by_key(|(_, activity)| std::cmp::Reverse(activity.at));
        let outputs = rows.into_iter().map(|(key, activity)| (key.to_owned(), activity.to_output()));
        paging::page(outputs, &query, input.next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "ScalingActivities": page.items, "NextToken": page.next_token }))
}
