//! What AWS's own types have, in `schema.txt`: it tells what the sandbox does not serve from what there is not.

use std::collections::HashMap;
use std::sync::LazyLock;

use indexmap::IndexMap;

/// One of AWS's types.
pub struct Schema {
    attributes: Vec<&'static str>,
    structures: HashMap<&'static str, Members>,
}

/// The members of a structure by name.
pub type Members = IndexMap<&'static str, Member>;

/// A member of a structure.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// A plain type's name or a structure's, after `[` for each list and `{` for each map around it.
    pub kind: &'static str,
    /// Whether it has to be there.
    pub is_required: bool,
}

/// The name that the type's own properties have among its structures.
pub const PROPERTIES: &str = "-";

static TYPES: LazyLock<HashMap<&str, Schema>> = LazyLock::new(|| read(include_str!("schema.txt")));

/// A line without a space in front names a type; those under it its structures.
fn read(text: &'static str) -> HashMap<&'static str, Schema> {
    let mut types: HashMap<&str, Schema> = HashMap::new();
    let mut kind = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        if !line.starts_with(' ') {
            kind = name;
            types.insert(kind, Schema { attributes: words.collect(), structures: HashMap::new() });
        } else if let Some(schema) = types.get_mut(kind) {
            schema.structures.insert(name, words.filter_map(member).collect());
        }
    }
    types
}

fn member(word: &'static str) -> Option<(&'static str, Member)> {
    let (name, kind) = word.split_once(':')?;
    let bare = name.trim_end_matches('!');
    Some((bare, Member { kind, is_required: bare != name }))
}

/// AWS's type of a name.
pub fn of(kind: &str) -> Option<&'static Schema> {
    TYPES.get(kind)
}

impl Schema {
    /// The members of a structure; `None` for a plain type.
    pub fn structure(&self, name: &str) -> Option<&Members> {
        self.structures.get(name)
    }
}

/// Whether AWS's type has an attribute.
pub fn has_attribute(kind: &str, name: &str) -> bool {
    of(kind).is_some_and(|schema| schema.attributes.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::{PROPERTIES, TYPES, has_attribute, of};

    #[test]
    fn awss_types_have_what_the_sandbox_serves_of_them() {
        // Made by CloudFormation and the CDK: they have no schema.
        let without = ["AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"];
        for kind in all() {
            assert!(of(kind.name).is_some() || without.contains(&kind.name), "{}", kind.name);
        }
        let properties = |kind: &str| of(kind).and_then(|schema| schema.structure(PROPERTIES)).expect("it has some");
        assert!(properties("AWS::EC2::VPC").contains_key("Ipv4IpamPoolId"));
        assert!(!properties("AWS::EC2::SecurityGroup").contains_key("CidrIpv6"), "it is in a rule");
        assert!(has_attribute("AWS::EC2::VPC", "DefaultNetworkAcl") && !has_attribute("AWS::EC2::VPC", "CidrBlok"));
    }

    #[test]
    fn every_type_is_whole() {
        const PLAIN: [&str; 5] = ["string", "integer", "number", "boolean", "any"];
        for (kind, schema) in &*TYPES {
            for (name, member) in schema.structures.values().flatten() {
                let inner = member.kind.trim_start_matches(['[', '{']);
                assert!(PLAIN.contains(&inner) || schema.structure(inner).is_some(), "{kind}: {name} is {inner}");
            }
        }
    }
}
