//! Instance profiles: a role, as an instance takes it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::roles::{check_name, described as described_role, find as find_role, no_such_entity, root_path};
use super::{InstanceProfile, State};
use crate::sandbox::services::Reply;
use crate::sandbox::world::clock::iso8601;
use crate::sandbox::world::ids;
use crate::sandbox::{Fault, Sandbox};

fn no_such_profile(name: &str) -> Fault {
    no_such_entity(format!("Instance Profile {name} cannot be found."))
}

fn find_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut InstanceProfile, Fault> {
    state.instance_profiles.get_mut(name).ok_or_else(|| no_such_profile(name))
}

fn described(state: &State, profile: &InstanceProfile) -> Value {
    let role = profile.role.as_deref().and_then(|name| state.roles.get(name));
    json!({
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.id,
        "Arn": profile.arn,
        "CreateDate": iso8601(profile.created),
        "Roles": role.into_iter().map(described_role).collect::<Vec<_>>(),
    })
}

/// The input of `CreateInstanceProfile`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Create {
    instance_profile_name: String,
    #[serde(default = "root_path")]
    path: String,
}

/// `CreateInstanceProfile`.
pub fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    let Create { instance_profile_name: name, path } = input;
    check_name("instanceProfileName", &name, 128)?;
    let arn = sandbox.config.global_arn("iam", &format!("instance-profile{path}{name}"));
    let id = format!("AIPA{}", ids::upper(17));
    let profile = InstanceProfile { arn, id, created: sandbox.clock.now(), role: None, name, path };
    sandbox.world.write(|world| {
        if world.iam.instance_profiles.contains(&profile.name) {
            let message = format!("Instance Profile {} already exists.", profile.name);
            return Err(Fault::new(409, "EntityAlreadyExists", message));
        }
        world.iam.instance_profiles.insert(profile.name.clone(), profile.clone());
        Ok(json!({ "InstanceProfile": described(&world.iam, &profile) }))
    })
}

/// The input of operations on one profile.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    instance_profile_name: String,
}

/// `GetInstanceProfile`.
pub fn get(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    sandbox.world.read(|world| {
        let name = &input.instance_profile_name;
        let profile = world.iam.instance_profiles.get(name).ok_or_else(|| no_such_profile(name))?;
        Ok(json!({ "InstanceProfile": described(&world.iam, profile) }))
    })
}

/// `DeleteInstanceProfile`: refused while it has a role.
pub fn delete(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    sandbox.world.write(|world| {
        if find_mut(&mut world.iam, &input.instance_profile_name)?.role.is_some() {
            let message = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(Fault::new(409, "DeleteConflict", message));
        }
        world.iam.instance_profiles.remove(&input.instance_profile_name);
        Ok(Value::Null)
    })
}

/// The input of `AddRoleToInstanceProfile` and `RemoveRoleFromInstanceProfile`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleOf {
    instance_profile_name: String,
    role_name: String,
}

/// `AddRoleToInstanceProfile`: one role a profile.
pub fn add_role(sandbox: &Arc<Sandbox>, input: RoleOf) -> Reply {
    sandbox.world.write(|world| {
        find_role(&world.iam, &input.role_name)?;
        let profile = find_mut(&mut world.iam, &input.instance_profile_name)?;
        if profile.role.is_some() {
            let message = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
            return Err(Fault::new(409, "LimitExceeded", message));
        }
        profile.role = Some(input.role_name);
        Ok(Value::Null)
    })
}

/// `RemoveRoleFromInstanceProfile`.
pub fn remove_role(sandbox: &Arc<Sandbox>, input: RoleOf) -> Reply {
    sandbox.world.write(|world| {
        let profile = find_mut(&mut world.iam, &input.instance_profile_name)?;
        if profile.role.as_ref() != Some(&input.role_name) {
            return Err(no_such_entity(format!("The role with name {} cannot be found.", input.role_name)));
        }
        profile.role = None;
        Ok(Value::Null)
    })
}

/// The input of `ListInstanceProfilesForRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ForRole {
    role_name: String,
}

/// `ListInstanceProfilesForRole`, all in one page.
pub fn list_for_role(sandbox: &Arc<Sandbox>, input: ForRole) -> Reply {
    sandbox.world.read(|world| {
        find_role(&world.iam, &input.role_name)?;
        let profiles = world.iam.instance_profiles.values();
        let with_it = profiles.filter(|profile| profile.role.as_ref() == Some(&input.role_name));
        let described: Vec<_> = with_it.map(|profile| described(&world.iam, profile)).collect();
        Ok(json!({ "InstanceProfiles": described, "IsTruncated": false }))
    })
}
