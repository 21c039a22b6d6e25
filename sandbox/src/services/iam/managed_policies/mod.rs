//! Customer managed policies: create, get, delete.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::documents::{self, Purpose};
use super::names::{check_name, check_path, root_path};
use super::{State, no_such_entity};
use crate::base::arn::Arn;
use crate::base::clock::epoch_seconds;
use crate::base::ids;
use crate::base::tags::Tag;
use crate::core::OperationResult;
use crate::{Config, Fault, Sandbox};

pub(super) mod aws_managed;
pub(super) mod list_policies;
pub(super) mod versions;

use aws_managed::AwsPolicy;
use versions::PolicyVersion;

/// A managed policy of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    /// Unique in the account.
    pub name: String,
    pub path: String,
    /// `ANPA…`.
    pub id: String,
    pub description: Option<String>,
    /// The oldest first.
    pub versions: Vec<PolicyVersion>,
    /// The number of the default version.
    pub default_version: u32,
    /// The number of the next version.
    pub next_version: u32,
    pub created: Timestamp,
    /// When the newest version was created.
    pub updated: Timestamp,
    pub tags: Vec<Tag>,
}

impl ManagedPolicy {
    /// The document of the default version.
    pub(crate) fn document(&self) -> Option<&str> {
        let version = self.versions.iter().find(|version| version.number == self.default_version);
        version.map(|version| version.document.as_str())
    }
}

/// How many roles have a policy attached, and how many have it as their permissions boundary.
pub(super) fn uses(state: &State, arn: &str) -> (usize, usize) {
    let attached = state.roles.values().filter(|role| role.attached.iter().any(|policy| policy == arn)).count();
    let bounding = state.roles.values().filter(|role| role.boundary.as_deref() == Some(arn)).count();
    (attached, bounding)
}

/// The customer's or AWS's policy with an ARN, as responses show it.
pub(super) fn to_output(state: &State, arn: &str) -> Option<Value> {
    let uses = uses(state, arn);
    let own = state.managed_policies.get(arn).map(|policy| managed_to_output(policy, arn, uses));
    own.or_else(|| aws_managed::find(arn).map(|policy| aws_managed_to_output(policy, arn, uses)))
}

pub(super) fn managed_to_output(policy: &ManagedPolicy, arn: &str, (attached, bounding): (usize, usize)) -> Value {
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
        "CreateDate": epoch_seconds(policy.created),
        "UpdateDate": epoch_seconds(policy.updated),
        "Tags": policy.tags,
    })
}

pub(super) fn aws_managed_to_output(policy: &AwsPolicy, arn: &str, (attached, bounding): (usize, usize)) -> Value {
    json!({
        "PolicyName": policy.name(),
        "PolicyId": policy.id(),
        "Arn": arn,
        "Path": policy.path(),
        "DefaultVersionId": policy.version,
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": true,
        "CreateDate": epoch_seconds(policy.created),
        "UpdateDate": epoch_seconds(policy.updated),
        "Tags": [],
    })
}

/// Refuses anything but the ARN of an existing policy.
pub(super) fn check_attachable(state: &State, arn: &str) -> Result<(), Fault> {
    check_arn(arn)?;
    if state.managed_policies.contains(arn) || aws_managed::find(arn).is_some() {
        return Ok(());
    }
    Err(no_such_entity(format!("Policy {arn} does not exist or is not attachable.")))
}

/// Refuses anything but the ARN of a policy.
pub(super) fn check_arn(arn: &str) -> Result<(), Fault> {
    match Arn::parse(arn) {
        Some(Arn { service: "iam", region: "", resource, .. }) if resource.starts_with("policy/") => Ok(()),
        _ => Err(Fault::client("InvalidInput", format!("ARN {arn} is not valid."))),
    }
}

/// A customer managed policy, for changing it. AWS's own cannot be changed.
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
pub(super) struct CreatePolicyInput {
    policy_name: String,
    #[serde(default = "root_path")]
    path: String,
    policy_document: String,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreatePolicyInput) -> OperationResult {
    let CreatePolicyInput { policy_name: name, path, policy_document, description, tags } = input;
    check_name("policyName", &name, 128)?;
    check_path(&path)?;
    super::tags::check(&tags)?;
    documents::check(&policy_document, Purpose::Managed)?;
    documents::quota::check_managed(&policy_document)?;
    let arn = sandbox.config.global_arn("iam", &format!("policy{path}{name}"));
    let created = sandbox.clock.now();
    sandbox.store.write(|states| {
        if states.of::<State>().managed_policies.values().any(|policy| policy.name == name) {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(Fault::already_exists("EntityAlreadyExists", message).with_status(409));
        }
        let policy = ManagedPolicy {
            id: format!("ANPA{}", ids::random_upper(17)),
            versions: vec![PolicyVersion { number: 1, document: policy_document, created }],
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
        states.of_mut::<State>().managed_policies.insert(arn.clone(), policy);
        let mut output = to_output(states.of::<State>(), &arn).unwrap_or_default();
        output["Tags"] = if tags.is_empty() { Value::Null } else { json!(tags) };
        // AWS leaves it out here.
        output["Description"] = Value::Null;
        Ok(json!({ "Policy": output }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PolicyInput {
    policy_arn: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, PolicyInput { policy_arn: arn }: PolicyInput) -> OperationResult {
    check_arn(&arn)?;
    sandbox.store.read(|states| {
        to_output(states.of::<State>(), &arn).map(|policy| json!({ "Policy": policy })).ok_or_else(|| not_found(&arn))
    })
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, PolicyInput { policy_arn: arn }: PolicyInput) -> OperationResult {
    let conflict = |message: &str| Err(Fault::new(409, "DeleteConflict", message));
    sandbox.store.write(|states| {
        let versions = find_mut(states.of_mut::<State>(), &sandbox.config, "DeletePolicy", &arn)?.versions.len();
        if uses(states.of::<State>(), &arn) != (0, 0) {
            return conflict("Cannot delete a policy attached to entities.");
        }
        if versions > 1 {
            return conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
                 The default version is deleted with the policy.",
            );
        }
        states.of_mut::<State>().managed_policies.remove(&arn);
        Ok(Value::Null)
    })
}
