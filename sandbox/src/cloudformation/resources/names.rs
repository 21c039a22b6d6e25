//! Custom names: a resource that a template gives one cannot be replaced under it.
//!
//! CloudFormation makes the new resource before it deletes the old one, and refuses beforehand where it knows that both would
//! be one: where the type's primary identifier is the name. Types whose identifiers their services give, such as the ARN of
//! an ECS service, are left to their handlers, which find that the name is taken. Sources: "Name type" in CloudFormation's
//! user guide, the primary identifiers in the types' schemas, AWS re:Post's "Cannot update a stack when a custom-named resource
//! requires replacing".

use serde_json::Value;

/// Types that have the name of a property as their identifier, and other properties that make a new resource.
const NAMED: &[(&str, &str)] = &[
    // Its identifier is its group id, but CloudFormation refuses as for the others.
    ("AWS::EC2::SecurityGroup", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::Role", "RoleName"),
];

/// Why a resource that needs to be replaced cannot be: both have the same custom name.
pub fn refusal(kind: &str, old: &Value, new: &Value) -> Option<String> {
    let (_, property) = NAMED.iter().find(|(named, _)| *named == kind)?;
    let name = new[*property].as_str().filter(|name| old[*property] == **name)?;
    Some(format!(
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the \
         stack again."
    ))
}
