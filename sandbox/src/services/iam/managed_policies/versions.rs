//! Versions of managed policies: up to five, one of which is the default.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ManagedPolicy, aws_managed, check_arn, find_mut, not_found};
use crate::base::clock::epoch_seconds;
use crate::core::OperationResult;
use crate::services::iam::State;
use crate::services::iam::documents::{self, Purpose};
use crate::services::iam::marker_paging::Paging;
use crate::services::iam::no_such_entity;
use crate::{Fault, Sandbox};

const MAX_VERSIONS: usize = 5;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// The number in its id, such as 2 in `v2`.
    pub number: u32,
    pub document: String,
    pub created: Timestamp,
}

impl PolicyVersion {
    fn to_output(&self, policy: &ManagedPolicy) -> Value {
        json!({
            "VersionId": format!("v{}", self.number),
            "IsDefaultVersion": self.number == policy.default_version,
            "CreateDate": epoch_seconds(self.created),
        })
    }
}

fn no_such_version(arn: &str, version: &str) -> Fault {
    no_such_entity(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

fn number(arn: &str, policy: &ManagedPolicy, id: &str) -> Result<u32, Fault> {
    let number = id.strip_prefix('v').and_then(|number| number.parse().ok());
    let version = policy.versions.iter().find(|version| Some(version.number) == number);
    version.map(|version| version.number).ok_or_else(|| no_such_version(arn, id))
}

/// A customer managed policy. The documents of AWS's own are not in the catalogue.
fn find<'a>(state: &'a State, operation: &str, arn: &str) -> Result<&'a ManagedPolicy, Fault> {
    check_arn(arn)?;
    if aws_managed::find(arn).is_some() {
        return Err(Fault::not_implemented(&format!("iam:{operation} of the policies that AWS manages")));
    }
    state.managed_policies.get(arn).ok_or_else(|| not_found(arn))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct CreatePolicyVersionInput {
    policy_arn: String,
    policy_document: String,
    #[serde(default)]
    set_as_default: bool,
}

pub(crate) fn create(sandbox: &Arc<Sandbox>, input: CreatePolicyVersionInput) -> OperationResult {
    let CreatePolicyVersionInput { policy_arn: arn, policy_document: document, set_as_default } = input;
    documents::check(&document, Purpose::Managed)?;
    documents::quota::check_managed(&document)?;
    let created = sandbox.clock.now();
    sandbox.store.write(|states| {
        let policy = find_mut(states.of_mut::<State>(), &sandbox.config, "CreatePolicyVersion", &arn)?;
        if policy.versions.len() >= MAX_VERSIONS {
            let message = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an \
                           existing version.";
            return Err(Fault::limit_exceeded("LimitExceeded", message).with_status(409));
        }
        let version = PolicyVersion { number: policy.next_version, document, created };
        policy.next_version += 1;
        policy.updated = created;
        if set_as_default {
            policy.default_version = version.number;
        }
        let output = version.to_output(policy);
        policy.versions.push(version);
        Ok(json!({ "PolicyVersion": output }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct PolicyVersionInput {
    policy_arn: String,
    version_id: String,
}

pub(crate) fn get(
    sandbox: &Arc<Sandbox>,
    PolicyVersionInput { policy_arn: arn, version_id }: PolicyVersionInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let policy = find(states.of::<State>(), "GetPolicyVersion", &arn)?;
        let number = number(&arn, policy, &version_id)?;
        let version = policy.versions.iter().find(|version| version.number == number);
        let version = version.ok_or_else(|| no_such_version(&arn, &version_id))?;
        let mut output = version.to_output(policy);
        output["Document"] = Value::String(documents::encode(&version.document));
        Ok(json!({ "PolicyVersion": output }))
    })
}

pub(crate) fn delete(
    sandbox: &Arc<Sandbox>,
    PolicyVersionInput { policy_arn: arn, version_id }: PolicyVersionInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        let policy = find_mut(states.of_mut::<State>(), &sandbox.config, "DeletePolicyVersion", &arn)?;
        let number = number(&arn, policy, &version_id)?;
        if number == policy.default_version {
            let message = "Cannot delete the default version of a policy.";
            return Err(Fault::new(409, "DeleteConflict", message));
        }
        policy.versions.retain(|version| version.number != number);
        Ok(Value::Null)
    })
}

pub(crate) fn set_default(
    sandbox: &Arc<Sandbox>,
    PolicyVersionInput { policy_arn: arn, version_id }: PolicyVersionInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        let policy = find_mut(states.of_mut::<State>(), &sandbox.config, "SetDefaultPolicyVersion", &arn)?;
        policy.default_version = number(&arn, policy, &version_id)?;
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ListPolicyVersionsInput {
    policy_arn: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(crate) fn list(
    sandbox: &Arc<Sandbox>,
    ListPolicyVersionsInput { policy_arn: arn, marker, max_items }: ListPolicyVersionsInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let policy = find(states.of::<State>(), "ListPolicyVersions", &arn)?;
        let newest_first = policy.versions.iter().rev();
        let versions = newest_first.map(|version| (version.number.to_string(), version.to_output(policy)));
        Paging::new(marker, max_items).page_response(&format!("ListPolicyVersions {arn}"), "Versions", versions)
    })
}
