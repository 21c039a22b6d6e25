//! Capabilities, which a caller has to acknowledge.

use std::collections::BTreeSet;

use super::{Template, type_of};
use crate::Fault;

/// IAM types, with the property of their custom name.
const IAM: &[(&str, Option<&str>)] = &[
    ("AWS::IAM::AccessKey", None),
    ("AWS::IAM::Group", Some("GroupName")),
    ("AWS::IAM::GroupPolicy", None),
    ("AWS::IAM::InstanceProfile", Some("InstanceProfileName")),
    ("AWS::IAM::ManagedPolicy", Some("ManagedPolicyName")),
    ("AWS::IAM::Policy", None),
    ("AWS::IAM::Role", Some("RoleName")),
    ("AWS::IAM::RolePolicy", None),
    ("AWS::IAM::User", Some("UserName")),
    ("AWS::IAM::UserPolicy", None),
    ("AWS::IAM::UserToGroupAddition", None),
];

const IAM_CAPABILITY: &str = "CAPABILITY_IAM";
const NAMED_IAM_CAPABILITY: &str = "CAPABILITY_NAMED_IAM";
const AUTO_EXPAND_CAPABILITY: &str = "CAPABILITY_AUTO_EXPAND";

/// The capabilities that a template requires, and the resource types that require them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Required {
    /// Such as `CAPABILITY_IAM`.
    pub capabilities: Vec<&'static str>,
    /// Such as `AWS::IAM::Role`.
    pub types: BTreeSet<String>,
}

impl Required {
    /// `CapabilitiesReason`; `None` when no resource type requires a capability.
    pub(crate) fn reason(&self) -> Option<String> {
        let types = self.types.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        (!types.is_empty()).then(|| format!("The following resource(s) require capabilities: [{types}]"))
    }
}

/// The capabilities that the resources of a template require.
pub(crate) fn required(template: &Template) -> Required {
    let mut required = Required::default();
    let mut has_custom_names = false;
    for resource in template.resources().values() {
        let resource_type = type_of(resource);
        if let Some((_, name)) = IAM.iter().find(|(iam, _)| *iam == resource_type) {
            required.types.insert(resource_type.to_owned());
            has_custom_names |= name.is_some_and(|name| resource["Properties"].get(name).is_some());
        }
    }
    if !required.types.is_empty() {
        required.capabilities.push(if has_custom_names { NAMED_IAM_CAPABILITY } else { IAM_CAPABILITY });
    }
    required
}

/// Refuses a request that does not acknowledge all required capabilities. Applying a transform takes one as well if `expands`: a
/// change set does not, because it shows the result before it is executed.
pub(crate) fn check(template: &Template, given: &[String], expands: bool) -> Result<(), Fault> {
    let has = |capability: &str| given.iter().any(|name| name == capability);
    let mut missing = required(template).capabilities;
    let acknowledged =
        |capability: &str| has(capability) || (capability == IAM_CAPABILITY && has(NAMED_IAM_CAPABILITY));
    missing.retain(|capability| !acknowledged(capability));
    if expands && template.is_extended() && !has(AUTO_EXPAND_CAPABILITY) {
        missing.push(AUTO_EXPAND_CAPABILITY);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(", ");
    Err(Fault::client("InsufficientCapabilitiesException", format!("Requires capabilities : [{names}]")))
}
