//! AWS's schemas of resource types, from `property_schema.txt`. They distinguish what the sandbox does not serve from what does not exist.

use std::collections::HashMap;
use std::sync::LazyLock;

use indexmap::IndexMap;

/// The schema of a resource type.
pub struct ResourceSchema {
    attributes: Vec<&'static str>,
    structures: HashMap<&'static str, StructureMembers>,
}

/// The members of a structure by name.
pub type StructureMembers = IndexMap<&'static str, StructureMember>;

/// A member of a structure.
#[derive(Debug, Clone, Copy)]
pub struct StructureMember {
    /// A plain type's name or a structure's, after `[` for each list and `{` for each map around it.
    pub type_name: &'static str,
    pub is_required: bool,
}

/// The name of the structure of a type's own properties.
pub const PROPERTIES: &str = "-";

static TYPES: LazyLock<HashMap<&str, ResourceSchema>> = LazyLock::new(|| parse(include_str!("property_schema.txt")));

/// A line without indentation is a type with its attributes; the indented ones after it are its structures.
fn parse(text: &'static str) -> HashMap<&'static str, ResourceSchema> {
    let mut types: HashMap<&str, ResourceSchema> = HashMap::new();
    let mut resource_type = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        if !line.starts_with(' ') {
            resource_type = name;
            types.insert(resource_type, ResourceSchema { attributes: words.collect(), structures: HashMap::new() });
        } else if let Some(schema) = types.get_mut(resource_type) {
            schema.structures.insert(name, words.filter_map(member).collect());
        }
    }
    types
}

fn member(word: &'static str) -> Option<(&'static str, StructureMember)> {
    let (name, type_name) = word.split_once(':')?;
    let bare = name.trim_end_matches('!');
    Some((bare, StructureMember { type_name, is_required: bare != name }))
}

/// The schema of a type.
pub fn find(resource_type: &str) -> Option<&'static ResourceSchema> {
    TYPES.get(resource_type)
}

impl ResourceSchema {
    /// The members of a structure; `None` for a plain type.
    pub fn structure(&self, name: &str) -> Option<&StructureMembers> {
        self.structures.get(name)
    }
}

/// Whether AWS's type has an attribute.
pub fn has_attribute(resource_type: &str, name: &str) -> bool {
    find(resource_type).is_some_and(|schema| schema.attributes.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::{PROPERTIES, TYPES, find, has_attribute};
    use crate::cloudformation::resources::all;

    #[test]
    fn schemas_have_what_the_sandbox_serves() {
        // CloudFormation and the CDK publish no schema of these.
        let without_schema = ["AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"];
        for resource_type in all() {
            assert!(
                find(resource_type.name).is_some() || without_schema.contains(&resource_type.name),
                "{}",
                resource_type.name
            );
        }
        let properties = |resource_type: &str| {
            find(resource_type).and_then(|schema| schema.structure(PROPERTIES)).expect("it has some")
        };
        assert!(properties("AWS::EC2::VPC").contains_key("Ipv4IpamPoolId"));
        assert!(!properties("AWS::EC2::SecurityGroup").contains_key("CidrIpv6"), "it is in a rule");
        assert!(has_attribute("AWS::EC2::VPC", "DefaultNetworkAcl") && !has_attribute("AWS::EC2::VPC", "CidrBlok"));
    }

    #[test]
    fn every_member_has_a_known_type() {
        const PLAIN: [&str; 5] = ["string", "integer", "number", "boolean", "any"];
        for (resource_type, schema) in &*TYPES {
            for (name, member) in schema.structures.values().flatten() {
                let inner = member.type_name.trim_start_matches(['[', '{']);
                assert!(
                    PLAIN.contains(&inner) || schema.structure(inner).is_some(),
                    "{resource_type}: {name} is {inner}"
                );
            }
        }
    }
}
