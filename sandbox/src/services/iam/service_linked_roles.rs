//! Service-linked roles, which AWS's services create for themselves.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{managed_policies, roles};
use crate::core::OperationResult;
use crate::services::iam::State;
use crate::{Fault, Sandbox};

/// The service-linked roles that can be created: principal, role name, policy. Source: "Using service-linked roles" in
/// each service's guide.
const SERVICE_LINKED_ROLES: &[(&str, &str, &str)] = &[
    ("ecs.amazonaws.com", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"),
    (
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "AWSApplicationAutoscalingECSServicePolicy",
    ),
    (
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
    ),
    ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateServiceLinkedRoleInput {
    #[serde(rename = "AWSServiceName")]
    service: String,
    #[serde(rename = "Description")]
    description: Option<String>,
}

pub(super) fn create(
    sandbox: &Arc<Sandbox>,
    CreateServiceLinkedRoleInput { service, description }: CreateServiceLinkedRoleInput,
) -> OperationResult {
    let (_, name, policy) = SERVICE_LINKED_ROLES
        .iter()
        .find(|(principal, ..)| *principal == service)
        .ok_or_else(|| Fault::not_implemented(&format!("iam:CreateServiceLinkedRole for {service}")))?;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": { "Service": [service] } }],
    });
    let mut role = roles::new(sandbox, (*name).to_owned(), format!("/aws-service-role/{service}/"), trust.to_string());
    role.description = description;
    let policy_path = format!("aws-service-role/{policy}");
    role.attached.push(managed_policies::aws_managed::arn(sandbox.config.partition(), &policy_path));
    sandbox.store.write(|states| {
        if states.of::<State>().roles.contains(name) {
            let message =
                format!("Service role name {name} has been taken in this account, please try a different suffix.");
            return Err(Fault::client("InvalidInput", message));
        }
        states.of_mut::<State>().roles.insert(*name, role.clone());
        let mut output = roles::to_output(&role);
        output["MaxSessionDuration"] = Value::Null;
        Ok(json!({ "Role": output }))
    })
}
