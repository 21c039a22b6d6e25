//! `RunInstances`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::interface::NetworkInterfaceSpecification;
use super::profile::IamInstanceProfileSpecification;
use super::{to_reservation, types};
use crate::base::clock::iso8601;
use crate::base::ids;
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::services::ec2::records::{self, invalid_parameter};
use crate::services::ec2::resource_kinds::INSTANCE;
use crate::services::ec2::security_groups::no_default_vpc;
use crate::services::ec2::tags::{self, TagSpecification};
use crate::{Fault, Sandbox};

/// How many instances one call may create.
const MAX_INSTANCES: i64 = 100;
/// The size of user data in bytes (EC2 user guide).
const MAX_USER_DATA_BYTES: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct RunInstancesInput {
    image_id: String,
    #[serde(default = "default_type")]
    instance_type: String,
    min_count: i64,
    max_count: i64,
    placement: Option<PlacementInput>,
    subnet_id: Option<String>,
    #[serde(default)]
    security_group_id: Vec<String>,
    #[serde(default)]
    security_group: Vec<String>,
    #[serde(default)]
    network_interface: Vec<NetworkInterfaceSpecification>,
    iam_instance_profile: Option<IamInstanceProfileSpecification>,
    user_data: Option<String>,
    client_token: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

/// The placement in a request. Only the zone is served.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PlacementInput {
    availability_zone: Option<String>,
}

fn default_type() -> String {
    "m1.small".to_owned()
}

/// `RunInstances`. The response shows the instances as pending, all later ones as running.
pub(crate) fn run(sandbox: &Arc<Sandbox>, mut input: RunInstancesInput) -> OperationResult {
    input.check()?;
    let interface = input.interface()?;
    let tags = tags::tag_set(&INSTANCE, std::mem::take(&mut input.tag_specification))?;
    let (reservation, launched) = (ids::resource("r"), iso8601(sandbox.clock.now()));
    sandbox.store.write(|states| {
        if let Some(before) =
            records::find_by_client_token(states.of::<State>(), &INSTANCE, input.client_token.as_deref())
        {
            let reservation_id = before["reservation"]["reservationId"].clone();
            let instances =
                states.of::<State>().records.with_prefix(INSTANCE.prefix).map(|(_, instance)| instance.clone());
            let earlier = instances.filter(|instance| instance["reservation"]["reservationId"] == reservation_id);
            return Ok(to_reservation(earlier.collect()));
        }
        let profile = input.iam_instance_profile.as_ref().map(|profile| profile.to_output(states)).transpose()?;
        let mut created = Vec::new();
        for index in 0..input.max_count {
            let id = ids::resource("i");
            let mut instance = json!({
                "instanceId": id,
                "imageId": input.image_id,
                "instanceState": { "code": 16, "name": "running" },
                "amiLaunchIndex": index,
                "instanceType": input.instance_type,
                "launchTime": launched,
                "monitoring": { "state": "disabled" },
                "architecture": types::architecture(&input.instance_type),
                "hypervisor": "xen",
                "ebsOptimized": false,
                "enaSupport": true,
                "rootDeviceType": "ebs",
                "rootDeviceName": "/dev/xvda",
                "blockDeviceMapping": [],
                "virtualizationType": "hvm",
                "iamInstanceProfile": profile,
                "sourceDestCheck": true,
                "clientToken": input.client_token,
                "tagSet": tags,
                "reservation": { "reservationId": reservation, "ownerId": sandbox.config.account, "groupSet": [] },
                "userData": input.user_data,
            });
            let network = interface.members(states.of::<State>(), &sandbox.config, &launched)?;
            let zone = input.placement.as_ref().and_then(|placement| placement.availability_zone.as_deref());
            if zone.is_some_and(|zone| network["placement"]["availabilityZone"] != zone) {
                return Err(Fault::not_implemented("ec2:RunInstances with another zone than that of the subnet"));
            }
            for (member, value) in network.as_object().into_iter().flatten() {
                instance[member] = value.clone();
            }
            states.of_mut::<State>().records.insert(id, instance.clone());
            instance["instanceState"] = json!({ "code": 0, "name": "pending" });
            created.push(instance);
        }
        Ok(to_reservation(created))
    })
}

impl RunInstancesInput {
    fn check(&self) -> Result<(), Fault> {
        let image = self.image_id.as_str();
        if image.starts_with("resolve:ssm:") {
            return Err(Fault::not_implemented("ec2:RunInstances with an image that a parameter names"));
        }
        if !image.strip_prefix("ami-").is_some_and(records::is_hex) {
            let expecting = if image.starts_with("ami-") { "" } else { " (expecting \"ami-...\")" };
            return Err(Fault::client("InvalidAMIID.Malformed", format!("Invalid id: \"{image}\"{expecting}")));
        }
        if !types::exists(&self.instance_type) {
            return Err(invalid_parameter(format!("Invalid value '{}' for InstanceType.", self.instance_type)));
        }
        let (min, max) = (self.min_count, self.max_count);
        for (name, count) in [("minCount", min), ("maxCount", max)] {
            if count < 1 {
                return Err(invalid_parameter(format!(
                    "Value ({count}) for parameter {name} is invalid. Must be at least 1."
                )));
            }
        }
        if min > max {
            let message = "Must be less than or equal to maxCount.";
            return Err(invalid_parameter(format!("Value ({min}) for parameter minCount is invalid. {message}")));
        }
        if max > MAX_INSTANCES {
            let message = format!(
                "You have requested more instances ({max}) than your current instance limit of {MAX_INSTANCES} allows."
            );
            return Err(Fault::limit_exceeded("InstanceLimitExceeded", message));
        }
        self.check_user_data()
    }

    fn check_user_data(&self) -> Result<(), Fault> {
        let Some(data) = &self.user_data else { return Ok(()) };
        // Some clients wrap the lines of base64.
        let data: String = data.split_whitespace().collect();
        let bytes = STANDARD.decode(data).map_err(|_| invalid_parameter("Invalid BASE64 encoding of user data."))?;
        if bytes.len() > MAX_USER_DATA_BYTES {
            return Err(invalid_parameter(format!("User data is limited to {MAX_USER_DATA_BYTES} bytes")));
        }
        Ok(())
    }

    /// The requested network interface, in either form of the request.
    fn interface(&mut self) -> Result<NetworkInterfaceSpecification, Fault> {
        let combination = |message: &str| Err(Fault::client("InvalidParameterCombination", message));
        if self.network_interface.len() > 1 {
            return Err(Fault::not_implemented("ec2:RunInstances with several members NetworkInterface"));
        }
        if let Some(interface) = self.network_interface.pop() {
            if self.subnet_id.is_some() {
                return combination(
                    "Network interfaces and an instance-level subnet ID may not be specified on the same request",
                );
            }
            if !self.security_group_id.is_empty() || !self.security_group.is_empty() {
                return combination(
                    "Network interfaces and an instance-level security groups may not be specified on the same request",
                );
            }
            return match interface.device_index {
                Some(0) => Ok(interface),
                None => Err(invalid_parameter("Each network interface requires a device index.")),
                Some(_) => Err(invalid_parameter("The primary network interface must have the device index 0.")),
            };
        }
        let subnet_id = Some(self.subnet_id.take().ok_or_else(no_default_vpc)?);
        if !self.security_group.is_empty() {
            return combination("The parameter groupName cannot be used with the parameter subnet");
        }
        let security_group_id = std::mem::take(&mut self.security_group_id);
        Ok(NetworkInterfaceSpecification { subnet_id, security_group_id, ..NetworkInterfaceSpecification::default() })
    }
}
