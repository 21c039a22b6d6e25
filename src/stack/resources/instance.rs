//! The EC2 instance that load tests run from.

use serde_json::{Value, json};

use super::{INSTANCE, Resource, name_tag, reference};

/// The resources that an instance refers to.
pub(in crate::stack) struct InstanceReferences<'a> {
    pub availability_zone: &'a str,
    /// Logical id of the instance profile.
    pub profile: &'a str,
    /// Logical id of the parameter that holds the image.
    pub image: &'a str,
    /// The id of its security group.
    pub security_group: &'a Value,
    /// Logical id of the subnet.
    pub subnet: &'a str,
}

/// An instance with the Name tag `name` that runs `user_data` when it first starts.
pub(in crate::stack) fn instance(name: &str, user_data: &str, references: &InstanceReferences<'_>) -> Resource {
    INSTANCE.with(json!({
        "AvailabilityZone": references.availability_zone,
        "IamInstanceProfile": reference(references.profile),
        "ImageId": reference(references.image),
        "InstanceType": "t3.medium",
        "SecurityGroupIds": [references.security_group],
        "SubnetId": reference(references.subnet),
        "Tags": name_tag(name),
        "UserData": { "Fn::Base64": user_data },
    }))
}
