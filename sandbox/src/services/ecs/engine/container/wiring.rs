//! A container's network: which ports of it are published where, and whose network it shares.
//!
//! Where the engine can, a container has a network of its own and its ports are published on loopback ports that are the
//! task's own, so that any number of tasks can listen on the same port. In `awsvpc` mode the first essential container has the network, with
//! the ports of all, and those after it share it: they reach each other over localhost. With `host`, or where the engine
//! cannot set up networks, a container listens on this machine's ports: those of its definition with `host`, else the one that `PORT` says.

use super::arguments::{Network, Published};
use super::{Origin, key};
use crate::Sandbox;
use crate::process::PortLease;
use crate::process::engine::Sharing;
use crate::services::ecs::Runtime;
use crate::services::ecs::model::{PortMapping, Task};

/// The network that the containers of an `awsvpc` task share.
#[derive(Debug, Clone)]
pub struct TaskNetwork {
    /// The container that has it.
    owner: String,
    /// The ports of all, as published.
    published: Vec<Published>,
}

/// How a container is connected.
pub(super) struct Wiring {
    pub(super) network: Network,
    pub(super) leases: Vec<PortLease>,
    /// Where its main port is reached.
    pub(super) port: Option<u16>,
    /// Whether its program has to be told its port.
    tells_port: bool,
    /// What the task's other containers are to share.
    shared: Option<TaskNetwork>,
}

impl Wiring {
    /// `name` is the container's own; `bridged` says whether it can have a network of its own.
    pub(super) fn of(sandbox: &Sandbox, origin: &Origin, name: &str, bridged: bool) -> Result<Self, String> {
        let Origin { task, definition, container, .. } = origin;
        let plain = |network, port| Self { network, leases: Vec::new(), port, tells_port: false, shared: None };
        let main = container.main_port();
        match definition.text("networkMode") {
            Some("none") => return Ok(plain(Network::None, None)),
            Some("host") => return Ok(plain(Network::Host, main.map(|mapping| mapping.container_port))),
            _ if !bridged => {
                let lease = sandbox.runtime::<Runtime>().ports.lease().map_err(|error| error.to_string())?;
                let port = Some(lease.number());
                return Ok(Self { leases: vec![lease], tells_port: true, ..plain(Network::Host, port) });
            }
            _ => {}
        }
        let awsvpc = definition.text("networkMode") == Some("awsvpc");
        let shared = sandbox
            .runtime::<Runtime>()
            .running()
            .get(&key(&task.cluster, &task.id))
            .and_then(|task| task.network.clone());
        if let Some(shared) = shared.filter(|_| awsvpc) {
            let port = main.and_then(|mapping| reached(&shared.published, mapping));
            return Ok(plain(Network::Of(shared.owner), port));
        }
        let owns = awsvpc && container.essential;
        let containers = if owns { definition.containers() } else { vec![container.clone()] };
        let (mut published, mut leases) = (Vec::new(), Vec::new());
        for mapping in containers.iter().flat_map(|container| &container.port_mappings) {
            let lease = sandbox.runtime::<Runtime>().ports.lease().map_err(|error| error.to_string())?;
            let protocol = mapping.protocol().to_owned();
            published.push(Published { host: lease.number(), container: mapping.container_port, protocol });
            leases.push(lease);
        }
        let port = main.and_then(|mapping| reached(&published, mapping));
        let shared = owns.then(|| TaskNetwork { owner: name.to_owned(), published: published.clone() });
        Ok(Self { leases, shared, ..plain(Network::Own(published), port) })
    }

    /// What its engine has to know of it and the task's other containers.
    pub(super) fn sharing(&self, origin: &Origin) -> Sharing {
        match &self.network {
            Network::Of(owner) => Sharing::Uses(owner.clone()),
            _ if self.shared.is_some() && origin.definition.containers().len() > 1 => Sharing::Has,
            _ => Sharing::Alone,
        }
    }

    /// What its program has to be told.
    pub(super) fn variables(&self) -> Option<(String, String)> {
        self.port.filter(|_| self.tells_port).map(|port| ("PORT".to_owned(), port.to_string()))
    }

    /// Once the container runs: lets the task's other containers share its network.
    pub(super) fn settle(&self, sandbox: &Sandbox, task: &Task) {
        if let Some(shared) = &self.shared
            && let Some(running) = sandbox.runtime::<Runtime>().running().get_mut(&key(&task.cluster, &task.id))
        {
            running.network = Some(shared.clone());
        }
    }
}

fn reached(published: &[Published], mapping: &PortMapping) -> Option<u16> {
    let is_same = |one: &&Published| one.container == mapping.container_port && one.protocol == mapping.protocol();
    published.iter().find(is_same).map(|one| one.host)
}
