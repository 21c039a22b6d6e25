//! A container's network: which of its ports are published where, and whose network it uses.
//!
//! Where the engine can, a container has a network of its own and its ports are published on leased loopback ports, so that any
//! number of tasks can listen on the same port. In a [task network](NetworkMode::Task) the first essential container has the
//! network, with the ports of all, and those after it use it: they reach each other over localhost. On this machine's network a
//! container listens on its own ports, or, where the engine cannot set up networks, on the one in `PORT`.

use std::sync::{Arc, OnceLock};

use super::kind::NetworkSharing;
use crate::process::port_leases::{PortLease, PortPool};

/// Which network a container is to have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NetworkMode {
    None,
    Host,
    /// Its own.
    #[default]
    Bridge,
    /// One for all containers of the task (`awsvpc`).
    Task,
}

/// A port that a container listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerPort {
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: String,
}

/// The network that a container is created with.
#[derive(Debug, Clone, Default)]
pub(crate) struct NetworkOptions {
    /// The kind of network.
    pub mode: NetworkMode,
    /// The port that addresses of the container lead to.
    pub main_port: Option<ContainerPort>,
    /// All its ports.
    pub ports: Vec<ContainerPort>,
    /// In a task network: what the containers share.
    pub task: TaskOptions,
}

/// A task's network from the view of one of its containers.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskOptions {
    /// The network, once a container has it.
    pub network: Arc<OnceLock<TaskNetwork>>,
    /// Whether the container may be the one that has the network.
    pub can_own: bool,
    /// The ports of all containers.
    pub ports: Vec<ContainerPort>,
    /// How many containers there are.
    pub containers: usize,
}

/// The network that the containers of a task share.
#[derive(Debug, Clone)]
pub(crate) struct TaskNetwork {
    /// The container that has it.
    owner: String,
    /// The ports of all containers, as published.
    published: Vec<PublishedPort>,
}

/// A container's network, as the engine sets it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Network {
    /// Its own, with ports published on this machine's loopback address.
    Own(Vec<PublishedPort>),
    /// That of another container of its task.
    Of(String),
    Host,
    None,
}

/// A port of a container, and where it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublishedPort {
    /// The port on this machine.
    pub host: u16,
    /// The port in the container.
    pub container: ContainerPort,
}

/// How a container is connected.
pub(super) struct ContainerNetwork {
    pub(super) network: Network,
    pub(super) leases: Vec<PortLease>,
    /// Where its main port is reached.
    pub(super) port: Option<u16>,
    /// Whether the program gets its port from `PORT`.
    sets_port: bool,
    sharing: NetworkSharing,
    /// What the task's other containers use once this one runs.
    shared: Option<(Arc<OnceLock<TaskNetwork>>, TaskNetwork)>,
}

impl ContainerNetwork {
    /// Selects the network of a container, and leases its ports. `name` is the container's name; `has_bridge` is whether the
    /// engine can set up networks.
    pub(super) fn allocate(
        options: &NetworkOptions,
        ports: &PortPool,
        name: &str,
        has_bridge: bool,
    ) -> Result<Self, String> {
        let main = options.main_port.as_ref();
        match options.mode {
            NetworkMode::None => return Ok(Self::new(Network::None, None)),
            NetworkMode::Host => return Ok(Self::new(Network::Host, main.map(|main| main.port))),
            NetworkMode::Bridge | NetworkMode::Task if !has_bridge => {
                let lease = ports.lease().map_err(|error| error.to_string())?;
                let port = Some(lease.number());
                return Ok(Self { leases: vec![lease], sets_port: true, ..Self::new(Network::Host, port) });
            }
            NetworkMode::Bridge | NetworkMode::Task => {}
        }
        let (is_task, task) = (options.mode == NetworkMode::Task, &options.task);
        if let Some(TaskNetwork { owner, published }) = task.network.get().filter(|_| is_task) {
            let port = main.and_then(|main| host_port(published, main));
            let sharing = NetworkSharing::UserOf(owner.clone());
            return Ok(Self { sharing, ..Self::new(Network::Of(owner.clone()), port) });
        }
        let is_owner = is_task && task.can_own;
        let (mut published, mut leases) = (Vec::new(), Vec::new());
        for container in if is_owner { &task.ports } else { &options.ports } {
            let lease = ports.lease().map_err(|error| error.to_string())?;
            published.push(PublishedPort { host: lease.number(), container: container.clone() });
            leases.push(lease);
        }
        let port = main.and_then(|main| host_port(&published, main));
        let sharing = if is_owner && task.containers > 1 { NetworkSharing::Owner } else { NetworkSharing::Alone };
        let network = TaskNetwork { owner: name.to_owned(), published: published.clone() };
        let shared = is_owner.then(|| (Arc::clone(&task.network), network));
        Ok(Self { leases, sharing, shared, ..Self::new(Network::Own(published), port) })
    }

    fn new(network: Network, port: Option<u16>) -> Self {
        Self { network, port, leases: Vec::new(), sets_port: false, sharing: NetworkSharing::Alone, shared: None }
    }

    pub(super) fn sharing(&self) -> &NetworkSharing {
        &self.sharing
    }

    /// The variable with the port that the program has to listen on, if it may not use its own.
    pub(super) fn variables(&self) -> Option<(String, String)> {
        self.port.filter(|_| self.sets_port).map(|port| ("PORT".to_owned(), port.to_string()))
    }

    /// Once the container runs: lets the task's other containers use its network.
    pub(super) fn share(&self) {
        if let Some((cell, network)) = &self.shared {
            // Containers of a task start one after the other, so that it is the only one that has the network.
            let _ = cell.set(network.clone());
        }
    }
}

fn host_port(published: &[PublishedPort], port: &ContainerPort) -> Option<u16> {
    published.iter().find(|mapping| mapping.container == *port).map(|mapping| mapping.host)
}
