//! The shape of the registry. Its one value is in [`crate::registry`].

use std::sync::Arc;

use super::ports::{AlarmAction, InstanceTerminated};
use super::runtimes::Runtimes;
use super::{Config, Sandbox, Service};
use crate::Fault;
use crate::store::Schema;

/// Everything that a sandbox serves and runs.
#[derive(Debug)]
pub struct Registry {
    /// The services.
    pub services: &'static [&'static Service],
    /// What runs as long as the sandbox does: each starts its loops with [`Sandbox::spawn_loop`] or `sandbox.background.spawn`.
    pub loops: &'static [fn(&Arc<Sandbox>)],
    /// What its services store.
    pub schema: Schema,
    /// What its parts keep in memory.
    pub runtimes: fn(&Config) -> Runtimes,
    /// What alarms can do.
    pub alarm_actions: &'static [AlarmAction],
    /// What follows when an instance has been terminated.
    pub instance_terminated: &'static [InstanceTerminated],
}

impl Registry {
    /// The service of a signing name.
    pub fn find(&self, signing_name: &str) -> Result<&'static Service, Fault> {
        let found = self.services.iter().find(|service| service.signing_name == signing_name);
        found.copied().ok_or_else(|| Fault::not_implemented(&format!("the service {signing_name}")))
    }

    /// The operations of all services, as `SERVICE:OPERATION`.
    pub fn operations(&self) -> impl Iterator<Item = String> {
        self.services.iter().flat_map(|service| {
            service.operations.iter().map(|operation| format!("{}:{}", service.signing_name, operation.name))
        })
    }
}
