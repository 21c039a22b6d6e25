//! Cloud Map services: the DNS names and addresses of tasks.

use serde::Serialize;

/// A Cloud Map service with its namespace and instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiscoveryService {
    /// `SERVICE.NAMESPACE`.
    pub name: String,
    pub instances: Vec<DiscoveryInstance>,
}

impl DiscoveryService {
    /// `ADDRESS` or `ADDRESS:PORT` of each instance, separated by spaces.
    pub fn addresses(&self) -> String {
        let address = |instance: &DiscoveryInstance| match &instance.port {
            Some(port) => format!("{}:{port}", instance.address),
            None => instance.address.clone(),
        };
        self.instances.iter().map(address).collect::<Vec<_>>().join(" ")
    }
}

/// A registered instance: a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiscoveryInstance {
    /// The instance's id; for ECS, the task's id.
    pub id: String,
    /// AWS_INSTANCE_IPV4.
    pub address: String,
    /// AWS_INSTANCE_PORT.
    pub port: Option<String>,
}
