//! Application Auto Scaling for ECS services: targets, policies, and the scaling itself.
//!
//! Policies are carried out when an alarm's action names them ([`mod@act`]): their own alarms for target tracking, anybody's for
//! step scaling. What is decided then is arithmetic, in [`decision`].

use std::sync::Arc;

use crate::core::{Service, operation};
use crate::protocol::Protocol;
use crate::store::table::state;
use crate::{Fault, Sandbox};

mod act;
mod activities;
mod alarms;
mod configuration;
mod decision;
mod follow;
mod policies;
mod tags;
mod targets;
#[cfg(test)]
mod tests;

pub use act::{act, is_policy};
pub use activities::Activity;
pub use policies::Policy;
pub use targets::Target;

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "application-autoscaling",
    protocols: &[Protocol::Json11 { target_prefix: "AnyScaleFrontendService" }],
    validation_code: "ValidationException",
    is_for_owner: false,
    prepare: None,
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
    /// What the service remembers.
    pub struct State {
        /// By resource.
        pub targets: Table<Target> = "autoscaling_targets",
        /// By resource and name.
        pub policies: Table<Policy> = "autoscaling_policies",
        /// By resource and time.
        pub activities: Table<Activity> = "autoscaling_activities",
    }
}

/// Follows activities to their end, as long as the sandbox runs.
pub fn start(sandbox: &Arc<Sandbox>) {
    // What the disk refuses now is made up for at the next start.
    let _ = policies::catch_up(sandbox);
    sandbox.spawn_loop("scaling activities", follow::follow);
}

/// What can be scaled here: the desired count of an ECS service.
const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationException", message)
}

/// Refuses what cannot be scaled here, and in AWS's words what cannot be scaled at all.
fn check_place(namespace: &str, resource_id: &str, dimension: &str) -> Result<(), Fault> {
    if namespace != NAMESPACE {
        return Err(Fault::not_implemented(&format!("application-autoscaling of the service namespace {namespace}")));
    }
    let known = dimension == DIMENSION && resource_id.starts_with("service/");
    if known { Ok(()) } else { Err(invalid("Unsupported service namespace, resource type or scalable dimension")) }
}

/// Cluster and name of `service/CLUSTER/NAME`.
fn service_of(resource_id: &str) -> Result<(String, String), Fault> {
    let mut parts = resource_id.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(cluster), Some(name), None) => Ok((cluster.to_owned(), name.to_owned())),
        _ => Err(invalid("Unsupported service namespace, resource type or scalable dimension")),
    }
}

fn not_found(what: &str, resource_id: &str) -> Fault {
    let message = format!(
        "No {what} for service namespace: {NAMESPACE}, resource ID: {resource_id}, scalable dimension: {DIMENSION}"
    );
    Fault::not_found("ObjectNotFoundException", message)
}

/// How many results a page has: 1 to 50.
fn limit(max_results: Option<usize>) -> Result<usize, Fault> {
    match max_results {
        None => Ok(50),
        Some(limit @ 1..=50) => Ok(limit),
        Some(_) => Err(invalid("MaxResults must be between 1 and 50")),
    }
}

fn invalid_token(_: crate::base::paging::InvalidToken) -> Fault {
    Fault::client("InvalidNextTokenException", "The next token supplied was invalid")
}
