//! Lists of managed policies and of the roles that use them.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::aws_managed::{self, AwsPolicy};
use super::{ManagedPolicy, aws_managed_to_output, check_arn, managed_to_output, not_found, to_output};
use crate::Sandbox;
use crate::core::OperationResult;
use crate::services::iam::State;
use crate::services::iam::marker_paging::Paging;
use crate::services::iam::names::{check_path_prefix, root_path};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ListPoliciesInput {
    #[serde(default = "all_scopes")]
    scope: String,
    #[serde(default)]
    only_attached: bool,
    #[serde(default = "root_path")]
    path_prefix: String,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

fn all_scopes() -> String {
    "All".to_owned()
}

/// The number of roles that have a policy attached, and that have it as their permissions boundary, by its ARN.
type Uses = HashMap<String, (usize, usize)>;

fn all_uses(state: &State) -> Uses {
    let mut uses = Uses::new();
    for role in state.roles.values() {
        for arn in &role.attached {
            uses.entry(arn.clone()).or_default().0 += 1;
        }
        if let Some(arn) = &role.boundary {
            uses.entry(arn.clone()).or_default().1 += 1;
        }
    }
    uses
}

enum Listed {
    Own(Box<ManagedPolicy>),
    Aws(&'static AwsPolicy),
}

/// `ListPolicies`, which shows neither tags nor descriptions.
pub(crate) fn list(sandbox: &Arc<Sandbox>, input: ListPoliciesInput) -> OperationResult {
    let ListPoliciesInput { scope, only_attached, path_prefix, policy_usage_filter: usage, marker, max_items } = input;
    check_path_prefix(&path_prefix, true)?;
    let query = format!("ListPolicies {scope} {only_attached} {path_prefix} {usage:?}");
    // AWS's own policies are many, so they are listed without holding the lock.
    let (uses, own) = sandbox.store.read(|states| {
        let policies =
            states.of::<State>().managed_policies.iter().filter(|(_, policy)| policy.path.starts_with(&path_prefix));
        let own: Vec<_> =
            policies.map(|(arn, policy)| (arn.to_owned(), Listed::Own(Box::new(policy.clone())))).collect();
        (all_uses(states.of::<State>()), own)
    });
    let partition = sandbox.config.partition();
    let aws_policies = aws_managed::all().filter(|policy| policy.path().starts_with(&path_prefix));
    let aws = aws_policies.map(|policy| (policy.arn(partition), Listed::Aws(policy)));
    let uses_of = |arn: &str| uses.get(arn).copied().unwrap_or_default();
    let is_listed = |(arn, _): &(String, Listed)| {
        let (attached, bounding) = uses_of(arn);
        (!only_attached || attached > 0)
            && match usage.as_deref() {
                Some("PermissionsBoundary") => bounding > 0,
                Some(_) => attached > 0,
                None => true,
            }
    };
    let all = own.into_iter().filter(|_| scope != "AWS").chain(aws.filter(|_| scope != "Local")).filter(is_listed);
    Paging::new(marker, max_items).page_response_with(&query, "Policies", all, |arn, policy| {
        let mut output = match policy {
            Listed::Own(policy) => managed_to_output(&policy, &arn, uses_of(&arn)),
            Listed::Aws(policy) => aws_managed_to_output(policy, &arn, uses_of(&arn)),
        };
        output["Tags"] = Value::Null;
        output["Description"] = Value::Null;
        output
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ListEntitiesForPolicyInput {
    policy_arn: String,
    entity_filter: Option<String>,
    #[serde(default = "root_path")]
    path_prefix: String,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

/// `ListEntitiesForPolicy`. The sandbox has no users and no groups.
pub(crate) fn list_entities(sandbox: &Arc<Sandbox>, input: ListEntitiesForPolicyInput) -> OperationResult {
    let ListEntitiesForPolicyInput {
        policy_arn: arn,
        entity_filter,
        path_prefix,
        policy_usage_filter: usage,
        marker,
        max_items,
    } = input;
    check_arn(&arn)?;
    let roles_too = entity_filter.as_deref().is_none_or(|filter| filter == "Role");
    let query = format!("ListEntitiesForPolicy {arn} {entity_filter:?} {path_prefix} {usage:?}");
    sandbox.store.read(|states| {
        to_output(states.of::<State>(), &arn).ok_or_else(|| not_found(&arn))?;
        let roles = states.of::<State>().roles.values().filter(|role| {
            let has = if usage.as_deref() == Some("PermissionsBoundary") {
                role.boundary.as_ref() == Some(&arn)
            } else {
                role.attached.contains(&arn)
            };
            roles_too && has && role.path.starts_with(&path_prefix)
        });
        let roles = roles.map(|role| (role.name.clone(), json!({ "RoleName": role.name, "RoleId": role.id })));
        let mut response = Paging::new(marker, max_items).page_response(&query, "PolicyRoles", roles)?;
        response["PolicyGroups"] = json!([]);
        response["PolicyUsers"] = json!([]);
        Ok(response)
    })
}
