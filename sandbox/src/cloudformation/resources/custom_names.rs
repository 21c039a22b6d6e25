//! Custom names: a resource cannot be replaced by one of the same custom name.
//!
//! CloudFormation creates the new resource before it deletes the old one. If the name is the type's primary identifier, CloudFormation
//! refuses the update before any call. For other types, such as ECS services, whose identifier is the ARN, the handler's create call fails.
//! Sources: "Name type" in CloudFormation's user guide, the primary identifiers in the types' schemas, AWS re:Post's "Cannot update a stack
//! when a custom-named resource requires replacing".

use serde_json::Value;

/// The types whose identifier is a custom name, with the name's property.
const CUSTOM_NAMES: &[(&str, &str)] = &[
    // Its primary identifier is the group id, but CloudFormation refuses the update nevertheless.
    ("AWS::EC2::SecurityGroup", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::Role", "RoleName"),
];

/// Why a resource cannot be replaced: the old one and the new one have the same custom name.
pub fn conflict(resource_type: &str, old: &Value, new: &Value) -> Option<String> {
    let (_, property) = CUSTOM_NAMES.iter().find(|(named, _)| *named == resource_type)?;
    let name = new[*property].as_str().filter(|name| old[*property] == **name)?;
    Some(format!(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the \
         stack again."
    ))
}
