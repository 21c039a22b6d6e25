//! The local AWS that is built into the binary: an endpoint on loopback, with state on disk and real processes as tasks.
//!
//! It shares no code with the tool that contains it, and does not use the AWS SDKs, so that it can catch their mistakes. Its modules, each
//! of which uses only those before it: [`base`]; [`auth`] and [`protocol`], which turn a request into an input; [`store`], the state; [`process`],
//! processes and containers; [`fault_injection`]; [`core`], the interface of services; [`session_channel`], terminals;
//! [`services`] and [`cloudformation`]; [`control`], calls outside AWS's API; [`registry`], the table of what is served; [`server`];
//! [`client`] and [`lifecycle`], which call, start and stop a sandbox in the background. The tool's `tests/it/architecture.rs` has the
//! same as a table.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod auth;
mod base;
mod client;
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
pub use base::request_log::Reader as LogReader;
pub use control::messages;
use core::{Config, Sandbox};
pub use coverage::{Coverage, coverage};
pub use inner::inner;
pub use process::environment::{INHERITED as TASK_VARIABLES, INHERITED_BY_ENGINES as SANDBOX_VARIABLES};
use registry::REGISTRY;

/// How long background work may take to end at shutdown. [`lifecycle::stop`] waits a little longer.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens a sandbox with all services: see [`Sandbox::open`].
///
/// # Errors
/// Its state cannot be opened.
fn open(config: Config, shutdown: CancellationToken) -> io::Result<Arc<Sandbox>> {
    Sandbox::open(config, &REGISTRY, shutdown)
}

/// Serves requests on `listener` until the sandbox's shutdown, then ends the background work and returns.
///
/// # Errors
/// The listener fails.
async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
    // Before the loops start: their tasks need the port in their environment.
    let _ = sandbox.port.set(listener.local_addr()?.port());
    for start in sandbox.registry.loops {
        start(sandbox);
    }
    sandbox.log.write(&format!("start: version {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id()));
    let served = server::serve(listener, sandbox).await;
    sandbox.shutdown.cancel();
    sandbox.background.close();
    let stopped = tokio::time::timeout(SHUTDOWN_TIMEOUT, sandbox.background.wait()).await;
    sandbox.log.write(match stopped {
        Ok(()) => "stop: all background work has ended",
        Err(_) => "stop: some background work did not end in time",
    });
    served
}

/// What this package's own tests use, which are a crate of their own. It is not an interface for others.
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
    pub use crate::protocol::{EncodedRequest, Protocol, model};
    pub use crate::registry::REGISTRY;

    /// Opens a sandbox in this process.
    pub fn open(
        config: Config,
        shutdown: tokio_util::sync::CancellationToken,
    ) -> std::io::Result<std::sync::Arc<Sandbox>> {
        crate::open(config, shutdown)
    }
}
