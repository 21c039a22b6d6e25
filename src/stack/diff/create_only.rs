//! The create-only properties of resource types, from the CDK's table: `src/data/create_only_properties.txt`.

use super::Impact;

/// Sorted. An unindented line is a module; the indented lines below it are its types with their create-only properties.
const TABLE: &str = include_str!("../../data/create_only_properties.txt");

/// The impact of changing a property. Like `cdk diff`, this considers whole properties, not their members.
pub(super) fn property_impact(resource_type: &str, property: &str) -> Impact {
    let marks = properties(resource_type).filter(|word| word.trim_start_matches('?') == property);
    marks
        .map(|word| if word.starts_with('?') { Impact::MayReplace } else { Impact::Replace })
        .max()
        .unwrap_or(Impact::Update)
}

/// The properties in a type's line. A `?` in front marks those that may replace the resource.
fn properties(resource_type: &str) -> impl Iterator<Item = &'static str> {
    let (module, name) = resource_type.rsplit_once("::").unwrap_or_default();
    let types = TABLE.lines().skip_while(move |line| *line != module).skip(1).take_while(|line| line.starts_with(' '));
    let mut words = types
        .map(|line| line.split_ascii_whitespace())
        .filter_map(move |mut words| (words.next() == Some(name)).then_some(words));
    words.next().into_iter().flatten()
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
