//! Connections: how many there may be, how long each may take to say what it wants, and how they end.
//!
//! It knows HTTP's framing and nothing of what is asked. A place that is taken by a connection that has not brought a good
//! signature yet is given to a newer one when places run out, so that somebody without the key shuts nobody out.

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

/// Connections at once, where the limit of open files allows as many; tasks and their addresses need files too.
const MAX_CONNECTIONS: u64 = 4096;
/// Of the open files that this process may have, one in so many may be a connection.
const FILES_PER_CONNECTION: u64 = 4;
/// How long a request's head may take to arrive, and how long a connection may lie idle.
const HEAD: Duration = Duration::from_secs(30);
/// The largest head: the longest request line and all headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long open requests may go on after the stop signal.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a new connection waits for a place that is being cleared.
const CLEARING: Duration = Duration::from_secs(1);
/// How long to wait when the system gives no more files.
const PAUSE: Duration = Duration::from_millis(50);
/// How many connections are told at once that there is no place for them; any more are just closed.
const MAX_TURNED_AWAY: usize = 256;

/// How much of what a client that is turned away sent is looked at.
const GLIMPSE_BYTES: usize = 4096;

/// Instead of an answer: the connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("the connection is to be closed")]
pub struct Cut;

/// Accepts connections and has their requests answered until `shutdown`; requests under way then have a moment to end. What
/// `busy` makes of the beginning of a request is sent, as it is, to whom there is no place for.
pub async fn serve<A, F>(listener: TcpListener, shutdown: &CancellationToken, busy: fn(&[u8]) -> Vec<u8>, answer: A)
where
    A: Fn(Request<Incoming>, Arc<Caller>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
{
    let (places, open, strangers) = (Places::new(), TaskTracker::new(), Arc::new(Strangers::default()));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (places, strangers, shutdown, answer) =
            (places.clone(), Arc::clone(&strangers), shutdown.clone(), answer.clone());
        open.spawn(async move {
            match places.take(&strangers).await {
                Some(place) => converse(stream, strangers.add(place), shutdown, answer).await,
                None => places.turn_away(stream, busy).await,
            }
        });
    }
    open.close();
    let _ = tokio::time::timeout(DRAIN, open.wait()).await;
}

async fn converse<A, F>(stream: TcpStream, caller: Arc<Caller>, shutdown: CancellationToken, answer: A)
where
    A: Fn(Request<Incoming>, Arc<Caller>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
{
    let dismissed = caller.dismissed.clone();
    let service = service_fn(move |request| answer(request, Arc::clone(&caller)));
    let _ = stream.set_nodelay(true);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD_BYTES);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service).with_upgrades());
    // That one side goes away, or is cut off, is how a connection ends: there is nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = dismissed.cancelled() => {}
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// The places for connections.
#[derive(Clone)]
struct Places {
    free: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
}

impl Places {
    fn new() -> Self {
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(MAX_CONNECTIONS, |(soft, _)| soft);
        let places = usize::try_from((files / FILES_PER_CONNECTION).clamp(64, MAX_CONNECTIONS)).unwrap_or(64);
        Self { free: Arc::new(Semaphore::new(places)), turned_away: Arc::new(Semaphore::new(MAX_TURNED_AWAY)) }
    }

    /// A place, if need be that of the stranger who has had one for longest.
    async fn take(&self, strangers: &Strangers) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        if !strangers.dismiss_oldest() {
            return None;
        }
        tokio::time::timeout(CLEARING, Arc::clone(&self.free).acquire_owned()).await.ok()?.ok()
    }

    /// Says that there is no place. What the client sent is read first: closing with unread bytes would take the answer back.
    async fn turn_away(&self, mut stream: TcpStream, busy: fn(&[u8]) -> Vec<u8>) {
        let Ok(_turn) = self.turned_away.try_acquire() else { return };
        let say = async {
            let mut glimpse = vec![0; GLIMPSE_BYTES];
            let read = stream.read(&mut glimpse).await.unwrap_or_default();
            stream.write_all(&busy(&glimpse[..read])).await?;
            stream.shutdown().await
        };
        let _ = tokio::time::timeout(CLEARING, say).await;
    }
}

/// Connections that have not brought a good signature yet, by the order in which they came.
#[derive(Default)]
struct Strangers(Mutex<(u64, BTreeMap<u64, CancellationToken>)>);

impl Strangers {
    /// Takes one in.
    fn add(self: &Arc<Self>, place: OwnedSemaphorePermit) -> Arc<Caller> {
        let dismissed = CancellationToken::new();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, dismissed.clone());
        Arc::new(Caller { number, strangers: Arc::clone(self), dismissed, _place: place })
    }

    fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number);
    }

    /// Ends the connection of the one who came first; false when there is none.
    fn dismiss_oldest(&self) -> bool {
        let oldest = self.0.lock().unwrap_or_else(PoisonError::into_inner).1.pop_first();
        oldest.map(|(_, dismissed)| dismissed.cancel()).is_some()
    }
}

/// Who is at the other end of a connection: a stranger at first. Its place is free when nobody has it any more.
pub struct Caller {
    number: u64,
    strangers: Arc<Strangers>,
    dismissed: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Caller {
    /// It has shown that it has the key, and keeps its place from now on.
    pub fn let_in(&self) {
        self.strangers.remove(self.number);
    }

    /// Waits until its place is wanted for somebody else, which never happens to one that was let in.
    pub async fn dismissed(&self) {
        self.dismissed.cancelled().await;
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.strangers.remove(self.number);
    }
}
