//! What a caller has to acknowledge before a template is carried out.

use std::collections::BTreeSet;

use super::{Template, kind_of};
use crate::Fault;

/// IAM types, with the property that gives them a name of the user's choice.
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

const ONE: &str = "CAPABILITY_IAM";
const NAMED: &str = "CAPABILITY_NAMED_IAM";
const EXPAND: &str = "CAPABILITY_AUTO_EXPAND";

/// What a template asks for, and the types because of which it does.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// Such as `CAPABILITY_IAM`.
    pub capabilities: Vec<&'static str>,
    /// Such as `AWS::IAM::Role`.
    pub types: BTreeSet<String>,
}

impl Required {
    /// The sentence for people; `None` when nothing is asked for because of a resource.
    pub fn reason(&self) -> Option<String> {
        let types = self.types.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        (!types.is_empty()).then(|| format!("The following resource(s) require capabilities: [{types}]"))
    }
}

/// What a template asks for.
pub fn required(template: &Template) -> Required {
    let mut required = Required::default();
    let mut named = false;
    for resource in template.resources().values() {
        let kind = kind_of(resource);
        if let Some((_, name)) = IAM.iter().find(|(iam, _)| *iam == kind) {
            required.types.insert(kind.to_owned());
            named |= name.is_some_and(|name| resource["Properties"].get(name).is_some());
        }
    }
    if !required.types.is_empty() {
        required.capabilities.push(if named { NAMED } else { ONE });
    }
    required
}

/// Refuses a request that does not acknowledge what its template asks for. `expands` tells whether it carries out
/// transforms at once, which has to be acknowledged too: a change set shows first what becomes of them.
pub fn check(template: &Template, given: &[String], expands: bool) -> Result<(), Fault> {
    let has = |capability: &str| given.iter().any(|one| one == capability);
    let mut missing = required(template).capabilities;
    let acknowledged = |one: &str| has(one) || (one == ONE && has(NAMED));
    missing.retain(|one| !acknowledged(one));
    if expands && template.is_extended() && !has(EXPAND) {
        missing.push(EXPAND);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(", ");
    Err(Fault::client("InsufficientCapabilitiesException", format!("Requires capabilities : [{names}]")))
}
