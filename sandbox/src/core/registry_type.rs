//! The type of the registry. Its only value is [`crate::registry::REGISTRY`].

use std::sync::Arc;

use super::hooks::{AlarmAction, InstanceTerminated};
use super::in_memory::InMemoryState;
use super::{AwsService, Config, RateLimit, Sandbox};
use crate::Fault;
use crate::store::Schema;

/// Converts rows that an older version has stored.
pub(crate) type Migration = fn(&Sandbox) -> Result<(), Fault>;

/// The services of a sandbox, and everything that runs and is stored with them.
#[derive(Debug)]
pub struct Registry {
    pub services: &'static [&'static AwsService],
    /// The limits of requests per second.
    pub rate_limits: &'static [RateLimit],
    /// Start the background loops, with [`Sandbox::spawn_loop`] or `sandbox.background.spawn`.
    pub loops: &'static [fn(&Arc<Sandbox>)],
    /// Run once, when the sandbox opens.
    pub migrations: &'static [Migration],
    /// The tables of the services.
    pub schema: Schema,
    /// Creates the in-memory state.
    pub in_memory: fn(&Config) -> InMemoryState,
    /// The kinds of actions that alarms can perform.
    pub alarm_actions: &'static [AlarmAction],
    /// Called when an EC2 instance has been terminated.
    pub instance_terminated: &'static [InstanceTerminated],
}

impl Registry {
    /// The service of a signing name.
    pub fn find(&self, signing_name: &str) -> Result<&'static AwsService, Fault> {
        let service = self.services.iter().find(|service| service.signing_name == signing_name);
        service.copied().ok_or_else(|| Fault::not_implemented(&format!("the service {signing_name}")))
    }

    /// The operations of all services, as `SERVICE:OPERATION`.
    pub fn operations(&self) -> impl Iterator<Item = String> {
        self.services.iter().flat_map(|service| {
            service.operations.iter().map(|operation| format!("{}:{}", service.signing_name, operation.name))
        })
    }
}
