//! `AWS::EC2::Instance`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Incarnation, Made, ResourceType, Tag, resource_type, tag_specification, text, update_tags};
use crate::sandbox::Fault;

/// The row.
pub const TYPE: ResourceType = resource_type!(
    "AWS::EC2::Instance",
    attributes: ["InstanceId", "AvailabilityZone", "PrivateDnsName", "PrivateIp", "VpcId"],
    create_only: ["AvailabilityZone", "ImageId", "IamInstanceProfile", "InstanceType", "SecurityGroupIds", "SubnetId", "UserData"],
    create, update_tags, delete
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Instance {
    // The subnet's zone is the instance's.
    #[serde(rename = "AvailabilityZone")]
    _availability_zone: Option<String>,
    iam_instance_profile: Option<String>,
    image_id: Option<String>,
    instance_type: Option<String>,
    #[serde(default)]
    security_group_ids: Vec<String>,
    subnet_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
    user_data: Option<String>,
}

async fn create(context: Context, properties: Value) -> Result<Made, Fault> {
    let instance: Instance = context.properties(properties)?;
    let input = json!({
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": instance.subnet_id,
        "SecurityGroupId": instance.security_group_ids,
        "IamInstanceProfile": instance.iam_instance_profile.map(|name| json!({ "Name": name })),
        "UserData": instance.user_data,
        "TagSpecification": tag_specification(&context, &instance.tags),
    });
    let answer = context.call("ec2", "RunInstances", input).await?;
    let made = &answer["instancesSet"][0];
    let id = text(made, "/instanceId");
    let attributes = json!({
        "InstanceId": id,
        "AvailabilityZone": text(made, "/placement/availabilityZone"),
        "PrivateDnsName": text(made, "/privateDnsName"),
        "PrivateIp": text(made, "/privateIpAddress"),
        "VpcId": text(made, "/vpcId"),
    });
    Ok(Made::new(id, attributes))
}

async fn delete(context: Context, old: Incarnation) -> Result<(), Fault> {
    context.call("ec2", "TerminateInstances", json!({ "InstanceId": [old.physical_id] })).await.map(drop)
}
