//! Instances: records only. No machine is started.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::describe_operations::{self, DescribeInput};
use super::records;
use super::resource_kinds::INSTANCE;
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

mod interface;
mod profile;
mod run_instances;
mod types;

pub(super) use run_instances::run;

/// The reservation of the instances that one call has created.
fn to_reservation(mut instances: Vec<Value>) -> Value {
    instances.sort_by_key(|instance| instance["amiLaunchIndex"].as_u64());
    let mut reservation = json!({});
    let mut outputs = Vec::new();
    for mut instance in instances {
        if let Some(members) = instance.as_object_mut() {
            members.remove("userData");
            reservation = members.remove("reservation").unwrap_or(reservation);
        }
        outputs.push(instance);
    }
    reservation["instancesSet"] = outputs.into();
    reservation
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeInput) -> OperationResult {
    sandbox.store.read(|states| {
        let instances = describe_operations::select(states.of::<State>(), &INSTANCE, &input)?;
        let mut reservations: Vec<Vec<Value>> = Vec::new();
        for mut instance in instances {
            describe_operations::hide_members(&INSTANCE, &mut instance);
            let is_same = |other: &&mut Vec<Value>| {
                other[0]["reservation"]["reservationId"] == instance["reservation"]["reservationId"]
            };
            match reservations.iter_mut().find(is_same) {
                Some(reservation) => reservation.push(instance),
                None => reservations.push(vec![instance]),
            }
        }
        let (page, next_token) = input.page(&INSTANCE, reservations.into_iter().map(to_reservation).collect())?;
        Ok(json!({ "reservationSet": page, "nextToken": next_token }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TerminateInstancesInput {
    #[serde(default)]
    instance_id: Vec<String>,
}

/// `TerminateInstances`. The records are kept in state `terminated`.
pub(super) fn terminate(sandbox: &Arc<Sandbox>, input: TerminateInstancesInput) -> OperationResult {
    if input.instance_id.is_empty() {
        return Err(Fault::client("InvalidParameterCombination", "No instances specified"));
    }
    let now = sandbox.clock.now();
    let terminated = sandbox.store.write(|states| {
        check_ids(states.of::<State>(), &input.instance_id)?;
        let mut changed = Vec::new();
        for id in &input.instance_id {
            let instance = records::get_mut(states.of_mut::<State>(), &INSTANCE, id)?;
            let previous = instance["instanceState"].clone();
            let mut current = previous.clone();
            if previous["name"] != "terminated" {
                set_terminated(instance, now);
                current = json!({ "code": 32, "name": "shutting-down" });
            }
            changed.push(json!({ "instanceId": id, "currentState": current, "previousState": previous }));
        }
        Ok(json!({ "instancesSet": changed }))
    })?;
    for id in &input.instance_id {
        sandbox.registry.instance_terminated.iter().for_each(|hook| hook(sandbox, id));
    }
    Ok(terminated)
}

/// Sets the state, and removes the instance from its network.
fn set_terminated(instance: &mut Value, now: Timestamp) {
    let reason = json!({
        "code": "Client.UserInitiatedShutdown",
        "message": "Client.UserInitiatedShutdown: User initiated shutdown",
    });
    instance["instanceState"] = json!({ "code": 48, "name": "terminated" });
    instance["stateReason"] = reason;
    instance["reason"] = format!("User initiated ({})", crate::base::clock::gmt(now)).into();
    for member in ["subnetId", "vpcId", "privateIpAddress", "ipAddress"] {
        instance[member] = Value::Null;
    }
    for member in ["privateDnsName", "dnsName"] {
        instance[member] = "".into();
    }
    for member in ["groupSet", "networkInterfaceSet"] {
        instance[member] = json!([]);
    }
}

fn check_ids(state: &State, ids: &[String]) -> Result<(), Fault> {
    if let Some(malformed) = ids.iter().find_map(|id| records::malformed(&INSTANCE, id)) {
        return Err(malformed);
    }
    let unknown: Vec<&str> =
        ids.iter().filter(|id| !records::exists(state, &INSTANCE, id)).map(String::as_str).collect();
    if unknown.is_empty() { Ok(()) } else { Err(records::not_found(&INSTANCE, &unknown)) }
}
