//! Roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Role, State};
use crate::sandbox::services::Reply;
use crate::sandbox::world::clock::iso8601;
use crate::sandbox::world::ids;
use crate::sandbox::{Fault, Sandbox};

/// The fault for an entity that there is not.
pub fn no_such_entity(message: String) -> Fault {
    Fault::new(404, "NoSuchEntity", message)
}

fn no_such_role(name: &str) -> Fault {
    no_such_entity(format!("The role with name {name} cannot be found."))
}

/// A role, or the fault.
pub fn find<'a>(state: &'a State, name: &str) -> Result<&'a Role, Fault> {
    state.roles.get(name).ok_or_else(|| no_such_role(name))
}

/// A role to be changed, or the fault.
pub fn find_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Role, Fault> {
    find(state, name)?;
    state.roles.get_mut(name).ok_or_else(|| no_such_role(name))
}

/// The fault for a name or a document that IAM does not take; `None` when it does.
pub fn check_name(member: &str, name: &str, longest: usize) -> Result<(), Fault> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character);
    if name.len() > longest {
        return Err(Fault::client(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to {longest}"
            ),
        ));
    }
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Fault::client(
            "ValidationError",
            format!(
                "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
            ),
        ));
    }
    Ok(())
}

/// A policy document has to be JSON.
pub fn check_document(document: &str) -> Result<(), Fault> {
    match serde_json::from_str::<Value>(document) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(Fault::client("MalformedPolicyDocument", "Syntax errors in policy.")),
    }
}

/// Documents are percent-encoded in IAM's answers.
pub fn encoded(document: &str) -> String {
    form_urlencoded::byte_serialize(document.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A role in the form of an answer.
pub fn described(role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": iso8601(role.created),
        "AssumeRolePolicyDocument": encoded(&role.assume_role_policy),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
        "Tags": if role.tags.is_empty() { Value::Null } else { tag_list(role) },
    })
}

fn tag_list(role: &Role) -> Value {
    role.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// A tag.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

fn tags(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|Tag { key, value }| (key, value)).collect()
}

/// The input of `CreateRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Create {
    role_name: String,
    assume_role_policy_document: String,
    #[serde(default = "root_path")]
    path: String,
    description: Option<String>,
    #[serde(default = "one_hour")]
    max_session_duration: u32,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// The path of what is given none.
pub fn root_path() -> String {
    "/".to_owned()
}

fn one_hour() -> u32 {
    3600
}

/// `CreateRole`.
pub fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    let Create { role_name: name, assume_role_policy_document, path, description, max_session_duration, tags: given } =
        input;
    check_name("roleName", &name, 64)?;
    check_document(&assume_role_policy_document)?;
    let role = Role {
        arn: sandbox.config.global_arn("iam", &format!("role{path}{name}")),
        id: format!("AROA{}", ids::upper(17)),
        created: sandbox.clock.now(),
        assume_role_policy: assume_role_policy_document,
        inline: BTreeMap::new(),
        attached: Vec::new(),
        tags: tags(given),
        name,
        path,
        description,
        max_session_duration,
    };
    sandbox.world.write(|world| {
        if world.iam.roles.contains(&role.name) {
            return Err(Fault::new(
                409,
                "EntityAlreadyExists",
                format!("Role with name {} already exists.", role.name),
            ));
        }
        world.iam.roles.insert(role.name.clone(), role.clone());
        Ok(json!({ "Role": described(&role) }))
    })
}

/// The input of operations on one role.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    role_name: String,
}

/// `GetRole`.
pub fn get(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    sandbox.world.read(|world| Ok(json!({ "Role": described(find(&world.iam, &input.role_name)?) })))
}

/// The input of `ListRoles`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    #[serde(default = "root_path")]
    path_prefix: String,
}

/// `ListRoles`, all in one page.
pub fn list(sandbox: &Arc<Sandbox>, input: List) -> Value {
    sandbox.world.read(|world| {
        let roles = world.iam.roles.values().filter(|role| role.path.starts_with(&input.path_prefix));
        json!({ "Roles": roles.map(described).collect::<Vec<_>>(), "IsTruncated": false })
    })
}

/// The input of `UpdateAssumeRolePolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateAssumeRolePolicy {
    role_name: String,
    policy_document: String,
}

/// `UpdateAssumeRolePolicy`.
pub fn update_assume_role_policy(sandbox: &Arc<Sandbox>, input: UpdateAssumeRolePolicy) -> Reply {
    check_document(&input.policy_document)?;
    sandbox.world.write(|world| {
        find_mut(&mut world.iam, &input.role_name)?.assume_role_policy = input.policy_document;
        Ok(Value::Null)
    })
}

/// The input of `UpdateRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Update {
    role_name: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
}

/// `UpdateRole`.
pub fn update(sandbox: &Arc<Sandbox>, input: Update) -> Reply {
    sandbox.world.write(|world| {
        let role = find_mut(&mut world.iam, &input.role_name)?;
        role.description = input.description.or(role.description.take());
        role.max_session_duration = input.max_session_duration.unwrap_or(role.max_session_duration);
        Ok(json!({}))
    })
}

/// The input of `TagRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagRole {
    role_name: String,
    tags: Vec<Tag>,
}

/// `TagRole`.
pub fn tag(sandbox: &Arc<Sandbox>, input: TagRole) -> Reply {
    sandbox.world.write(|world| {
        find_mut(&mut world.iam, &input.role_name)?.tags.extend(tags(input.tags));
        Ok(Value::Null)
    })
}

/// The input of `UntagRole`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagRole {
    role_name: String,
    tag_keys: Vec<String>,
}

/// `UntagRole`.
pub fn untag(sandbox: &Arc<Sandbox>, input: UntagRole) -> Reply {
    sandbox.world.write(|world| {
        find_mut(&mut world.iam, &input.role_name)?.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(Value::Null)
    })
}

/// `ListRoleTags`, all in one page.
pub fn list_tags(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    sandbox
        .world
        .read(|world| Ok(json!({ "Tags": tag_list(find(&world.iam, &input.role_name)?), "IsTruncated": false })))
}

/// `DeleteRole`: refused while it has policies or is in a profile.
pub fn delete(sandbox: &Arc<Sandbox>, input: Named) -> Reply {
    sandbox.world.write(|world| {
        let role = find(&world.iam, &input.role_name)?;
        let conflict = if !role.attached.is_empty() {
            Some("must detach all policies first.")
        } else if !role.inline.is_empty() {
            Some("must delete policies first.")
        } else if world.iam.instance_profiles.values().any(|profile| profile.role.as_ref() == Some(&role.name)) {
            Some("must remove roles from instance profile first.")
        } else {
            None
        };
        if let Some(what) = conflict {
            return Err(Fault::new(409, "DeleteConflict", format!("Cannot delete entity, {what}")));
        }
        world.iam.roles.remove(&input.role_name);
        Ok(Value::Null)
    })
}
