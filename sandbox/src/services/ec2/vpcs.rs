//! VPCs. Each is created with a default security group and a main route table.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::records;
use super::resource_kinds::{INTERNET_GATEWAY, NAT_GATEWAY, ROUTE_TABLE, SECURITY_GROUP, SUBNET, VPC};
use super::tags::{self, TagSpecification};
use super::{State, routes, security_groups};
use crate::base::ids;
use crate::core::OperationResult;
use crate::{Config, Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateVpcInput {
    cidr_block: String,
    instance_tenancy: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateVpcInput) -> OperationResult {
    let range = Cidr::parse_parameter("cidrBlock", &input.cidr_block)?;
    if !range.is_of_vpc_size() {
        return Err(Fault::client("InvalidVpc.Range", format!("The CIDR '{}' is invalid.", input.cidr_block)));
    }
    let tenancy = input.instance_tenancy.as_deref().unwrap_or("default");
    if !["default", "dedicated"].contains(&tenancy) {
        let message = format!("Value ({tenancy}) for parameter instanceTenancy is invalid.");
        return Err(Fault::client("InvalidParameterValue", message));
    }
    let tags = tags::tag_set(&VPC, input.tag_specification)?;
    sandbox.store.write(|states| {
        let mut vpc = insert(states.of_mut::<State>(), &sandbox.config, &range.to_string(), tenancy, false, tags);
        vpc["attributes"] = Value::Null;
        Ok(json!({ "vpc": vpc }))
    })
}

/// Adds a VPC with its default security group and its main route table.
fn insert(state: &mut State, config: &Config, cidr: &str, tenancy: &str, is_default: bool, tags: Value) -> Value {
    let (id, owner) = (ids::resource("vpc"), &config.account);
    let vpc = json!({
        "vpcId": id,
        "ownerId": owner,
        "state": "available",
        "cidrBlock": cidr,
        "cidrBlockAssociationSet": [{
            "associationId": ids::resource("vpc-cidr-assoc"),
            "cidrBlock": cidr,
            "cidrBlockState": { "state": "associated" },
        }],
        "dhcpOptionsId": "default",
        "instanceTenancy": tenancy,
        "isDefault": is_default,
        "tagSet": tags,
        // Shown by `DescribeVpcAttribute` only.
        "attributes": { "enableDnsSupport": true, "enableDnsHostnames": is_default },
    });
    let group = security_groups::record(config, &id, "default", "default VPC security group", json!([]));
    state.records.insert(text(&group, "groupId"), group);
    let table = routes::record(owner, &id, cidr, json!([]), true);
    state.records.insert(text(&table, "routeTableId"), table);
    state.records.insert(id, vpc.clone());
    vpc
}

/// The range of a default VPC ("Default VPC components" in the VPC user guide).
const DEFAULT_RANGE: &str = "172.31.0.0/16";

/// The id of the default VPC. An account of AWS begins with one in each region; the sandbox adds it, without subnets, for the first
/// request that needs it.
pub(super) fn default_vpc(state: &mut State, config: &Config) -> String {
    let existing = state.records.with_prefix(VPC.prefix).find(|(_, vpc)| vpc["isDefault"] == true);
    match existing.map(|(id, _)| id.to_owned()) {
        Some(id) => id,
        None => text(&insert(state, config, DEFAULT_RANGE, "default", true, json!([])), "vpcId"),
    }
}

fn text(record: &Value, member: &str) -> String {
    record[member].as_str().unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AttributeValue {
    pub value: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ModifyVpcAttributeInput {
    vpc_id: String,
    enable_dns_support: Option<AttributeValue>,
    enable_dns_hostnames: Option<AttributeValue>,
}

/// `ModifyVpcAttribute`, of one attribute per request.
pub(super) fn modify_attribute(sandbox: &Arc<Sandbox>, input: ModifyVpcAttributeInput) -> OperationResult {
    let ModifyVpcAttributeInput { vpc_id, enable_dns_support, enable_dns_hostnames } = input;
    let (name, value) = match (enable_dns_hostnames, enable_dns_support) {
        (Some(AttributeValue { value }), None) => ("enableDnsHostnames", value),
        (None, Some(AttributeValue { value })) => ("enableDnsSupport", value),
        (given, _) => {
            let message = match given {
                None => "No attributes specified.",
                Some(_) => "Fields for multiple attribute types specified: enableDnsHostnames, enableDnsSupport",
            };
            return Err(Fault::client("InvalidParameterCombination", message));
        }
    };
    sandbox.store.write(|states| {
        records::get_mut(states.of_mut::<State>(), &VPC, &vpc_id)?["attributes"][name] = value.into();
        Ok(records::success())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeVpcAttributeInput {
    vpc_id: String,
    attribute: String,
}

pub(super) fn describe_attribute(sandbox: &Arc<Sandbox>, input: DescribeVpcAttributeInput) -> OperationResult {
    sandbox.store.read(|states| {
        let mut value = &records::get(states.of::<State>(), &VPC, &input.vpc_id)?["attributes"][&input.attribute];
        if input.attribute == "enableNetworkAddressUsageMetrics" {
            // It cannot be enabled in the sandbox.
            value = &Value::Bool(false);
        }
        if value.is_null() {
            let message = format!("Value ({}) for parameter attribute is invalid.", input.attribute);
            return Err(Fault::client("InvalidParameterValue", message));
        }
        Ok(json!({ "vpcId": input.vpc_id, input.attribute: { "value": value } }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteVpcInput {
    vpc_id: String,
}

/// `DeleteVpc`: refused while the VPC contains anything but what it was created with.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteVpcInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = &input.vpc_id;
        records::get(states.of::<State>(), &VPC, id)?;
        if is_in_use(states.of::<State>(), id) {
            return Err(records::dependency_violation("vpc", id));
        }
        for key in default_resources(states.of::<State>(), id) {
            states.of_mut::<State>().records.remove(&key);
        }
        states.of_mut::<State>().records.remove(id);
        Ok(records::success())
    })
}

fn is_in_use(state: &State, id: &str) -> bool {
    let nat = state.records.with_prefix(NAT_GATEWAY.prefix);
    records::any(state, &SUBNET, "vpcId", id)
        || records::any(state, &INTERNET_GATEWAY, "attachmentSet/vpcId", id)
        || nat.into_iter().any(|(_, gateway)| gateway["vpcId"] == id && gateway["state"] != "deleted")
        || state
            .records
            .with_prefix(SECURITY_GROUP.prefix)
            .any(|(_, group)| group["vpcId"] == id && group["groupName"] != "default")
        || state
            .records
            .with_prefix(ROUTE_TABLE.prefix)
            .any(|(_, table)| table["vpcId"] == id && !routes::is_main(table))
}

fn default_resources(state: &State, id: &str) -> Vec<String> {
    let groups = state.records.with_prefix(SECURITY_GROUP.prefix);
    let tables = state.records.with_prefix(ROUTE_TABLE.prefix);
    groups.chain(tables).filter(|(_, record)| record["vpcId"] == id).map(|(key, _)| key.to_owned()).collect()
}
