//! Which properties make CloudFormation replace a resource, by the table that the CDK itself uses: `src/data/replacement.txt`.

use super::Impact;

/// Sorted: a line without a space in front names a module, those under it its types, each with the properties that count.
const TABLE: &str = include_str!("../../data/replacement.txt");

/// What changing a property does to a resource of type `kind`. As `cdk diff` does, this looks at whole properties and not within them.
pub(super) fn property_impact(kind: &str, property: &str) -> Impact {
    let marks = properties(kind).filter(|word| word.trim_start_matches('?') == property);
    marks
        .map(|word| if word.starts_with('?') { Impact::MayReplace } else { Impact::Replace })
        .max()
        .unwrap_or(Impact::Update)
}

/// The words of a type's line.
fn properties(kind: &str) -> impl Iterator<Item = &'static str> {
    let (module, name) = kind.rsplit_once("::").unwrap_or_default();
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
        for (kind, property, impact) in [
            ("AWS::ECS::Service", "ServiceName", Impact::Replace),
            ("AWS::ECS::Service", "DesiredCount", Impact::Update),
            ("AWS::EC2::Instance", "InstanceType", Impact::MayReplace),
            ("AWS::SQS::Queue", "QueueName", Impact::Replace),
            ("AWS::WorkSpaces::Workspace", "NoSuchProperty", Impact::Update),
            ("AWS::No::Type", "Name", Impact::Update),
            ("Custom", "Name", Impact::Update),
        ] {
            assert_eq!(property_impact(kind, property), impact, "{kind} {property}");
        }
    }
}
