//! Application Auto Scaling for ECS services: targets, policies and scaling.
//!
//! Policies are executed when an alarm's action names them ([`policy_execution`]): the alarms of target tracking policies are
//! created with them, those for step scaling by users. The decision is plain arithmetic, in [`decision`].

use std::sync::Arc;

use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;
use crate::{Fault, Sandbox};

mod activities;
mod activity_completion;
mod alarms;
mod configuration;
mod decision;
mod policies;
mod policy_execution;
mod tags;
mod targets;
#[cfg(test)]
mod tests;

pub(crate) use activities::Activity;
pub(crate) use policies::{ScalingPolicy, create_missing_alarms};
pub(crate) use policy_execution::{execute, is_policy};
pub(crate) use targets::ScalableTarget;

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "application-autoscaling",
    protocols: &[Protocol::Json11 { target_prefix: "AnyScaleFrontendService" }],
    validation_code: "ValidationException",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("DeleteScalingPolicy" => policies::delete),
        operation!("DeregisterScalableTarget" => targets::deregister),
        operation!("DescribeScalableTargets" => targets::describe),
        operation!("DescribeScalingActivities" => activities::describe),
        operation!("DescribeScalingPolicies" => policies::describe),
        operation!("ListTagsForResource" => tags::list),
        operation!("PutScalingPolicy" => policies::put),
        operation!("RegisterScalableTarget" => targets::register),
        operation!("TagResource" => tags::add),
        operation!("UntagResource" => tags::remove),
    ],
};

state! {
    pub struct State {
        /// By resource id.
        pub targets: Table<ScalableTarget> = "autoscaling_targets",
        /// By resource id and name.
        pub policies: Table<ScalingPolicy> = "autoscaling_policies",
        /// By resource id and time.
        pub activities: Table<Activity> = "autoscaling_activities",
    }
}

/// Starts the loop that completes scaling activities.
pub(crate) fn follow_activities(sandbox: &Arc<Sandbox>) {
    sandbox.spawn_loop("scaling activities", activity_completion::follow);
}

/// The service namespace that is served.
const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

/// Whether filters of a description include the scalable targets that are served.
fn is_served(namespace: &str, dimension: Option<&str>) -> bool {
    namespace == NAMESPACE && dimension.is_none_or(|dimension| dimension == DIMENSION)
}

fn validation_exception(message: impl Into<String>) -> Fault {
    Fault::client("ValidationException", message)
}

/// Refuses targets that are not served, and with AWS's message those that do not exist.
fn check_target(namespace: &str, resource_id: &str, dimension: &str) -> Result<(), Fault> {
    if namespace != NAMESPACE {
        return Err(Fault::not_implemented(&format!("application-autoscaling of the service namespace {namespace}")));
    }
    let is_supported = dimension == DIMENSION && resource_id.starts_with("service/");
    if is_supported {
        Ok(())
    } else {
        Err(validation_exception("Unsupported service namespace, resource type or scalable dimension"))
    }
}

/// The cluster and the service of `service/CLUSTER/NAME`.
fn service_of(resource_id: &str) -> Result<(String, String), Fault> {
    let mut parts = resource_id.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(cluster), Some(name), None) => Ok((cluster.to_owned(), name.to_owned())),
        _ => Err(validation_exception("Unsupported service namespace, resource type or scalable dimension")),
    }
}

fn not_found(what: &str, resource_id: &str) -> Fault {
    let message = format!(
        "No {what} for service namespace: {NAMESPACE}, resource ID: {resource_id}, scalable dimension: {DIMENSION}"
    );
    Fault::not_found("ObjectNotFoundException", message)
}

/// Checks the page size: 1 to 50.
fn limit(max_results: Option<usize>) -> Result<usize, Fault> {
    match max_results {
        None => Ok(50),
        Some(limit @ 1..=50) => Ok(limit),
        Some(_) => Err(validation_exception("MaxResults must be between 1 and 50")),
    }
}

fn invalid_token(_: crate::base::paging::InvalidToken) -> Fault {
    Fault::client("InvalidNextTokenException", "The next token supplied was invalid")
}
