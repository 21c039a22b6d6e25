//! What AWS's own types have, in `schema.txt`: it tells what the sandbox does not serve from what there is not.

const TYPES: &str = include_str!("schema.txt");

/// The names of a type's properties, with those of what is in them, and of its attributes.
fn names(kind: &str) -> Option<(&'static str, &'static str)> {
    TYPES.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')?.split_once('|'))
}

/// Whether AWS's type has a property of this name, or one within a property.
pub fn has_property(kind: &str, name: &str) -> bool {
    names(kind).is_some_and(|(properties, _)| properties.split(' ').any(|property| property == name))
}

/// Whether AWS's type has an attribute.
pub fn has_attribute(kind: &str, name: &str) -> bool {
    names(kind).is_some_and(|(_, attributes)| attributes.split(' ').any(|attribute| attribute == name))
}

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::{has_attribute, has_property, names};

    #[test]
    fn awss_types_have_what_the_sandbox_serves_of_them() {
        // Made by CloudFormation and the CDK: they have no schema.
        let without = ["AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"];
        for kind in all() {
            assert!(names(kind.name).is_some() || without.contains(&kind.name), "{}", kind.name);
        }
        assert!(has_property("AWS::EC2::VPC", "Ipv4IpamPoolId") && !has_property("AWS::EC2::VPC", "Colour"));
        assert!(has_property("AWS::EC2::SecurityGroup", "CidrIpv6"), "it is in a rule");
        assert!(has_attribute("AWS::EC2::VPC", "DefaultNetworkAcl") && !has_attribute("AWS::EC2::VPC", "CidrBlok"));
    }
}
