//! The local addresses of services: opened, kept up to date and closed as the rows say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::model::{ContainerDefinition, ServiceStatus, Task, TaskStatus};
use crate::Sandbox;
use crate::core::NoInput;
use crate::process::address::ServiceAddress;
use crate::services::ecs::Runtime;
use crate::services::ecs::State;
use crate::store::World;

/// What the rows say about one service's address.
struct Wanted {
    port: Option<u16>,
    targets: Vec<u16>,
}

/// Brings the addresses in line with the rows.
pub(super) async fn sync(sandbox: &Arc<Sandbox>) {
    let wanted = sandbox.world.read(wanted);
    sandbox.runtime::<Runtime>().addresses().retain(|key, _| wanted.contains_key(key));
    let mut moved = Vec::new();
    for (key, Wanted { port, targets }) in wanted {
        let opened = sandbox.runtime::<Runtime>().addresses().contains_key(&key);
        if !opened {
            // Without a free port on the whole machine the service has no address; its tasks run all the same.
            let Ok(address) = ServiceAddress::open(port).await else { continue };
            if port != Some(address.port()) {
                moved.push((key.clone(), address.port()));
            }
            sandbox.runtime::<Runtime>().addresses().insert(key.clone(), address);
        }
        if let Some(address) = sandbox.runtime::<Runtime>().addresses().get(&key) {
            address.set_targets(targets);
        }
    }
    if !moved.is_empty() {
        // When the port cannot be remembered it is only another one after a restart.
        let _ = sandbox.world.write(|world| {
            for (key, port) in &moved {
                if let Some(service) = world.of_mut::<State>().services.get_mut(key) {
                    service.local_port = Some(*port);
                }
            }
            Ok(())
        });
    }
}

/// The active services whose containers have a TCP port, and the real ports of their running tasks.
fn wanted(world: &World) -> BTreeMap<String, Wanted> {
    let active = world.of::<State>().services.iter().filter(|(_, service)| service.status == ServiceStatus::Active);
    active
        .filter(|(_, service)| {
            let primary = service.deployments.first();
            let definition = primary.and_then(|primary| super::names::task_definition(world, &primary.task_definition));
            definition.is_some_and(|definition| definition.containers().iter().any(ContainerDefinition::has_tcp_port))
        })
        .map(|(key, service)| {
            let targets =
                super::tasks_of(world, service).into_iter().filter(|task| serves(task)).filter_map(port).collect();
            (key.to_owned(), Wanted { port: service.local_port, targets })
        })
        .collect()
}

fn serves(task: &Task) -> bool {
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

/// The stable local address of every service.
pub fn describe(sandbox: &Arc<Sandbox>, NoInput {}: NoInput) -> Value {
    let addresses: Vec<Value> = sandbox
        .runtime::<Runtime>()
        .addresses()
        .iter()
        .filter_map(|(key, address)| {
            let (cluster, service) = key.split_once('/')?;
            Some(json!({ "cluster": cluster, "service": service, "url": address.url() }))
        })
        .collect();
    json!({ "addresses": addresses })
}
