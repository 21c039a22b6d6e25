//! Roles: create, get, list, update, delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::{self, Purpose};
use super::managed_policies::check_attachable;
use super::marker_paging::Paging;
use super::names::{check_name, check_path, check_path_prefix, root_path};
use super::{Role, State, no_such_entity, tags};
use crate::base::clock::epoch_seconds;
use crate::base::ids;
use crate::base::tags::{Tag, TagMap, from_map, to_map};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

fn no_such_role(name: &str) -> Fault {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

pub(super) fn find<'a>(state: &'a State, name: &str) -> Result<&'a Role, Fault> {
    state.roles.get(name).ok_or_else(|| no_such_role(name))
}

/// A role, for changing it.
pub(super) fn find_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Role, Fault> {
    find(state, name)?;
    state.roles.get_mut(name).ok_or_else(|| no_such_role(name))
}

/// A role, as responses show it.
pub(super) fn to_output(role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": epoch_seconds(role.created),
        "AssumeRolePolicyDocument": documents::encode(&role.assume_role_policy),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
        "PermissionsBoundary": role.boundary.as_ref().map(|arn| {
            json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn })
        }),
        "Tags": if role.tags.is_empty() { Value::Null } else { json!(from_map(&role.tags)) },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateRoleInput {
    role_name: String,
    assume_role_policy_document: String,
    #[serde(default = "root_path")]
    path: String,
    description: Option<String>,
    #[serde(default = "one_hour")]
    max_session_duration: u32,
    permissions_boundary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

fn one_hour() -> u32 {
    3600
}

/// A role with only its trust policy.
pub(super) fn new(sandbox: &Sandbox, name: String, path: String, assume_role_policy: String) -> Role {
    Role {
        arn: sandbox.config.global_arn("iam", &format!("role{path}{name}")),
        id: format!("AROA{}", ids::random_upper(17)),
        created: sandbox.clock.now(),
        description: None,
        max_session_duration: one_hour(),
        inline: BTreeMap::new(),
        attached: Vec::new(),
        tags: TagMap::new(),
        boundary: None,
        name,
        path,
        assume_role_policy,
    }
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateRoleInput) -> OperationResult {
    check_name("roleName", &input.role_name, 64)?;
    check_path(&input.path)?;
    tags::check(&input.tags)?;
    documents::check(&input.assume_role_policy_document, Purpose::Trust)?;
    documents::quota::check_trust(&input.assume_role_policy_document)?;
    let mut role = new(sandbox, input.role_name, input.path, input.assume_role_policy_document);
    role.description = input.description;
    role.max_session_duration = input.max_session_duration;
    role.tags = to_map(input.tags);
    role.boundary = input.permissions_boundary;
    sandbox.store.write(|states| {
        if states.of::<State>().roles.contains(&role.name) {
            let message = format!("Role with name {} already exists.", role.name);
            return Err(Fault::already_exists("EntityAlreadyExists", message).with_status(409));
        }
        if let Some(arn) = &role.boundary {
            check_attachable(states.of::<State>(), arn)?;
        }
        documents::trust_policy::check_principals(&role.assume_role_policy, states.of::<State>(), &sandbox.config)?;
        states.of_mut::<State>().roles.insert(role.name.clone(), role.clone());
        let mut output = to_output(&role);
        // GetRole and ListRoles show it, CreateRole does not.
        output["MaxSessionDuration"] = Value::Null;
        Ok(json!({ "Role": output }))
    })
}

/// The input of operations on one role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RoleInput {
    role_name: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: RoleInput) -> OperationResult {
    sandbox.store.read(|states| {
        let mut output = to_output(find(states.of::<State>(), &input.role_name)?);
        output["RoleLastUsed"] = json!({});
        Ok(json!({ "Role": output }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListRolesInput {
    #[serde(default = "root_path")]
    path_prefix: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

/// `ListRoles`, which shows neither tags nor permissions boundaries.
pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListRolesInput) -> OperationResult {
    check_path_prefix(&input.path_prefix, false)?;
    sandbox.store.read(|states| {
        let roles = states.of::<State>().roles.values().filter(|role| role.path.starts_with(&input.path_prefix));
        let roles = roles.map(|role| {
            let mut output = to_output(role);
            output["Tags"] = Value::Null;
            output["PermissionsBoundary"] = Value::Null;
            (role.name.clone(), output)
        });
        let paging = Paging::new(input.marker, input.max_items);
        paging.page_response(&format!("ListRoles {}", input.path_prefix), "Roles", roles)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateAssumeRolePolicyInput {
    role_name: String,
    policy_document: String,
}

pub(super) fn update_assume_role_policy(sandbox: &Arc<Sandbox>, input: UpdateAssumeRolePolicyInput) -> OperationResult {
    documents::check(&input.policy_document, Purpose::Trust)?;
    documents::quota::check_trust(&input.policy_document)?;
    sandbox.store.write(|states| {
        find(states.of::<State>(), &input.role_name)?;
        documents::trust_policy::check_principals(&input.policy_document, states.of::<State>(), &sandbox.config)?;
        find_mut(states.of_mut::<State>(), &input.role_name)?.assume_role_policy = input.policy_document;
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateRoleInput {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
}

pub(super) fn update(sandbox: &Arc<Sandbox>, input: UpdateRoleInput) -> OperationResult {
    sandbox.store.write(|states| {
        let role = find_mut(states.of_mut::<State>(), &input.role_name)?;
        role.description = input.description.or(role.description.take());
        role.max_session_duration = input.max_session_duration.unwrap_or(role.max_session_duration);
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateRoleDescriptionInput {
    role_name: String,
    description: String,
}

pub(super) fn update_description(sandbox: &Arc<Sandbox>, input: UpdateRoleDescriptionInput) -> OperationResult {
    sandbox.store.write(|states| {
        let role = find_mut(states.of_mut::<State>(), &input.role_name)?;
        role.description = Some(input.description);
        Ok(json!({ "Role": to_output(role) }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutRolePermissionsBoundaryInput {
    role_name: String,
    permissions_boundary: String,
}

pub(super) fn put_boundary(
    sandbox: &Arc<Sandbox>,
    PutRolePermissionsBoundaryInput { role_name, permissions_boundary: arn }: PutRolePermissionsBoundaryInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        find(states.of::<State>(), &role_name)?;
        check_attachable(states.of::<State>(), &arn)?;
        find_mut(states.of_mut::<State>(), &role_name)?.boundary = Some(arn);
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteRolePermissionsBoundaryInput {
    role_name: String,
}

pub(super) fn delete_boundary(
    sandbox: &Arc<Sandbox>,
    DeleteRolePermissionsBoundaryInput { role_name }: DeleteRolePermissionsBoundaryInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        find_mut(states.of_mut::<State>(), &role_name)?.boundary = None;
        Ok(Value::Null)
    })
}

/// `DeleteRole`: refused while the role has policies or is in an instance profile.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: RoleInput) -> OperationResult {
    sandbox.store.write(|states| {
        let role = find(states.of::<State>(), &input.role_name)?;
        if role.path.starts_with("/aws-service-role/") {
            let message = format!(
                "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
                role.name
            );
            return Err(Fault::client("UnmodifiableEntity", message));
        }
        let conflict = if !role.attached.is_empty() {
            Some("must detach all policies first.")
        } else if !role.inline.is_empty() {
            Some("must delete policies first.")
        } else if states
            .of::<State>()
            .instance_profiles
            .values()
            .any(|profile| profile.role.as_ref() == Some(&role.name))
        {
            Some("must remove roles from instance profile first.")
        } else {
            None
        };
        if let Some(what) = conflict {
            return Err(Fault::new(409, "DeleteConflict", format!("Cannot delete entity, {what}")));
        }
        states.of_mut::<State>().roles.remove(&input.role_name);
        Ok(Value::Null)
    })
}
