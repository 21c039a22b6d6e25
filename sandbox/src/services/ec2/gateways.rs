//! Internet gateways and NAT gateways.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::records::{self, list};
use super::resource_kinds::{ADDRESS, INTERNET_GATEWAY, NAT_GATEWAY, SUBNET, VPC};
use super::tags::{self, TagSpecification};
use crate::base::clock::iso8601;
use crate::base::ids;
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateInternetGatewayInput {
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

pub(super) fn create_internet(sandbox: &Arc<Sandbox>, input: CreateInternetGatewayInput) -> OperationResult {
    let id = ids::resource("igw");
    let tags = tags::tag_set(&INTERNET_GATEWAY, input.tag_specification)?;
    let gateway = json!({
        "internetGatewayId": id,
        "ownerId": sandbox.config.account,
        "attachmentSet": [],
        "tagSet": tags,
    });
    sandbox.store.write(|states| {
        states.of_mut::<State>().records.insert(id, gateway.clone());
        Ok(json!({ "internetGateway": gateway }))
    })
}

/// The input of `AttachInternetGateway` and `DetachInternetGateway`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InternetGatewayAttachmentInput {
    internet_gateway_id: String,
    vpc_id: String,
}

/// `AttachInternetGateway`. A VPC has at most one internet gateway, and a gateway at most one VPC.
pub(super) fn attach_internet(sandbox: &Arc<Sandbox>, input: InternetGatewayAttachmentInput) -> OperationResult {
    sandbox.store.write(|states| {
        let InternetGatewayAttachmentInput { internet_gateway_id: gateway, vpc_id: vpc } = &input;
        records::get(states.of::<State>(), &VPC, vpc)?;
        if records::any(states.of::<State>(), &INTERNET_GATEWAY, "attachmentSet/vpcId", vpc) {
            let message = format!("Network {vpc} already has an internet gateway attached");
            return Err(Fault::client("InvalidParameterValue", message));
        }
        let attachments =
            list(records::get_mut(states.of_mut::<State>(), &INTERNET_GATEWAY, gateway)?, "attachmentSet");
        if !attachments.is_empty() {
            let message = format!("resource {gateway} is already attached to a network");
            return Err(Fault::client("Resource.AlreadyAssociated", message));
        }
        attachments.push(json!({ "vpcId": vpc, "state": "available" }));
        Ok(records::success())
    })
}

pub(super) fn detach_internet(sandbox: &Arc<Sandbox>, input: InternetGatewayAttachmentInput) -> OperationResult {
    sandbox.store.write(|states| {
        let InternetGatewayAttachmentInput { internet_gateway_id: gateway, vpc_id: vpc } = &input;
        let attachments =
            list(records::get_mut(states.of_mut::<State>(), &INTERNET_GATEWAY, gateway)?, "attachmentSet");
        let before = attachments.len();
        attachments.retain(|attachment| attachment["vpcId"] != vpc.as_str());
        if attachments.len() == before {
            let message = format!("resource {gateway} is not attached to network {vpc}");
            return Err(Fault::client("Gateway.NotAttached", message));
        }
        Ok(records::success())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteInternetGatewayInput {
    internet_gateway_id: String,
}

/// `DeleteInternetGateway`: refused while the gateway is attached.
pub(super) fn delete_internet(sandbox: &Arc<Sandbox>, input: DeleteInternetGatewayInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = &input.internet_gateway_id;
        if !list(records::get_mut(states.of_mut::<State>(), &INTERNET_GATEWAY, id)?, "attachmentSet").is_empty() {
            return Err(records::dependency_violation("internetGateway", id));
        }
        states.of_mut::<State>().records.remove(id);
        Ok(records::success())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateNatGatewayInput {
    subnet_id: String,
    allocation_id: String,
    client_token: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

/// `CreateNatGateway`, public only. It is available immediately.
pub(super) fn create_nat(sandbox: &Arc<Sandbox>, input: CreateNatGatewayInput) -> OperationResult {
    let (id, created) = (ids::resource("nat"), iso8601(sandbox.clock.now()));
    let tags = tags::tag_set(&NAT_GATEWAY, input.tag_specification)?;
    let to_output = |nat: &Value| {
        let mut nat = nat.clone();
        nat["attributes"] = Value::Null;
        json!({ "natGateway": nat, "clientToken": input.client_token })
    };
    sandbox.store.write(|states| {
        if let Some(nat) =
            records::find_by_client_token(states.of::<State>(), &NAT_GATEWAY, input.client_token.as_deref())
        {
            return Ok(to_output(nat));
        }
        let subnet = records::get(states.of::<State>(), &SUBNET, &input.subnet_id)?.clone();
        let number =
            u32::try_from(states.of::<State>().records.with_prefix(NAT_GATEWAY.prefix).count()).unwrap_or_default();
        let private_ip = subnet["cidrBlock"].as_str().and_then(Cidr::parse).map(|range| range.host(number).to_string());
        let address = records::get_mut(states.of_mut::<State>(), &ADDRESS, &input.allocation_id)?;
        if address.get("associationId").is_some() {
            let message = format!("Elastic IP address [{}] is already associated", input.allocation_id);
            return Err(Fault::client("Resource.AlreadyAssociated", message));
        }
        let (association, interface) = (ids::resource("eipassoc"), ids::resource("eni"));
        address["associationId"] = association.clone().into();
        address["networkInterfaceId"] = interface.clone().into();
        address["networkInterfaceOwnerId"] = sandbox.config.account.as_str().into();
        address["privateIpAddress"] = json!(private_ip);
        let nat = json!({
            "natGatewayId": id,
            "subnetId": input.subnet_id,
            "vpcId": subnet["vpcId"],
            "state": "available",
            "connectivityType": "public",
            "createTime": created,
            "natGatewayAddressSet": [{
                "allocationId": input.allocation_id,
                "associationId": association,
                "networkInterfaceId": interface,
                "privateIp": private_ip,
                "publicIp": address["publicIp"],
                "isPrimary": true,
                "status": "succeeded",
            }],
            "tagSet": tags,
            "attributes": { "clientToken": input.client_token },
        });
        let response = to_output(&nat);
        states.of_mut::<State>().records.insert(id, nat);
        Ok(response)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteNatGatewayInput {
    nat_gateway_id: String,
}

/// `DeleteNatGateway`: releases its address. The record is kept in state `deleted`.
pub(super) fn delete_nat(sandbox: &Arc<Sandbox>, input: DeleteNatGatewayInput) -> OperationResult {
    let deleted = iso8601(sandbox.clock.now());
    sandbox.store.write(|states| {
        let id = &input.nat_gateway_id;
        let nat = records::get_mut(states.of_mut::<State>(), &NAT_GATEWAY, id)?;
        nat["state"] = "deleted".into();
        nat["deleteTime"] = deleted.into();
        let allocations: Vec<Value> =
            list(nat, "natGatewayAddressSet").iter().map(|address| address["allocationId"].clone()).collect();
        for allocation in allocations.iter().filter_map(Value::as_str) {
            if let Some(address) = states.of_mut::<State>().records.get_mut(allocation).and_then(Value::as_object_mut) {
                for member in ["associationId", "networkInterfaceId", "networkInterfaceOwnerId", "privateIpAddress"] {
                    address.remove(member);
                }
            }
        }
        Ok(json!({ "natGatewayId": id }))
    })
}
