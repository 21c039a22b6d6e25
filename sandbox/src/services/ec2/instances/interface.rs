//! The one network interface of an instance.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::base::{ids, zones};
use crate::services::ec2::State;
use crate::services::ec2::cidr::Cidr;
use crate::services::ec2::records;
use crate::services::ec2::resource_kinds::{INSTANCE, SECURITY_GROUP, SUBNET, VPC};
use crate::services::ec2::security_groups::no_default_vpc;
use crate::{Config, Fault};

/// Public addresses are taken from a range that is reserved for documentation.
const PUBLIC_RANGE: &str = "203.0.113.0/24";
/// The first addresses of a subnet are used by gateways.
const FIRST_HOST: u32 = 10;

/// The network interface in a request for an instance.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NetworkInterfaceSpecification {
    pub device_index: Option<u32>,
    pub subnet_id: Option<String>,
    #[serde(default)]
    pub security_group_id: Vec<String>,
    pub associate_public_ip_address: Option<bool>,
    pub delete_on_termination: Option<bool>,
    pub description: Option<String>,
}

impl NetworkInterfaceSpecification {
    /// The network members of an instance.
    pub(super) fn members(&self, state: &State, config: &Config, launched: &str) -> Result<Value, Fault> {
        let subnet_id = self.subnet_id.as_deref().ok_or_else(no_default_vpc)?;
        let subnet = records::get(state, &SUBNET, subnet_id)?;
        let groups = self.groups(state, subnet_id, &subnet["vpcId"])?;
        let private = private_address(state, subnet)?;
        let private_name = zones::private_name(&config.region, &private);
        let is_public = self.associate_public_ip_address.unwrap_or(subnet["mapPublicIpOnLaunch"] == true);
        let public = is_public.then(|| public_address(state)).transpose()?;
        let public_name = public.as_deref().and_then(|address| public_name(state, config, &subnet["vpcId"], address));
        let association = public
            .as_ref()
            .map(|address| json!({ "publicIp": address, "publicDnsName": public_name, "ipOwnerId": "amazon" }));
        let interface = json!({
            "networkInterfaceId": ids::resource("eni"),
            "subnetId": subnet_id,
            "vpcId": subnet["vpcId"],
            "ownerId": config.account,
            "description": self.description.as_deref().unwrap_or_default(),
            "status": "in-use",
            "interfaceType": "interface",
            "macAddress": mac_address(),
            "privateIpAddress": private,
            "privateDnsName": private_name,
            "sourceDestCheck": true,
            "groupSet": groups,
            "association": association,
            "attachment": {
                "attachmentId": ids::resource("eni-attach"),
                "attachTime": launched,
                "deleteOnTermination": self.delete_on_termination.unwrap_or(true),
                "deviceIndex": 0,
                "networkCardIndex": 0,
                "status": "attached",
            },
            "privateIpAddressesSet": [{
                "primary": true,
                "privateIpAddress": private,
                "privateDnsName": private_name,
                "association": association,
            }],
            "ipv6AddressesSet": [],
        });
        Ok(json!({
            "placement": { "availabilityZone": subnet["availabilityZone"], "groupName": "", "tenancy": "default" },
            "subnetId": subnet_id,
            "vpcId": subnet["vpcId"],
            "privateIpAddress": private,
            "privateDnsName": private_name,
            "ipAddress": public,
            "dnsName": public_name.unwrap_or_default(),
            "groupSet": groups,
            "networkInterfaceSet": [interface],
        }))
    }

    /// The requested security groups, or the VPC's default one.
    fn groups(&self, state: &State, subnet: &str, vpc: &Value) -> Result<Value, Fault> {
        let to_output = |group: &Value| json!({ "groupId": group["groupId"], "groupName": group["groupName"] });
        if self.security_group_id.is_empty() {
            let mut all = state.records.with_prefix(SECURITY_GROUP.prefix).map(|(_, group)| group);
            let default = all.find(|group| group["vpcId"] == *vpc && group["groupName"] == "default");
            return Ok(default.into_iter().map(to_output).collect());
        }
        let mut groups = Vec::new();
        for id in &self.security_group_id {
            let group = records::get(state, &SECURITY_GROUP, id)?;
            if group["vpcId"] != *vpc {
                let message = format!("Security group {id} and subnet {subnet} belong to different networks.");
                return Err(Fault::client("InvalidParameter", message));
            }
            groups.push(to_output(group));
        }
        Ok(groups.into())
    }
}

fn private_address(state: &State, subnet: &Value) -> Result<String, Fault> {
    let range = subnet["cidrBlock"].as_str().and_then(Cidr::parse);
    let mut hosts =
        range.into_iter().flat_map(|range| (0..range.usable()).map(move |number| range.host(FIRST_HOST + number)));
    let used_addresses: Vec<&Value> = state
        .records
        .with_prefix(INSTANCE.prefix)
        .filter(|(_, instance)| instance["subnetId"] == subnet["subnetId"])
        .map(|(_, instance)| &instance["privateIpAddress"])
        .collect();
    let free = hosts.find(|host| !used_addresses.iter().any(|address| **address == host.to_string()));
    free.map(|host| host.to_string()).ok_or_else(|| {
        let message = "The specified subnet does not have enough free addresses to satisfy the request.";
        Fault::client("InsufficientFreeAddressesInSubnet", message)
    })
}

fn public_address(state: &State) -> Result<String, Fault> {
    let range = Cidr::parse(PUBLIC_RANGE);
    let mut hosts = range.into_iter().flat_map(|range| (0..range.usable()).map(move |number| range.host(number)));
    let free = hosts.find(|host| !records::any(state, &INSTANCE, "ipAddress", &host.to_string()));
    free.map(|host| host.to_string()).ok_or_else(|| Fault::not_implemented("more instances with public addresses"))
}

/// The public DNS name, if the VPC has DNS host names enabled.
fn public_name(state: &State, config: &Config, vpc: &Value, address: &str) -> Option<String> {
    let vpc = records::get(state, &VPC, vpc.as_str()?).ok()?;
    let subdomain = match config.region.as_str() {
        "us-east-1" => "compute-1".to_owned(),
        region => format!("{region}.compute"),
    };
    let name = format!("ec2-{}.{subdomain}.{}", address.replace('.', "-"), config.partition().url_suffix);
    (vpc["attributes"]["enableDnsHostnames"] == true).then_some(name)
}

fn mac_address() -> String {
    let digits = ids::hex(10);
    let pairs: Vec<&str> = (0..5).map(|at| &digits[at * 2..at * 2 + 2]).collect();
    format!("02:{}", pairs.join(":"))
}
