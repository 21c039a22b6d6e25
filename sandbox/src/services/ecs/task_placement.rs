//! A task's placement: a subnet of its network configuration, an address in it, and a zone.
//!
//! The addresses are only recorded: on this machine every task listens on the loopback address.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::model::{NetworkInterface, TaskStatus};
use crate::Sandbox;
use crate::base::ids;
use crate::services::ecs::State;

#[derive(Debug, Clone)]
pub(super) struct TaskPlacement {
    /// The interface, for tasks with a network configuration.
    pub(super) interface: Option<NetworkInterface>,
    pub(super) zone: String,
}

/// The subnet of a service's task by its index: tasks are spread over the subnets of the network configuration in order.
pub(super) fn subnet(configuration: Option<&Value>, index: usize) -> Option<String> {
    let subnets = configuration?.get("awsvpcConfiguration")?.get("subnets")?.as_array()?;
    let subnet = subnets.get(index.checked_rem(subnets.len())?)?;
    subnet.as_str().map(str::to_owned)
}

/// Places a task in a subnet. EC2 provides the subnet's range and zone; defaults are used if the subnet does not exist.
pub(super) async fn place_task(sandbox: &std::sync::Arc<Sandbox>, subnet_id: Option<String>) -> TaskPlacement {
    let zone = format!("{}a", sandbox.config.region);
    let Some(subnet_id) = subnet_id else { return TaskPlacement { interface: None, zone } };
    let response = sandbox.call("ec2", "DescribeSubnets", json!({ "SubnetId": [subnet_id] })).await.unwrap_or_default();
    let subnet_record = response.get("subnetSet").and_then(|subnets| subnets.get(0));
    let text = |member: &str| subnet_record.and_then(|subnet| subnet.get(member)).and_then(Value::as_str);
    let zone = text("availabilityZone").map_or(zone, str::to_owned);
    let private_ip = free_address(sandbox, text("cidrBlock").unwrap_or("10.0.0.0/24"));
    let mac =
        format!("02:{}", ids::hex(10).as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":"));
    let interface =
        NetworkInterface { attachment_id: ids::uuid(), id: ids::resource("eni"), subnet_id, private_ip, mac };
    TaskPlacement { interface: Some(interface), zone }
}

/// An address of a range that no other task has, if there is one.
fn free_address(sandbox: &Sandbox, cidr: &str) -> String {
    let used_addresses: BTreeSet<String> = sandbox.store.read(|states| {
        let running = states.of::<State>().tasks.values().filter(|task| task.last_status != TaskStatus::Stopped);
        running.filter_map(|task| Some(task.network.as_ref()?.private_ip.clone())).collect()
    });
    let mut candidates = std::iter::repeat_with(|| address(cidr).to_string());
    let free = candidates.by_ref().take(1000).find(|candidate| !used_addresses.contains(candidate));
    free.unwrap_or_else(|| address(cidr).to_string())
}

/// A random address of a range, without the first four and the last, which AWS reserves.
fn address(cidr: &str) -> Ipv4Addr {
    let (base, bits) = cidr.split_once('/').unwrap_or((cidr, "24"));
    let base: Ipv4Addr = base.parse().unwrap_or(Ipv4Addr::new(10, 0, 0, 0));
    let size = 1_u32.checked_shl(32_u32.saturating_sub(bits.parse().unwrap_or(24))).unwrap_or(256);
    Ipv4Addr::from(u32::from(base).saturating_add(rand::random_range(4..size.saturating_sub(1).max(5))))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use serde_json::json;

    #[test]
    fn an_address_is_in_its_range() {
        for _ in 0..100 {
            let address = super::address("10.1.2.16/28");
            assert!((Ipv4Addr::new(10, 1, 2, 20)..Ipv4Addr::new(10, 1, 2, 31)).contains(&address), "{address}");
        }
    }

    #[test]
    fn tasks_are_spread_over_subnets_in_order() {
        let configuration = json!({ "awsvpcConfiguration": { "subnets": ["a", "b"] } });
        let subnets: Vec<_> = (0..3).map(|index| super::subnet(Some(&configuration), index)).collect();
        assert_eq!(subnets, [Some("a".to_owned()), Some("b".to_owned()), Some("a".to_owned())]);
        assert_eq!(super::subnet(None, 0), None);
    }
}
