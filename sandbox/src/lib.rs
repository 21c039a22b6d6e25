//! The local AWS that is built into the binary: an endpoint on loopback, with state on disk and real processes as tasks.
//!
//! It shares no code with the tool that contains it, and does not use the AWS SDKs, so that it can catch their mistakes. Its modules, each
//! of which uses only those before it: [`base`]; [`auth`] and [`protocol`], which turn a request into an input; [`store`], the state; [`process`],
//! processes and containers; [`faults`], fault injection; [`core`], the interface of services; [`session_channel`], terminals;
//! [`services`] and [`cloudformation`]; [`control`], calls outside AWS's API; [`registry`], the table of what is served; [`server`];
//! [`client`] and [`lifecycle`], which call, start and stop a sandbox in the background. The tool's `tests/it/architecture.rs` has the
//! same as a table.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub mod auth;
pub mod base;
pub mod client;
pub mod cloudformation;
mod control;
mod core;
mod coverage;
mod faults;
mod inner;
pub mod lifecycle;
pub mod process;
pub mod protocol;
mod registry;
mod server;
mod services;
mod session_channel;
mod store;

pub use base::fault::{Fault, FaultKind};
pub use base::request_log::Reader as LogReader;
pub use core::{Config, Sandbox};
pub use coverage::{Coverage, coverage};
pub use inner::inner;
pub use process::environment::{INHERITED as TASK_VARIABLES, INHERITED_BY_ENGINES as SANDBOX_VARIABLES};
pub use registry::REGISTRY;

/// How long background work may take to end at shutdown. [`lifecycle::stop`] waits a little longer.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Opens a sandbox with all services: see [`Sandbox::open`].
///
/// # Errors
/// Its state cannot be opened.
pub fn open(config: Config, shutdown: CancellationToken) -> io::Result<Arc<Sandbox>> {
    Sandbox::open(config, &REGISTRY, shutdown)
}

/// Serves requests on `listener` until the sandbox's shutdown, then ends the background work and returns.
///
/// # Errors
/// The listener fails.
pub async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
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
