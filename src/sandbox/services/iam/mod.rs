//! AWS Identity and Access Management: roles, their policies and instance profiles. Policies are kept, not evaluated.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Service, operation};
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::table::state;

mod instance_profiles;
mod policies;
mod roles;

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
    pub tags: BTreeMap<String, String>,
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
}

state! {
    /// What the service remembers.
    pub struct State {
        /// Roles by name.
        pub roles: Table<Role> = "iam.roles",
        /// Instance profiles by name.
        pub instance_profiles: Table<InstanceProfile> = "iam.instance_profiles",
    }
}

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "iam",
    protocols: &[Protocol::Query { version: "2010-05-08", xmlns: "https://iam.amazonaws.com/doc/2010-05-08/" }],
    validation_code: "ValidationError",
    operations: &[
        operation!("CreateRole" => roles::create),
        operation!("GetRole" => roles::get),
        operation!("ListRoles" => roles::list),
        operation!("UpdateAssumeRolePolicy" => roles::update_assume_role_policy),
        operation!("UpdateRole" => roles::update),
        operation!("TagRole" => roles::tag),
        operation!("UntagRole" => roles::untag),
        operation!("ListRoleTags" => roles::list_tags),
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
        operation!("ListInstanceProfilesForRole" => instance_profiles::list_for_role),
        operation!("DeleteInstanceProfile" => instance_profiles::delete),
    ],
};
