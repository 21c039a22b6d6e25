//! Inline policies of roles, and managed policies that are attached to them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::{self, Purpose};
use super::managed_policies::check_attachable;
use super::marker_paging::Paging;
use super::names::{check_name, root_path};
use super::no_such_entity;
use super::roles::{find, find_mut};
use crate::core::OperationResult;
use crate::services::iam::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutRolePolicyInput {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

/// `PutRolePolicy`: adds a policy, or replaces the one with the same name.
pub(super) fn put(sandbox: &Arc<Sandbox>, input: PutRolePolicyInput) -> OperationResult {
    check_name("policyName", &input.policy_name, 128)?;
    documents::check(&input.policy_document, Purpose::Inline)?;
    sandbox.store.write(|states| {
        let role = find_mut(states.of_mut::<State>(), &input.role_name)?;
        role.inline.insert(input.policy_name, input.policy_document);
        documents::quota::check_inline(&role.name, &role.inline)?;
        Ok(Value::Null)
    })
}

/// The input of operations on one inline policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InlinePolicyInput {
    role_name: String,
    policy_name: String,
}

fn no_such_policy(name: &str) -> Fault {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: InlinePolicyInput) -> OperationResult {
    sandbox.store.read(|states| {
        let role = find(states.of::<State>(), &input.role_name)?;
        let document = role.inline.get(&input.policy_name).ok_or_else(|| no_such_policy(&input.policy_name))?;
        let InlinePolicyInput { role_name, policy_name } = &input;
        Ok(json!({ "RoleName": role_name, "PolicyName": policy_name, "PolicyDocument": documents::encode(document) }))
    })
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, input: InlinePolicyInput) -> OperationResult {
    sandbox.store.write(|states| {
        let removed = find_mut(states.of_mut::<State>(), &input.role_name)?.inline.remove(&input.policy_name);
        removed.map(|_| Value::Null).ok_or_else(|| no_such_policy(&input.policy_name))
    })
}

/// The input of the List operations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListRolePoliciesInput {
    role_name: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListRolePoliciesInput) -> OperationResult {
    sandbox.store.read(|states| {
        let ListRolePoliciesInput { role_name, marker, max_items } = input;
        let names = find(states.of::<State>(), &role_name)?.inline.keys().map(|name| (name.clone(), json!(name)));
        Paging::new(marker, max_items).page_response(&format!("ListRolePolicies {role_name}"), "PolicyNames", names)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListAttachedRolePoliciesInput {
    role_name: String,
    #[serde(default = "root_path")]
    path_prefix: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list_attached(sandbox: &Arc<Sandbox>, input: ListAttachedRolePoliciesInput) -> OperationResult {
    let ListAttachedRolePoliciesInput { role_name, path_prefix, marker, max_items } = input;
    sandbox.store.read(|states| {
        let attached = find(states.of::<State>(), &role_name)?.attached.iter();
        let in_path =
            |arn: &&String| arn.split_once(":policy").is_some_and(|(_, place)| place.starts_with(&path_prefix));
        let policies = attached.filter(in_path).map(|arn| {
            let name = arn.rsplit('/').next().unwrap_or_default();
            (arn.clone(), json!({ "PolicyName": name, "PolicyArn": arn }))
        });
        let query = format!("ListAttachedRolePolicies {role_name} {path_prefix}");
        Paging::new(marker, max_items).page_response(&query, "AttachedPolicies", policies)
    })
}

/// The input of `AttachRolePolicy` and `DetachRolePolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RolePolicyAttachmentInput {
    role_name: String,
    policy_arn: String,
}

/// How many managed policies a role may have (IAM quotas).
const MAX_ATTACHED: usize = 10;

/// `AttachRolePolicy`, with a policy of AWS's or of the account's.
pub(super) fn attach(sandbox: &Arc<Sandbox>, input: RolePolicyAttachmentInput) -> OperationResult {
    sandbox.store.write(|states| {
        check_attachable(states.of::<State>(), &input.policy_arn)?;
        let attached = &mut find_mut(states.of_mut::<State>(), &input.role_name)?.attached;
        if attached.contains(&input.policy_arn) {
            return Ok(Value::Null);
        }
        if attached.len() >= MAX_ATTACHED {
            let message = format!("Cannot exceed quota for PoliciesPerRole: {MAX_ATTACHED}");
            return Err(Fault::limit_exceeded("LimitExceeded", message).with_status(409));
        }
        attached.push(input.policy_arn);
        Ok(Value::Null)
    })
}

pub(super) fn detach(sandbox: &Arc<Sandbox>, input: RolePolicyAttachmentInput) -> OperationResult {
    sandbox.store.write(|states| {
        let attached = &mut find_mut(states.of_mut::<State>(), &input.role_name)?.attached;
        if !attached.contains(&input.policy_arn) {
            return Err(no_such_entity(format!("Policy {} was not found.", input.policy_arn)));
        }
        attached.retain(|arn| *arn != input.policy_arn);
        Ok(Value::Null)
    })
}
