//! Connections: how many are open at once, how long each may take to send a request, and how they end.
//!
//! This module handles HTTP's framing, not the content of requests. When all slots are taken, a new connection takes the slot of
//! the oldest one that has not been authenticated yet, so that a process without the credentials cannot lock out the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::resource::{Resource, getrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Open connections, if the limit of open files allows as many. Tasks and their addresses need files too.
const MAX_CONNECTIONS: u64 = 4096;
/// The number of open files that this process may have for each connection.
const FILES_PER_CONNECTION: u64 = 4;
/// How long the head of a request may take to arrive, and how long a connection may stay idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The size of the request line and all headers together.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long requests in progress may take after the stop signal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a new connection waits for the slot of an evicted one.
const EVICTION_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after `accept` has failed, for example because the process has no file descriptors left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
/// How many connections without a slot get a response at the same time. Any more are closed without one.
const MAX_REJECTING: usize = 256;
/// How much of a rejected request is read, to choose the protocol of the response.
const PEEK_BYTES: usize = 4096;

/// Returned in place of a response: the connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("the connection is to be closed")]
pub(super) struct ConnectionAborted;

/// Accepts connections and serves their requests until `shutdown`; requests in progress may then still end. A connection for which
/// there is no slot is sent what `overload_response` returns for the beginning of its request.
pub(super) async fn serve<A, F>(
    listener: TcpListener,
    shutdown: &CancellationToken,
    overload_response: fn(&[u8]) -> Vec<u8>,
    handle_request: A,
) where
    A: Fn(Request<Incoming>, Arc<Connection>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, ConnectionAborted>> + Send + 'static,
{
    let (slots, tasks) = (ConnectionSlots::new(), TaskTracker::new());
    let unauthenticated = Arc::new(UnauthenticatedConnections::default());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        let (slots, unauthenticated, shutdown, handle_request) =
            (slots.clone(), Arc::clone(&unauthenticated), shutdown.clone(), handle_request.clone());
        tasks.spawn(async move {
            match slots.acquire(&unauthenticated).await {
                Some(slot) => serve_connection(stream, unauthenticated.add(slot), shutdown, handle_request).await,
                None => slots.reject(stream, overload_response).await,
            }
        });
    }
    tasks.close();
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, tasks.wait()).await;
}

async fn serve_connection<A, F>(
    stream: TcpStream,
    connection: Arc<Connection>,
    shutdown: CancellationToken,
    handle_request: A,
) where
    A: Fn(Request<Incoming>, Arc<Connection>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, ConnectionAborted>> + Send + 'static,
{
    let evicted = connection.evicted.clone();
    let service = service_fn(move |request| handle_request(request, Arc::clone(&connection)));
    let _ = stream.set_nodelay(true);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    let mut http = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service).with_upgrades());
    // An error here means that the client has closed the connection or that it was aborted: there is nothing to report.
    tokio::select! {
        _ = http.as_mut() => {}
        () = evicted.cancelled() => {}
        () = shutdown.cancelled() => {
            http.as_mut().graceful_shutdown();
            let _ = http.await;
        }
    }
}

/// Permits for open connections.
#[derive(Clone)]
struct ConnectionSlots {
    free: Arc<Semaphore>,
    rejecting: Arc<Semaphore>,
}

impl ConnectionSlots {
    fn new() -> Self {
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(MAX_CONNECTIONS, |(soft, _)| soft);
        let slots = usize::try_from((files / FILES_PER_CONNECTION).clamp(64, MAX_CONNECTIONS)).unwrap_or(64);
        Self { free: Arc::new(Semaphore::new(slots)), rejecting: Arc::new(Semaphore::new(MAX_REJECTING)) }
    }

    /// A free slot, or that of the oldest unauthenticated connection.
    async fn acquire(&self, unauthenticated: &UnauthenticatedConnections) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(slot);
        }
        if !unauthenticated.evict_oldest() {
            return None;
        }
        tokio::time::timeout(EVICTION_TIMEOUT, Arc::clone(&self.free).acquire_owned()).await.ok()?.ok()
    }

    /// Sends the response for a connection without a slot. The request is read first: closing a socket with unread bytes would
    /// discard the response.
    async fn reject(&self, mut stream: TcpStream, overload_response: fn(&[u8]) -> Vec<u8>) {
        let Ok(_permit) = self.rejecting.try_acquire() else { return };
        let respond = async {
            let mut request = vec![0; PEEK_BYTES];
            let read = stream.read(&mut request).await.unwrap_or_default();
            stream.write_all(&overload_response(&request[..read])).await?;
            stream.shutdown().await
        };
        let _ = tokio::time::timeout(EVICTION_TIMEOUT, respond).await;
    }
}

/// Connections that have not sent a valid signature yet, in the order in which they were accepted.
#[derive(Default)]
struct UnauthenticatedConnections(Mutex<(u64, BTreeMap<u64, CancellationToken>)>);

impl UnauthenticatedConnections {
    fn add(self: &Arc<Self>, slot: OwnedSemaphorePermit) -> Arc<Connection> {
        let evicted = CancellationToken::new();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, evicted.clone());
        Arc::new(Connection { number, unauthenticated: Arc::clone(self), evicted, _slot: slot })
    }

    fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number);
    }

    /// Ends the oldest connection. False if there is none.
    fn evict_oldest(&self) -> bool {
        let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).1.pop_first();
        oldest.map(|(_, evicted)| evicted.cancel()).is_some()
    }
}

/// The state of a connection: unauthenticated until the first valid signature. Its slot is free once the last reference is dropped.
pub(super) struct Connection {
    number: u64,
    unauthenticated: Arc<UnauthenticatedConnections>,
    evicted: CancellationToken,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    /// Keeps the connection from being evicted.
    pub(super) fn mark_authenticated(&self) {
        self.unauthenticated.remove(self.number);
    }

    /// Waits until another connection needs the slot, which never happens to an authenticated one.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.unauthenticated.remove(self.number);
    }
}
