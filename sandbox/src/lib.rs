//! The local AWS that is built into the binary: an endpoint on loopback, with state on disk and real processes as tasks.
//!
//! It shares no code with the tool that contains it, and does not use the AWS SDKs, so that it can catch their mistakes. Its modules, each
//! of which uses only those before it: [`base`]; [`auth`] and [`protocol`], which turn a request into an input; [`store`], the state; [`process`],
//! processes and containers; [`fault_injection`]; [`core`], the interface of services; [`session_channel`], terminals;
//! [`services`] and [`cloudformation`]; [`control`], calls outside AWS's API; [`registry`], the table of what is served; [`server`];
//! [`client`] and [`lifecycle`], which call, start and stop a sandbox in the background. The tool's `tests/it/architecture.rs` has the
//! same as a table.

mod auth;
mod base;
mod client;
#[expect(missing_docs, reason = "public for tests only")]
mod cloudformation;
mod control;
mod core;
mod coverage;
mod fault_injection;
mod inner;
pub mod lifecycle;
mod process;
mod protocol;
mod registry;
mod server;
mod services;
mod session_channel;
mod store;

use base::fault::{Fault, FaultKind};
pub use base::request_log::LogReader;
pub use control::messages;
use core::{Config, Sandbox};
pub use coverage::{Coverage, coverage};
pub use inner::inner;
pub use process::environment::{INHERITED as TASK_VARIABLES, INHERITED_BY_ENGINES as SANDBOX_VARIABLES};

/// Opens a sandbox, for the unit tests of modules that may not use the registry.
#[cfg(test)]
fn open(config: Config, shutdown: tokio_util::sync::CancellationToken) -> std::io::Result<std::sync::Arc<Sandbox>> {
    registry::open(config, shutdown)
}

/// Items for this package's integration tests; not public API.
#[doc(hidden)]
pub mod testing {
    pub use crate::auth::Credentials;
    pub use crate::base::clock::{Clock, from_epoch_seconds, iso8601};
    pub use crate::base::fault::Fault;
    pub use crate::base::glob;
    pub use crate::cloudformation::resources;
    pub use crate::core::{Config, Sandbox};
    pub use crate::process::load_balancer::LoadBalancer;
    pub use crate::process::mock_backend::MockBackend;
    pub use crate::process::{
        CpuTimes, Exit, PortPool, Process, ProcessSpec, Runner, StartError, TASK_MARKER, environment,
    };
    pub use crate::protocol::{EncodedRequest, Protocol, service_model};
    pub use crate::registry::REGISTRY;

    /// Opens a sandbox in this process.
    pub fn open(
        config: Config,
        shutdown: tokio_util::sync::CancellationToken,
    ) -> std::io::Result<std::sync::Arc<Sandbox>> {
        crate::registry::open(config, shutdown)
    }
}
