//! Elastic IP addresses, from the range reserved for network benchmarks (198.18.0.0/15).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::records;
use super::resource_kinds::ADDRESS;
use super::tags::{self, TagSpecification};
use crate::base::ids;
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AllocateAddressInput {
    network_border_group: Option<String>,
    #[serde(default)]
    tag_specification: Vec<TagSpecification>,
}

/// `AllocateAddress`: allocates the lowest free address.
pub(super) fn allocate(sandbox: &Arc<Sandbox>, input: AllocateAddressInput) -> OperationResult {
    let id = ids::resource("eipalloc");
    let tags = tags::tag_set(&ADDRESS, input.tag_specification)?;
    if input.network_border_group.is_some_and(|group| group != sandbox.config.region) {
        return Err(Fault::not_implemented("ec2:AllocateAddress with a network border group other than the region"));
    }
    sandbox.store.write(|states| {
        let candidates = (18..20_u32).flat_map(|b| (1..=254_u32).map(move |d| format!("198.{b}.0.{d}")));
        let free = |address: &String| !records::any(states.of::<State>(), &ADDRESS, "publicIp", address);
        let exhausted =
            || Fault::limit_exceeded("AddressLimitExceeded", "The maximum number of addresses has been reached.");
        let public_ip = candidates.into_iter().find(free).ok_or_else(exhausted)?;
        let address = json!({
            "allocationId": id,
            "publicIp": public_ip,
            "domain": "vpc",
            "publicIpv4Pool": "amazon",
            "networkBorderGroup": sandbox.config.region,
            "tagSet": tags,
        });
        states.of_mut::<State>().records.insert(id, address.clone());
        Ok(without_tags(address))
    })
}

fn without_tags(mut address: Value) -> Value {
    if let Some(members) = address.as_object_mut() {
        members.remove("tagSet");
    }
    address
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReleaseAddressInput {
    allocation_id: String,
}

/// `ReleaseAddress`: refused while the address is in use.
pub(super) fn release(sandbox: &Arc<Sandbox>, input: ReleaseAddressInput) -> OperationResult {
    sandbox.store.write(|states| {
        let id = &input.allocation_id;
        let address = records::get(states.of::<State>(), &ADDRESS, id)?;
        if address.get("associationId").is_some() {
            let message = format!("Address with allocation id [{id}] cannot be released because it is associated");
            return Err(Fault::client("InvalidIPAddress.InUse", message));
        }
        states.of_mut::<State>().records.remove(id);
        Ok(records::success())
    })
}
