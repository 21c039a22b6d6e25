//! The create-only properties of resource types, from the CDK's table: `src/data/create_only_properties.txt`.

use super::Impact;
use crate::stack::type_table::properties_of;

/// The create-only properties of each type, sorted. A `?` in front marks those that may replace the resource.
const TABLE: &str = include_str!("../../data/create_only_properties.txt");

/// The impact of changing a property. Like `cdk diff`, this considers whole properties, not their members.
pub(super) fn property_impact(resource_type: &str, property: &str) -> Impact {
    let marks = properties_of(TABLE, resource_type)
        .into_iter()
        .flatten()
        .filter(|word| word.trim_start_matches('?') == property);
    marks
        .map(|word| if word.starts_with('?') { Impact::MayReplace } else { Impact::Replace })
        .max()
        .unwrap_or(Impact::Update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_of_any_type_has_its_impact() {
        for (resource_type, property, impact) in [
            ("AWS::ECS::Service", "ServiceName", Impact::Replace),
            ("AWS::ECS::Service", "DesiredCount", Impact::Update),
            ("AWS::EC2::Instance", "InstanceType", Impact::MayReplace),
            ("AWS::SQS::Queue", "QueueName", Impact::Replace),
            ("AWS::WorkSpaces::Workspace", "NoSuchProperty", Impact::Update),
            ("AWS::No::Type", "Name", Impact::Update),
            ("Custom", "Name", Impact::Update),
        ] {
            assert_eq!(property_impact(resource_type, property), impact, "{resource_type} {property}");
        }
    }
}
