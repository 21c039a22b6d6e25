//! The server: connections and their limits, HTTP, and the path of one request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::Sandbox;

mod connections;
mod http;
mod request_context;
mod request_limits;
mod response;
mod role_credentials;
mod session_socket;

/// How long background work may take to end at shutdown. A stop of the sandbox waits a little longer.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Serves requests on `listener` until the sandbox's shutdown, then ends the background work and returns.
///
/// # Errors
/// The listener fails.
pub(crate) async fn serve(listener: TcpListener, sandbox: &Arc<Sandbox>) -> io::Result<()> {
    // Before the loops start: their tasks need the port in their environment.
    let _ = sandbox.port.set(listener.local_addr()?.port());
    for start in sandbox.registry.loops {
        start(sandbox);
    }
    sandbox.log.write(&format!("start: version {}, process {}", env!("CARGO_PKG_VERSION"), std::process::id()));
    let served = http::serve(listener, sandbox).await;
    sandbox.shutdown.cancel();
    sandbox.background.close();
    let stopped = tokio::time::timeout(SHUTDOWN_TIMEOUT, sandbox.background.wait()).await;
    sandbox.log.write(match stopped {
        Ok(()) => "stop: all background work has ended",
        Err(_) => "stop: some background work did not end in time",
    });
    served
}
