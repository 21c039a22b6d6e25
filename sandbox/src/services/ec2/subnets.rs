//! Subnets.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::cidr::Cidr;
use super::records;
use super::resource_kinds::{INSTANCE, NAT_GATEWAY, SUBNET, VPC};
use super::tags::{self, TagSpecification};
use super::vpcs::AttributeValue;
use crate::base::ids;
use crate::base::zones::{self, Zone};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateSubnetInput {
    vpc_id: String,
    cidr_block: String,
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateSubnetInput) -> OperationResult {
    let config = &sandbox.config;
    let zone = chosen_zone(&config.region, input.availability_zone.as_deref(), input.availability_zone_id.as_deref())?;
    let (id, tags) = (ids::resource("subnet"), tags::tag_set(&SUBNET, input.tag_specification)?);
    sandbox.store.write(|states| {
        let range = checked_range(states.of::<State>(), &input.vpc_id, &input.cidr_block)?;
        let subnet = json!({
            "subnetId": id,
            "subnetArn": config.arn("ec2", &format!("subnet/{id}")),
            "ownerId": config.account,
            "state": "available",
            "vpcId": input.vpc_id,
            "cidrBlock": range.to_string(),
            "availableIpAddressCount": range.usable(),
            "availabilityZoneId": zone.id,
            "availabilityZone": zone.name,
            "defaultForAz": false,
            "mapPublicIpOnLaunch": false,
            "assignIpv6AddressOnCreation": false,
            "ipv6CidrBlockAssociationSet": [],
            "ipv6Native": false,
            "enableDns64": false,
            "mapCustomerOwnedIpOnLaunch": false,
            "privateDnsNameOptionsOnLaunch": {
                "hostnameType": "ip-name",
                "enableResourceNameDnsARecord": false,
                "enableResourceNameDnsAAAARecord": false,
            },
            "tagSet": tags,
        });
        states.of_mut::<State>().records.insert(id, subnet.clone());
        Ok(json!({ "subnet": subnet }))
    })
}

/// The requested zone, by name or id; the first one by default.
fn chosen_zone(region: &str, name: Option<&str>, id: Option<&str>) -> Result<Zone, Fault> {
    let mut zones = zones::zones_in(region);
    let known: Vec<String> =
        zones.iter().map(|zone| if id.is_some() { zone.id.clone() } else { zone.name.clone() }).collect();
    let (name, parameter) = match (name, id) {
        (Some(_), Some(_)) => {
            let message = "Parameters availabilityZone and availabilityZoneId can not be used together";
            return Err(Fault::client("InvalidParameterCombination", message));
        }
        (None, None) => return Ok(zones.swap_remove(0)),
        (Some(name), None) => (name, "availabilityZone"),
        (None, Some(id)) => (id, "availabilityZoneId"),
    };
    let unknown_zone = || {
        let message = format!(
            "Value ({name}) for parameter {parameter} is invalid. Subnets can currently only be created in the following \
             availability zones: {}.",
            known.join(", ")
        );
        Fault::client("InvalidParameterValue", message)
    };
    let at = known.iter().position(|zone| zone == name).ok_or_else(unknown_zone)?;
    Ok(zones.swap_remove(at))
}

fn checked_range(state: &State, vpc: &str, cidr: &str) -> Result<Cidr, Fault> {
    let vpc_range = records::get(state, &VPC, vpc)?["cidrBlock"].as_str().and_then(Cidr::parse);
    let invalid_range = || Fault::client("InvalidSubnet.Range", format!("The CIDR '{cidr}' is invalid."));
    let range = Cidr::parse_parameter("cidrBlock", cidr)?;
    if !range.is_of_vpc_size() || !vpc_range.is_some_and(|vpc| vpc.contains(range)) {
        return Err(invalid_range());
    }
    let conflicts = |subnet: &Value| {
        let other = subnet["cidrBlock"].as_str().and_then(Cidr::parse);
        subnet["vpcId"] == vpc && other.is_some_and(|other| other.overlaps(range))
    };
    if state.records.with_prefix(SUBNET.prefix).any(|(_, subnet)| conflicts(subnet)) {
        return Err(Fault::client(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    Ok(range)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ModifySubnetAttributeInput {
    subnet_id: String,
    map_public_ip_on_launch: Option<AttributeValue>,
}

pub(super) fn modify_attribute(sandbox: &Arc<Sandbox>, input: ModifySubnetAttributeInput) -> OperationResult {
    sandbox.store.write(|states| {
        let subnet = records::get_mut(states.of_mut::<State>(), &SUBNET, &input.subnet_id)?;
        if let Some(AttributeValue { value }) = input.map_public_ip_on_launch {
            subnet["mapPublicIpOnLaunch"] = value.into();
        }
        Ok(records::success())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteSubnetInput {
    subnet_id: String,
}

/// `DeleteSubnet`: refused while a gateway or an instance is in the subnet.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteSubnetInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = &input.subnet_id;
        records::get(states.of::<State>(), &SUBNET, id)?;
        if is_in_use(states.of::<State>(), id) {
            return Err(records::dependency_violation("subnet", id));
        }
        super::routes::remove_subnet_associations(states.of_mut::<State>(), id);
        states.of_mut::<State>().records.remove(id);
        Ok(records::success())
    })
}

fn is_in_use(state: &State, id: &str) -> bool {
    let here = |record: &Value| record["subnetId"] == id;
    let mut gateways = state.records.with_prefix(NAT_GATEWAY.prefix);
    let mut instances = state.records.with_prefix(INSTANCE.prefix);
    gateways.any(|(_, gateway)| here(gateway) && gateway["state"] != "deleted")
        || instances.any(|(_, instance)| here(instance) && instance["instanceState"]["name"] != "terminated")
}
