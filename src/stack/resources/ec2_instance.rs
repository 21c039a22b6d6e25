//! `AWS::EC2::Instance`: the machine that load tests run from.

use serde_json::{Value, json};

use super::ResourceType;
/// The type's row.
pub(super) const TYPE: ResourceType = ResourceType { name: "AWS::EC2::Instance", required_first: &[] };

/// What the instance refers to, by logical id where it is a resource.
pub(in crate::stack) struct Surroundings<'a> {
    /// Its availability zone.
    pub zone: &'a str,
    /// The instance profile.
    pub profile: &'a str,
    /// The parameter that holds the image.
    pub image: &'a str,
    /// The id of its security group.
    pub group: &'a Value,
    /// The subnet.
    pub subnet: &'a str,
}

/// An instance called `name` that runs `user_data` when it first starts.
pub(in crate::stack) fn properties(name: &str, user_data: &str, around: &Surroundings<'_>) -> Value {
    json!({
        "AvailabilityZone": around.zone,
        "IamInstanceProfile": { "Ref": around.profile },
        "ImageId": { "Ref": around.image },
        "InstanceType": "t3.medium",
        "SecurityGroupIds": [around.group],
        "SubnetId": { "Ref": around.subnet },
        "Tags": super::name_tag(name),
        "UserData": { "Fn::Base64": user_data },
    })
}
