//! Instance profiles, which pass a role to an instance.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::marker_paging::Paging;
use super::names::{check_name, check_path, check_path_prefix, root_path};
use super::roles::{find as find_role, to_output as described_role};
use super::{InstanceProfile, State, no_such_entity};
use crate::base::clock::epoch_seconds;
use crate::base::ids;
use crate::base::tags::Tag;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

fn no_such_profile(name: &str) -> Fault {
    no_such_entity(format!("Instance Profile {name} cannot be found."))
}

fn find_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut InstanceProfile, Fault> {
    state.instance_profiles.get_mut(name).ok_or_else(|| no_such_profile(name))
}

fn to_output(state: &State, profile: &InstanceProfile) -> Value {
    let role = profile.role.as_deref().and_then(|name| state.roles.get(name));
    json!({
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": epoch_seconds(profile.created),
        "Tags": (!profile.tags.is_empty()).then_some(&profile.tags),
        "Roles": role.into_iter().map(described_role).collect::<Vec<_>>(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateInstanceProfileInput {
    instance_profile_name: String,
    #[serde(default = "root_path")]
    path: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateInstanceProfileInput) -> OperationResult {
    let CreateInstanceProfileInput { instance_profile_name: name, path, tags } = input;
    check_name("instanceProfileName", &name, 128)?;
    check_path(&path)?;
    super::tags::check(&tags)?;
    let arn = sandbox.config.global_arn("iam", &format!("instance-profile{path}{name}"));
    let id = format!("AIPA{}", ids::random_upper(17));
    let profile = InstanceProfile { arn, id, created: sandbox.clock.now(), role: None, name, path, tags };
    sandbox.store.write(|states| {
        if states.of::<State>().instance_profiles.contains(&profile.name) {
            let message = format!("Instance Profile {} already exists.", profile.name);
            return Err(Fault::already_exists("EntityAlreadyExists", message).with_status(409));
        }
        states.of_mut::<State>().instance_profiles.insert(profile.name.clone(), profile.clone());
        Ok(json!({ "InstanceProfile": to_output(states.of::<State>(), &profile) }))
    })
}

/// The input of operations on one profile.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InstanceProfileInput {
    instance_profile_name: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: InstanceProfileInput) -> OperationResult {
    sandbox.store.read(|states| {
        let name = &input.instance_profile_name;
        let profile = states.of::<State>().instance_profiles.get(name).ok_or_else(|| no_such_profile(name))?;
        Ok(json!({ "InstanceProfile": to_output(states.of::<State>(), profile) }))
    })
}

/// `DeleteInstanceProfile`: refused while it has a role.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: InstanceProfileInput) -> OperationResult {
    sandbox.store.write(|states| {
        if find_mut(states.of_mut::<State>(), &input.instance_profile_name)?.role.is_some() {
            let message = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(Fault::new(409, "DeleteConflict", message));
        }
        states.of_mut::<State>().instance_profiles.remove(&input.instance_profile_name);
        Ok(Value::Null)
    })
}

/// The input of `AddRoleToInstanceProfile` and `RemoveRoleFromInstanceProfile`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InstanceProfileRoleInput {
    instance_profile_name: String,
    role_name: String,
}

/// `AddRoleToInstanceProfile`. A profile has at most one role.
pub(super) fn add_role(sandbox: &Arc<Sandbox>, input: InstanceProfileRoleInput) -> OperationResult {
    sandbox.store.write(|states| {
        find_role(states.of::<State>(), &input.role_name)?;
        let profile = find_mut(states.of_mut::<State>(), &input.instance_profile_name)?;
        if profile.role.is_some() {
            let message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
            return Err(Fault::limit_exceeded("LimitExceeded", message).with_status(409));
        }
        profile.role = Some(input.role_name);
        Ok(Value::Null)
    })
}

pub(super) fn remove_role(sandbox: &Arc<Sandbox>, input: InstanceProfileRoleInput) -> OperationResult {
    sandbox.store.write(|states| {
        let profile = find_mut(states.of_mut::<State>(), &input.instance_profile_name)?;
        if profile.role.as_ref() != Some(&input.role_name) {
            return Err(no_such_entity(format!("The role with name {} cannot be found.", input.role_name)));
        }
        profile.role = None;
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListInstanceProfilesForRoleInput {
    role_name: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list_for_role(
    sandbox: &Arc<Sandbox>,
    ListInstanceProfilesForRoleInput { role_name, marker, max_items }: ListInstanceProfilesForRoleInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        find_role(states.of::<State>(), &role_name)?;
        let profiles =
            states.of::<State>().instance_profiles.values().filter(|profile| profile.role.as_ref() == Some(&role_name));
        let query = format!("ListInstanceProfilesForRole {role_name}");
        Paging::new(marker, max_items).page_response(&query, "InstanceProfiles", listed(states.of::<State>(), profiles))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListInstanceProfilesInput {
    #[serde(default = "root_path")]
    path_prefix: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list(
    sandbox: &Arc<Sandbox>,
    ListInstanceProfilesInput { path_prefix, marker, max_items }: ListInstanceProfilesInput,
) -> OperationResult {
    check_path_prefix(&path_prefix, false)?;
    sandbox.store.read(|states| {
        let profiles =
            states.of::<State>().instance_profiles.values().filter(|profile| profile.path.starts_with(&path_prefix));
        let query = format!("ListInstanceProfiles {path_prefix}");
        Paging::new(marker, max_items).page_response(&query, "InstanceProfiles", listed(states.of::<State>(), profiles))
    })
}

/// Profiles in the form of lists, which leave out tags, with their names.
fn listed<'a>(
    state: &'a State,
    profiles: impl Iterator<Item = &'a InstanceProfile>,
) -> impl Iterator<Item = (String, Value)> {
    profiles.map(|profile| {
        let mut output = to_output(state, profile);
        output["Tags"] = Value::Null;
        (profile.name.clone(), output)
    })
}
