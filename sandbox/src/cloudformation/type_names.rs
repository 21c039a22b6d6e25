//! The names of all of AWS's resource types, from `type_names.txt`. They distinguish types that the sandbox does not serve from types
//! that do not exist.

/// Whether AWS has a resource type of this name.
pub(super) fn exists(resource_type: &str) -> bool {
    let Some((module, name)) = resource_type.rsplit_once("::") else { return false };
    let rows = include_str!("type_names.txt").lines().filter(|row| !row.starts_with('#'));
    let mut rows = rows.filter_map(|row| row.split_once(' '));
    rows.any(|(row_module, names)| row_module == module && names.split(' ').any(|type_name| type_name == name))
}

#[cfg(test)]
mod tests {
    use super::exists;
    use crate::cloudformation::resources;

    #[test]
    fn served_types_and_others_of_aws_exist() {
        assert!(resources::all().all(|resource_type| exists(resource_type.name)));
        assert!(exists("AWS::S3::Bucket") && exists("AWS::IAM::UserToGroupAddition") && exists("Alexa::ASK::Skill"));
        for name in ["AWS::No::Type", "AWS::S3", "AWS::S3::", "AWS", "", "#::Modules,"] {
            assert!(!exists(name), "{name}");
        }
    }
}
