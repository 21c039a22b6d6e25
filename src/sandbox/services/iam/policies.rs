//! A role's inline policies, and the managed policies that are attached to it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::roles::{check_document, check_name, encoded, find, find_mut, no_such_entity};
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

/// The input of `PutRolePolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Put {
    role_name: String,
    policy_name: String,
    policy_document: String,
}

/// `PutRolePolicy`: adds it, or puts it in place of the one of that name.
pub fn put(sandbox: &Arc<Sandbox>, input: Put) -> Reply {
    check_name("policyName", &input.policy_name, 128)?;
    check_document(&input.policy_document)?;
    sandbox.world.write(|world| {
        find_mut(&mut world.iam, &input.role_name)?.inline.insert(input.policy_name, input.policy_document);
        Ok(Value::Null)
    })
}

/// The input of operations on one inline policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inline {
    role_name: String,
    policy_name: String,
}

fn no_such_policy(name: &str) -> Fault {
    no_such_entity(format!("The role policy with name {name} cannot be found."))
}

/// `GetRolePolicy`.
pub fn get(sandbox: &Arc<Sandbox>, input: Inline) -> Reply {
    sandbox.world.read(|world| {
        let role = find(&world.iam, &input.role_name)?;
        let document = role.inline.get(&input.policy_name).ok_or_else(|| no_such_policy(&input.policy_name))?;
        let Inline { role_name, policy_name } = &input;
        Ok(json!({ "RoleName": role_name, "PolicyName": policy_name, "PolicyDocument": encoded(document) }))
    })
}

/// `DeleteRolePolicy`.
pub fn delete(sandbox: &Arc<Sandbox>, input: Inline) -> Reply {
    sandbox.world.write(|world| {
        let removed = find_mut(&mut world.iam, &input.role_name)?.inline.remove(&input.policy_name);
        removed.map(|_| Value::Null).ok_or_else(|| no_such_policy(&input.policy_name))
    })
}

/// The input of the List operations.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct List {
    role_name: String,
}

/// `ListRolePolicies`, all in one page.
pub fn list(sandbox: &Arc<Sandbox>, input: List) -> Reply {
    sandbox.world.read(|world| {
        let names: Vec<_> = find(&world.iam, &input.role_name)?.inline.keys().collect();
        Ok(json!({ "PolicyNames": names, "IsTruncated": false }))
    })
}

/// `ListAttachedRolePolicies`, all in one page.
pub fn list_attached(sandbox: &Arc<Sandbox>, input: List) -> Reply {
    sandbox.world.read(|world| {
        let attached = find(&world.iam, &input.role_name)?.attached.iter();
        let policies: Vec<_> = attached
            .map(|arn| json!({ "PolicyName": arn.rsplit('/').next().unwrap_or_default(), "PolicyArn": arn }))
            .collect();
        Ok(json!({ "AttachedPolicies": policies, "IsTruncated": false }))
    })
}

/// The input of `AttachRolePolicy` and `DetachRolePolicy`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attachment {
    role_name: String,
    policy_arn: String,
}

fn no_such_managed_policy(arn: &str) -> Fault {
    no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

/// `AttachRolePolicy`, of AWS's own policies: the account has none.
pub fn attach(sandbox: &Arc<Sandbox>, input: Attachment) -> Reply {
    if !input.policy_arn.starts_with("arn:aws:iam::aws:policy/") {
        return Err(no_such_managed_policy(&input.policy_arn));
    }
    sandbox.world.write(|world| {
        let attached = &mut find_mut(&mut world.iam, &input.role_name)?.attached;
        if !attached.contains(&input.policy_arn) {
            attached.push(input.policy_arn);
        }
        Ok(Value::Null)
    })
}

/// `DetachRolePolicy`.
pub fn detach(sandbox: &Arc<Sandbox>, input: Attachment) -> Reply {
    sandbox.world.write(|world| {
        let attached = &mut find_mut(&mut world.iam, &input.role_name)?.attached;
        if !attached.contains(&input.policy_arn) {
            return Err(no_such_entity(format!("Policy {} was not found.", input.policy_arn)));
        }
        attached.retain(|arn| *arn != input.policy_arn);
        Ok(Value::Null)
    })
}
