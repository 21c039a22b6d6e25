//! Connections: how many there may be, how long each may take to say what it wants, and how they end.
//!
//! It knows HTTP's framing and nothing of what is asked. A place that is taken by a connection that has not asked for anything
//! yet is given to a newer one when places run out, so that somebody who only opens connections shuts nobody out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
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

const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/xml\r\ncontent-length: 182\r\n\
connection: close\r\n\r\n<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code><Message>\
The sandbox has as many connections open as it allows; try again</Message></Error></ErrorResponse>\n";

/// Instead of an answer: the connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("the connection is to be closed")]
pub struct Cut;

/// Accepts connections and has their requests answered until `shutdown`; requests under way then have a moment to end.
pub async fn serve<A, F>(listener: TcpListener, shutdown: &CancellationToken, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
{
    let (places, open, silent) = (Places::new(), TaskTracker::new(), Arc::new(Silent::default()));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (places, silent, shutdown, answer) =
            (places.clone(), Arc::clone(&silent), shutdown.clone(), answer.clone());
        open.spawn(async move {
            match places.take(&silent).await {
                Some(_place) => converse(stream, &silent, shutdown, answer).await,
                None => places.turn_away(stream).await,
            }
        });
    }
    open.close();
    let _ = tokio::time::timeout(DRAIN, open.wait()).await;
}

async fn converse<A, F>(stream: TcpStream, silent: &Silent, shutdown: CancellationToken, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Cut>> + Send + 'static,
{
    let newcomer = silent.add();
    let has_spoken = Arc::clone(&newcomer);
    let service = service_fn(move |request| {
        has_spoken.spoken.store(true, Ordering::Release);
        answer(request)
    });
    let _ = stream.set_nodelay(true);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MAX_HEAD_BYTES);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    // That one side goes away, or is cut off, is how a connection ends: there is nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = newcomer.leave.cancelled() => {}
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

    /// A place, if need be that of the connection that has been silent for longest.
    async fn take(&self, silent: &Silent) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        if !silent.dismiss_oldest() {
            return None;
        }
        tokio::time::timeout(CLEARING, Arc::clone(&self.free).acquire_owned()).await.ok()?.ok()
    }

    /// Says that there is no place. What the client sent is read first: closing with unread bytes would take the answer back.
    async fn turn_away(&self, mut stream: TcpStream) {
        let Ok(_turn) = self.turned_away.try_acquire() else { return };
        let say = async {
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(BUSY).await?;
            stream.shutdown().await
        };
        let _ = tokio::time::timeout(CLEARING, say).await;
    }
}

/// Connections that have not asked for anything yet, the oldest first.
#[derive(Default)]
struct Silent(Mutex<VecDeque<Arc<Newcomer>>>);

/// A connection until its first request.
#[derive(Default)]
struct Newcomer {
    spoken: AtomicBool,
    leave: CancellationToken,
}

impl Silent {
    fn add(&self) -> Arc<Newcomer> {
        let newcomer = Arc::new(Newcomer::default());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who has spoken, or has gone, is no longer held by anyone else or no longer silent.
        while all.front().is_some_and(|one| Arc::strong_count(one) == 1 || one.spoken.load(Ordering::Acquire)) {
            all.pop_front();
        }
        all.push_back(Arc::clone(&newcomer));
        newcomer
    }

    /// Ends the connection that has been silent for longest; false when none is.
    fn dismiss_oldest(&self) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(oldest) = all.pop_front() {
            if Arc::strong_count(&oldest) > 1 && !oldest.spoken.load(Ordering::Acquire) {
                oldest.leave.cancel();
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::BUSY;

    #[test]
    fn the_length_of_the_refusal_is_right() {
        let text = std::str::from_utf8(BUSY).expect("it is text");
        let (head, body) = text.split_once("\r\n\r\n").expect("it has a head");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
