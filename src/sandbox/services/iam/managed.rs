//! Managed policies: the account's own, beside AWS's.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::{self, Purpose};
use super::pages::Pages;
use super::roles::{check_name, check_path, no_such_entity, root_path};
use super::versions::Version;
use super::{State, aws_managed};
use crate::sandbox::services::Reply;
use crate::sandbox::services::tagging::Tag;
use crate::sandbox::world::clock::iso8601;
use crate::sandbox::world::ids;
use crate::sandbox::{Config, Fault, Sandbox};

/// A managed policy of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// Its name: unique in the account.
    pub name: String,
    /// Its path.
    pub path: String,
    /// `ANPA…`.
    pub id: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its versions, the oldest first.
    pub versions: Vec<Version>,
    /// The number of the version that counts.
    pub default_version: u32,
    /// The number of the next version.
    pub next_version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When a version was last made.
    pub updated: Timestamp,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl ManagedPolicy {
    /// The document that counts.
    pub(super) fn document(&self) -> Option<&str> {
        let version = self.versions.iter().find(|version| version.number == self.default_version);
        version.map(|version| version.document.as_str())
    }
}

/// How many roles have a policy attached, and how many as their boundary.
pub(super) fn uses(state: &State, arn: &str) -> (usize, usize) {
    let attached = state.roles.values().filter(|role| role.attached.iter().any(|one| one == arn)).count();
    let bounding = state.roles.values().filter(|role| role.boundary.as_deref() == Some(arn)).count();
    (attached, bounding)
}

fn described(state: &State, arn: &str) -> Option<Value> {
    let (attached, bounding) = uses(state, arn);
    let own = state.managed_policies.get(arn).map(|policy| {
        json!({
            "PolicyName": policy.name,
            "PolicyId": policy.id,
            "Arn": arn,
            "Path": policy.path,
            "DefaultVersionId": format!("v{}", policy.default_version),
            "AttachmentCount": attached,
            "PermissionsBoundaryUsageCount": bounding,
            "IsAttachable": true,
            "Description": policy.description,
            "CreateDate": iso8601(policy.created),
            "UpdateDate": iso8601(policy.updated),
            "Tags": policy.tags,
        })
    });
    own.or_else(|| {
        let policy = aws_managed::find(arn)?;
        Some(json!({
            "PolicyName": policy.name(),
            "PolicyId": policy.id(),
            "Arn": arn,
            "Path": policy.path(),
            "DefaultVersionId": policy.version,
            "AttachmentCount": attached,
            "PermissionsBoundaryUsageCount": bounding,
            "IsAttachable": true,
            "CreateDate": iso8601(policy.created),
            "UpdateDate": iso8601(policy.updated),
            "Tags": [],
        }))
    })
}

/// Refuses what is not a policy's ARN, and the ARN of a policy that there is not.
pub(super) fn check_attachable(state: &State, arn: &str) -> Result<(), Fault> {
    check_arn(arn)?;
    if state.managed_policies.contains(arn) || aws_managed::find(arn).is_some() {
        return Ok(());
    }
    Err(no_such_entity(format!("Policy {arn} does not exist or is not attachable.")))
}

/// Refuses what is not a policy's ARN.
pub(super) fn check_arn(arn: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", _, resource] if resource.starts_with("policy/") => Ok(()),
        _ => Err(Fault::client("InvalidInput", format!("ARN {arn} is not valid."))),
    }
}

/// A policy of the account to be changed; AWS's cannot be.
pub(super) fn find_mut<'a>(
    state: &'a mut State,
    config: &Config,
    operation: &str,
    arn: &str,
) -> Result<&'a mut ManagedPolicy, Fault> {
    check_arn(arn)?;
    if aws_managed::find(arn).is_some() {
        let user = config.global_arn("iam", "user/sandbox");
        let message = format!("User: {user} is not authorized to perform: iam:{operation} on resource: policy {arn}");
        return Err(Fault::new(403, "AccessDenied", message));
    }
    state.managed_policies.get_mut(arn).ok_or_else(|| not_found(arn))
}

pub(super) fn not_found(arn: &str) -> Fault {
    no_such_entity(format!("Policy {arn} was not found."))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    policy_name: String,
    #[serde(default = "root_path")]
    path: String,
    policy_document: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: Create) -> Reply {
    let Create { policy_name: name, path, policy_document, description, tags } = input;
    check_name("policyName", &name, 128)?;
    check_path(&path)?;
    super::tags::check(&tags)?;
    documents::check(&policy_document, Purpose::Managed)?;
    let arn = sandbox.config.global_arn("iam", &format!("policy{path}{name}"));
    let created = sandbox.clock.now();
    sandbox.world.write(|world| {
        if world.iam.managed_policies.values().any(|policy| policy.name == name) {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(Fault::new(409, "EntityAlreadyExists", message));
        }
        let policy = ManagedPolicy {
            id: format!("ANPA{}", ids::upper(17)),
            versions: vec![Version { number: 1, document: policy_document, created }],
            default_version: 1,
            next_version: 2,
            updated: created,
            name,
            path,
            description,
            created,
            tags,
        };
        let tags = policy.tags.clone();
        world.iam.managed_policies.insert(arn.clone(), policy);
        let mut described = described(&world.iam, &arn).unwrap_or_default();
        described["Tags"] = if tags.is_empty() { Value::Null } else { json!(tags) };
        // As AWS leaves it out here.
        described["Description"] = Value::Null;
        Ok(json!({ "Policy": described }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    policy_arn: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, Named { policy_arn: arn }: Named) -> Reply {
    check_arn(&arn)?;
    sandbox.world.read(|world| {
        described(&world.iam, &arn).map(|policy| json!({ "Policy": policy })).ok_or_else(|| not_found(&arn))
    })
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, Named { policy_arn: arn }: Named) -> Reply {
    let conflict = |message: &str| Err(Fault::new(409, "DeleteConflict", message));
    sandbox.world.write(|world| {
        let versions = find_mut(&mut world.iam, &sandbox.config, "DeletePolicy", &arn)?.versions.len();
        if uses(&world.iam, &arn) != (0, 0) {
            return conflict("Cannot delete a policy attached to entities.");
        }
        if versions > 1 {
            return conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
                 The default version is deleted with the policy.",
            );
        }
        world.iam.managed_policies.remove(&arn);
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    #[serde(default = "everything")]
    scope: String,
    #[serde(default)]
    only_attached: bool,
    #[serde(default = "root_path")]
    path_prefix: String,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

fn everything() -> String {
    "All".to_owned()
}

/// `ListPolicies`: neither tags nor descriptions.
pub(super) fn list(sandbox: &Arc<Sandbox>, input: List) -> Reply {
    let List { scope, only_attached, path_prefix, policy_usage_filter: usage, marker, max_items } = input;
    let question = format!("ListPolicies {scope} {only_attached} {path_prefix} {usage:?}");
    sandbox.world.read(|world| {
        let own = world.iam.managed_policies.iter().filter(|_| scope != "AWS").map(|(arn, _)| arn.to_owned());
        let arns = own.chain(
            aws_managed::all().filter(|_| scope != "Local").map(|policy| policy.arn(sandbox.config.partition())),
        );
        let wanted = arns.filter(|arn| {
            let (attached, bounding) = uses(&world.iam, arn);
            (!only_attached || attached > 0)
                && match usage.as_deref() {
                    Some("PermissionsBoundary") => bounding > 0,
                    Some(_) => attached > 0,
                    None => true,
                }
        });
        let policies = wanted.filter_map(|arn| {
            let mut policy = described(&world.iam, &arn)?;
            policy["Tags"] = Value::Null;
            policy["Description"] = Value::Null;
            policy["Path"].as_str().is_some_and(|path| path.starts_with(&path_prefix)).then_some((arn, policy))
        });
        Pages::new(marker, max_items).answer(&question, "Policies", policies)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Entities {
    policy_arn: String,
    entity_filter: Option<String>,
    #[serde(default = "root_path")]
    path_prefix: String,
    policy_usage_filter: Option<String>,
    marker: Option<String>,
    max_items: Option<usize>,
}

/// `ListEntitiesForPolicy`: there are no users and no groups here.
pub(super) fn list_entities(sandbox: &Arc<Sandbox>, input: Entities) -> Reply {
    let Entities { policy_arn: arn, entity_filter, path_prefix, policy_usage_filter: usage, marker, max_items } = input;
    check_arn(&arn)?;
    let roles_too = entity_filter.as_deref().is_none_or(|filter| filter == "Role");
    let question = format!("ListEntitiesForPolicy {arn} {entity_filter:?} {path_prefix} {usage:?}");
    sandbox.world.read(|world| {
        described(&world.iam, &arn).ok_or_else(|| not_found(&arn))?;
        let roles = world.iam.roles.values().filter(|role| {
            let has = if usage.as_deref() == Some("PermissionsBoundary") {
                role.boundary.as_ref() == Some(&arn)
            } else {
                role.attached.contains(&arn)
            };
            roles_too && has && role.path.starts_with(&path_prefix)
        });
        let roles = roles.map(|role| (role.name.clone(), json!({ "RoleName": role.name, "RoleId": role.id })));
        let mut answer = Pages::new(marker, max_items).answer(&question, "PolicyRoles", roles)?;
        answer["PolicyGroups"] = json!([]);
        answer["PolicyUsers"] = json!([]);
        Ok(answer)
    })
}
