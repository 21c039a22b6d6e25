//! AWS Identity and Access Management: roles, their policies and instance profiles. Policies are kept, and only looked at where something
//! in the sandbox acts with a role ([`grants`]).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::tags::{Tag, TagMap};
use crate::core::{Service, operation};
use crate::protocol::Protocol;
use crate::store::table::state;

mod aws_managed;
mod boundaries;
mod documents;
pub mod grants;
mod instance_profiles;
mod limits;
mod managed;
mod pages;
mod policies;
mod policy_lists;
mod roles;
mod tags;
mod versions;

pub use managed::ManagedPolicy;

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    /// Its name: unique in the account.
    pub name: String,
    /// Its path, `/` when none was given.
    pub path: String,
    /// `AROA…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// The trust policy, as it was given.
    pub assume_role_policy: String,
    /// Its description.
    pub description: Option<String>,
    /// In seconds.
    pub max_session_duration: u32,
    /// Inline policies: documents by name.
    pub inline: BTreeMap<String, String>,
    /// Attached managed policies, by ARN.
    pub attached: Vec<String>,
    /// Tags.
    pub tags: TagMap,
    /// The policy that bounds what it may do, by ARN.
    #[serde(default)]
    pub boundary: Option<String>,
}

/// An instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// Its name: unique in the account.
    pub name: String,
    /// Its path.
    pub path: String,
    /// `AIPA…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// The name of its role.
    pub role: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

state! {
    /// What the service remembers.
    pub struct State {
        /// Roles by name.
        pub roles: Table<Role> = "iam.roles",
        /// Instance profiles by name.
        pub instance_profiles: Table<InstanceProfile> = "iam.instance_profiles",
        /// The account's managed policies by ARN.
        pub managed_policies: Table<ManagedPolicy> = "iam.managed_policies",
    }
}

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "iam",
    protocols: &[Protocol::Query { version: "2010-05-08", xmlns: "https://iam.amazonaws.com/doc/2010-05-08/" }],
    validation_code: "ValidationError",
    is_for_owner: false,
    prepare: None,
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
        operation!("PutRolePermissionsBoundary" => boundaries::put),
        operation!("DeleteRolePermissionsBoundary" => boundaries::delete),
        operation!("CreateServiceLinkedRole" => boundaries::create_linked),
        operation!("CreatePolicy" => managed::create),
        operation!("GetPolicy" => managed::get),
        operation!("DeletePolicy" => managed::delete),
        operation!("ListPolicies" => policy_lists::list),
        operation!("ListEntitiesForPolicy" => policy_lists::list_entities),
        operation!("CreatePolicyVersion" => versions::create),
        operation!("GetPolicyVersion" => versions::get),
        operation!("DeletePolicyVersion" => versions::delete),
        operation!("SetDefaultPolicyVersion" => versions::set_default),
        operation!("ListPolicyVersions" => versions::list),
        operation!("TagPolicy" => tags::tag_policy),
        operation!("UntagPolicy" => tags::untag_policy),
        operation!("ListPolicyTags" => tags::list_policy_tags),
        operation!("DeleteRole" => roles::delete),
        operation!("PutRolePolicy" => policies::put),
        operation!("GetRolePolicy" => policies::get),
        operation!("ListRolePolicies" => policies::list),
        operation!("DeleteRolePolicy" => policies::delete),
        operation!("AttachRolePolicy" => policies::attach),
        operation!("DetachRolePolicy" => policies::detach),
        operation!("ListAttachedRolePolicies" => policies::list_attached),
        operation!("CreateInstanceProfile" => instance_profiles::create),
        operation!("GetInstanceProfile" => instance_profiles::get),
        operation!("AddRoleToInstanceProfile" => instance_profiles::add_role),
        operation!("RemoveRoleFromInstanceProfile" => instance_profiles::remove_role),
        operation!("ListInstanceProfiles" => instance_profiles::list),
        operation!("ListInstanceProfilesForRole" => instance_profiles::list_for_role),
        operation!("DeleteInstanceProfile" => instance_profiles::delete),
    ],
};
