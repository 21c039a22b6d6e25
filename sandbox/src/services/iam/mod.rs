//! AWS Identity and Access Management: roles, their policies and instance profiles. Policies are stored, and evaluated
//! only for the parts of the sandbox that act as a role ([`grants`]).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::base::tags::{Tag, TagMap};
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod documents;
pub(crate) mod grants;
mod instance_profiles;
mod managed_policies;
mod marker_paging;
mod names;
mod role_policies;
mod roles;
mod service_linked_roles;
mod tags;

pub(crate) use managed_policies::ManagedPolicy;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    /// Unique in the account.
    pub name: String,
    /// `/` by default.
    pub path: String,
    /// `AROA…`.
    pub id: String,
    pub arn: String,
    pub created: Timestamp,
    /// The trust policy, as given.
    pub assume_role_policy: String,
    pub description: Option<String>,
    /// In seconds.
    pub max_session_duration: u32,
    /// Inline policies: documents by name.
    pub inline: BTreeMap<String, String>,
    /// Attached managed policies, by ARN.
    pub attached: Vec<String>,
    pub tags: TagMap,
    /// The permissions boundary, by ARN.
    #[serde(default)]
    pub boundary: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    /// Unique in the account.
    pub name: String,
    pub path: String,
    /// `AIPA…`.
    pub id: String,
    pub arn: String,
    pub created: Timestamp,
    /// The name of the role, if one has been added.
    pub role: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

state! {
    pub struct State {
        /// Roles by name.
        pub roles: Table<Role> = "iam.roles",
        /// Instance profiles by name.
        pub instance_profiles: Table<InstanceProfile> = "iam.instance_profiles",
        /// The account's managed policies by ARN.
        pub managed_policies: Table<ManagedPolicy> = "iam.managed_policies",
    }
}

/// The fault for an entity that does not exist.
fn no_such_entity(message: String) -> Fault {
    Fault::not_found("NoSuchEntity", message).with_status(404)
}

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "iam",
    protocols: &[Protocol::Query { version: "2010-05-08", xmlns: "https://iam.amazonaws.com/doc/2010-05-08/" }],
    validation_code: "ValidationError",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("CreateRole" => roles::create),
        operation!("GetRole" => roles::get),
        operation!("ListRoles" => roles::list),
        operation!("UpdateAssumeRolePolicy" => roles::update_assume_role_policy),
        operation!("UpdateRole" => roles::update),
        operation!("UpdateRoleDescription" => roles::update_description),
        operation!("TagRole" => tags::tag_role),
        operation!("UntagRole" => tags::untag_role),
        operation!("ListRoleTags" => tags::list_role_tags),
        operation!("PutRolePermissionsBoundary" => roles::put_boundary),
        operation!("DeleteRolePermissionsBoundary" => roles::delete_boundary),
        operation!("CreateServiceLinkedRole" => service_linked_roles::create),
        operation!("CreatePolicy" => managed_policies::create),
        operation!("GetPolicy" => managed_policies::get),
        operation!("DeletePolicy" => managed_policies::delete),
        operation!("ListPolicies" => managed_policies::list_policies::list),
        operation!("ListEntitiesForPolicy" => managed_policies::list_policies::list_entities),
        operation!("CreatePolicyVersion" => managed_policies::versions::create),
        operation!("GetPolicyVersion" => managed_policies::versions::get),
        operation!("DeletePolicyVersion" => managed_policies::versions::delete),
        operation!("SetDefaultPolicyVersion" => managed_policies::versions::set_default),
        operation!("ListPolicyVersions" => managed_policies::versions::list),
        operation!("TagPolicy" => tags::tag_policy),
        operation!("UntagPolicy" => tags::untag_policy),
        operation!("ListPolicyTags" => tags::list_policy_tags),
        operation!("DeleteRole" => roles::delete),
        operation!("PutRolePolicy" => role_policies::put),
        operation!("GetRolePolicy" => role_policies::get),
        operation!("ListRolePolicies" => role_policies::list),
        operation!("DeleteRolePolicy" => role_policies::delete),
        operation!("AttachRolePolicy" => role_policies::attach),
        operation!("DetachRolePolicy" => role_policies::detach),
        operation!("ListAttachedRolePolicies" => role_policies::list_attached),
        operation!("CreateInstanceProfile" => instance_profiles::create),
        operation!("GetInstanceProfile" => instance_profiles::get),
        operation!("AddRoleToInstanceProfile" => instance_profiles::add_role),
        operation!("RemoveRoleFromInstanceProfile" => instance_profiles::remove_role),
        operation!("ListInstanceProfiles" => instance_profiles::list),
        operation!("ListInstanceProfilesForRole" => instance_profiles::list_for_role),
        operation!("DeleteInstanceProfile" => instance_profiles::delete),
    ],
};
