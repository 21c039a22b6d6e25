//! The local addresses of services, reconciled with the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{ContainerDefinition, ServiceStatus, Task, TaskStatus};
use crate::Sandbox;
use crate::process::load_balancer::LoadBalancer;
use crate::services::ecs::{State, TaskProcesses};
use crate::store::States;

/// The desired state of a service's address.
struct Desired {
    port: Option<u16>,
    targets: Vec<u16>,
}

/// Opens, updates and closes addresses.
pub(super) async fn reconcile(sandbox: &Arc<Sandbox>) {
    let desired = sandbox.store.read(desired);
    sandbox.in_memory::<TaskProcesses>().addresses().retain(|key, _| desired.contains_key(key));
    let mut new_ports = Vec::new();
    for (key, Desired { port, targets }) in desired {
        let is_open = sandbox.in_memory::<TaskProcesses>().addresses().contains_key(&key);
        if !is_open {
            // Without a free port on the machine the service has no address, but its tasks run.
            let Ok(address) = LoadBalancer::open(port).await else { continue };
            if port != Some(address.port()) {
                new_ports.push((key.clone(), address.port()));
            }
            sandbox.in_memory::<TaskProcesses>().addresses().insert(key.clone(), address);
        }
        if let Some(address) = sandbox.in_memory::<TaskProcesses>().addresses().get(&key) {
            address.set_targets(targets);
        }
    }
    if !new_ports.is_empty() {
        // If this cannot be written, the service gets another port after a restart.
        let _ = sandbox.store.write(|states| {
            for (key, port) in &new_ports {
                if let Some(service) = states.of_mut::<State>().services.get_mut(key) {
                    service.local_port = Some(*port);
                }
            }
            Ok(())
        });
    }
}

/// The active services whose containers have a TCP port, and the real ports of their running tasks.
fn desired(states: &States) -> BTreeMap<String, Desired> {
    let active = states.of::<State>().services.iter().filter(|(_, service)| service.status == ServiceStatus::Active);
    active
        .filter(|(_, service)| {
            let primary = service.deployments.first();
            let definition =
                primary.and_then(|primary| super::lookups::task_definition(states, &primary.task_definition));
            definition.is_some_and(|definition| definition.containers().iter().any(ContainerDefinition::has_tcp_port))
        })
        .map(|(key, service)| {
            let targets = super::tasks_of(states, service)
                .into_iter()
                .filter(|task| accepts_connections(task))
                .filter_map(port)
                .collect();
            (key.to_owned(), Desired { port: service.local_port, targets })
        })
        .collect()
}

fn accepts_connections(task: &Task) -> bool {
    task.last_status == TaskStatus::Running && task.desired_status == TaskStatus::Running
}

/// The real port of a task: that of its first container that has a TCP port.
pub(super) fn port(task: &Task) -> Option<u16> {
    task.containers
        .iter()
        .filter(|container| !container.udp)
        .find_map(|container| container.ports)
        .map(|(_, host_port)| host_port)
}

/// The stable local URLs of all services that have one, by `CLUSTER/SERVICE`.
pub(crate) fn urls(sandbox: &Arc<Sandbox>) -> BTreeMap<String, String> {
    let processes = sandbox.in_memory::<TaskProcesses>();
    let addresses = processes.addresses();
    addresses.iter().map(|(key, address)| (key.clone(), address.url())).collect()
}
