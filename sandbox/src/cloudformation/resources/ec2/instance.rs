//! `AWS::EC2::Instance`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    HandlerContext, HandlerOutput, PhysicalResource, ResourceType, Tag, resource_type, tag_specification, text,
    update_tags,
};
use crate::Fault;

pub(super) const TYPE: ResourceType = resource_type!(
    "AWS::EC2::Instance",
    attributes: ["InstanceId", "AvailabilityZone", "PrivateDnsName", "PrivateIp", "PublicDnsName", "PublicIp", "VpcId"],
    // AWS stops the instance to change these, which the sandbox cannot.
    create_only: ["IamInstanceProfile", "InstanceType", "SecurityGroupIds", "UserData"],
    create, update_tags, delete
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Ec2InstanceProperties {
    availability_zone: Option<String>,
    iam_instance_profile: Option<String>,
    image_id: Option<String>,
    instance_type: Option<String>,
    #[serde(default)]
    network_interfaces: Vec<NetworkInterfaceProperties>,
    #[serde(default)]
    security_group_ids: Vec<String>,
    subnet_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    user_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NetworkInterfaceProperties {
    associate_public_ip_address: Option<bool>,
    delete_on_termination: Option<bool>,
    description: Option<String>,
    device_index: i64,
    #[serde(default)]
    group_set: Vec<String>,
    subnet_id: Option<String>,
}

impl NetworkInterfaceProperties {
    fn input(&self) -> Value {
        json!({
            "AssociatePublicIpAddress": self.associate_public_ip_address,
            "DeleteOnTermination": self.delete_on_termination,
            "Description": self.description,
            "DeviceIndex": self.device_index,
            "SecurityGroupId": self.group_set,
            "SubnetId": self.subnet_id,
        })
    }
}

async fn create(context: HandlerContext, properties: Value) -> Result<HandlerOutput, Fault> {
    let instance: Ec2InstanceProperties = context.properties(properties)?;
    let input = json!({
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": instance.subnet_id,
        "Placement": instance.availability_zone.map(|zone| json!({ "AvailabilityZone": zone })),
        "SecurityGroupId": instance.security_group_ids,
        "NetworkInterface": instance.network_interfaces.iter().map(NetworkInterfaceProperties::input).collect::<Vec<_>>(),
        "IamInstanceProfile": instance.iam_instance_profile.map(|name| json!({ "Name": name })),
        "UserData": instance.user_data,
        "TagSpecification": tag_specification(&context, "instance", &instance.tags),
    });
    let response = context.call("ec2", "RunInstances", input).await?;
    let instance = &response["instancesSet"][0];
    let id = text(instance, "/instanceId");
    let attributes = json!({
        "InstanceId": id,
        "AvailabilityZone": text(instance, "/placement/availabilityZone"),
        "PrivateDnsName": text(instance, "/privateDnsName"),
        "PrivateIp": text(instance, "/privateIpAddress"),
        "PublicDnsName": text(instance, "/dnsName"),
        "PublicIp": text(instance, "/ipAddress"),
        "VpcId": text(instance, "/vpcId"),
    });
    Ok(HandlerOutput::new(id, attributes))
}

async fn delete(context: HandlerContext, old: PhysicalResource) -> Result<(), Fault> {
    context.call("ec2", "TerminateInstances", json!({ "InstanceId": [old.physical_id] })).await.map(drop)
}
