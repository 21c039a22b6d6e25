//! Instances: records of machines that were asked for. No machine is started.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::nouns::{INSTANCE, SECURITY_GROUP, SUBNET};
use super::records::{self, TagSpecification};
use crate::sandbox::services::Reply;
use crate::sandbox::world::clock::iso8601;
use crate::sandbox::world::ids;
use crate::sandbox::{Fault, Sandbox};

/// The input of `RunInstances`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Run {
    image_id: String,
    #[serde(default = "default_type")]
    instance_type: String,
    max_count: u32,
    subnet_id: String,
    #[serde(default)]
    security_group_id: Vec<String>,
    iam_instance_profile: Option<Profile>,
    user_data: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

fn default_type() -> String {
    "m1.small".to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Profile {
    arn: Option<String>,
    name: Option<String>,
}

/// `RunInstances`, one at a time.
pub fn run(sandbox: &Arc<Sandbox>, input: Run) -> Reply {
    if input.max_count != 1 {
        return Err(Fault::not_implemented("ec2:RunInstances with another count than one"));
    }
    let (id, reservation, launched) = (ids::resource("i"), ids::resource("r"), iso8601(sandbox.clock.now()));
    let tags = records::tag_set(input.tag_specification);
    let account = &sandbox.config.account;
    sandbox.world.write(|world| {
        let subnet = records::get(&world.ec2, &SUBNET, &input.subnet_id)?;
        let mut groups = Vec::new();
        for group in &input.security_group_id {
            let record = records::get(&world.ec2, &SECURITY_GROUP, group)?;
            groups.push(json!({ "groupId": group, "groupName": record["groupName"] }));
        }
        let profile = input.iam_instance_profile.as_ref().map(|profile| profile_of(world, profile)).transpose()?;
        let number = u32::try_from(world.ec2.records.with_prefix(INSTANCE.prefix).count()).unwrap_or_default();
        let range = subnet["cidrBlock"].as_str().and_then(Cidr::parse);
        let private_ip = range.map(|range| range.host(10 + number).to_string()).unwrap_or_default();
        let instance = json!({
            "instanceId": id,
            "imageId": input.image_id,
            "instanceState": { "code": 16, "name": "running" },
            "privateDnsName": format!("ip-{}.ec2.internal", private_ip.replace('.', "-")),
            "dnsName": "",
            "amiLaunchIndex": 0,
            "instanceType": input.instance_type,
            "launchTime": launched,
            "placement": { "availabilityZone": subnet["availabilityZone"], "groupName": "", "tenancy": "default" },
            "monitoring": { "state": "disabled" },
            "subnetId": input.subnet_id,
            "vpcId": subnet["vpcId"],
            "privateIpAddress": private_ip,
            "groupSet": groups,
            "architecture": "x86_64",
            "rootDeviceType": "ebs",
            "rootDeviceName": "/dev/xvda",
            "blockDeviceMapping": [],
            "virtualizationType": "hvm",
            "iamInstanceProfile": profile,
            "networkInterfaceSet": [],
            "sourceDestCheck": true,
            "tagSet": tags,
            "reservation": { "reservationId": reservation, "ownerId": account, "groupSet": [] },
            "userData": input.user_data,
        });
        world.ec2.records.insert(id, instance.clone());
        Ok(reservation_of(instance))
    })
}

fn profile_of(world: &crate::sandbox::world::World, profile: &Profile) -> Result<Value, Fault> {
    let name = profile.name.as_deref().or_else(|| profile.arn.as_deref()?.rsplit('/').next()).unwrap_or_default();
    let missing = || {
        let message = format!(
            "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        );
        Fault::client("InvalidParameterValue", message)
    };
    let found = world.iam.instance_profiles.get(name).ok_or_else(missing)?;
    Ok(json!({ "arn": found.arn, "id": found.id }))
}

/// A record as its reservation, which is how instances are answered.
fn reservation_of(mut instance: Value) -> Value {
    let members = instance.as_object_mut().expect("a record is an object");
    members.remove("userData");
    let mut reservation = members.remove("reservation").unwrap_or_else(|| json!({}));
    reservation["instancesSet"] = json!([instance]);
    reservation
}

/// `DescribeInstances`.
pub fn describe(sandbox: &Arc<Sandbox>, input: records::Describe) -> Reply {
    let found = sandbox.world.read(|world| records::select(&world.ec2, &INSTANCE, &input))?;
    Ok(json!({ "reservationSet": found.into_iter().map(reservation_of).collect::<Vec<_>>() }))
}

/// The input of `TerminateInstances`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Terminate {
    instance_id: Vec<String>,
}

/// `TerminateInstances`: the records stay, as terminated.
pub fn terminate(sandbox: &Arc<Sandbox>, input: Terminate) -> Reply {
    sandbox.world.write(|world| {
        let mut changed = Vec::new();
        for id in &input.instance_id {
            let instance = records::get_mut(&mut world.ec2, &INSTANCE, id)?;
            let terminated = json!({ "code": 48, "name": "terminated" });
            let previous = std::mem::replace(&mut instance["instanceState"], terminated.clone());
            changed.push(json!({ "instanceId": id, "currentState": terminated, "previousState": previous }));
        }
        Ok(json!({ "instancesSet": changed }))
    })
}
