//! A stable local address for a service, which balances connections over the service's running tasks.
//!
//! It forwards bytes without parsing them. A client gets a plain 503 response when no task can be reached.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// Concurrent connections of one service; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// How often all tasks are tried: one that has just started may not listen yet.
const ATTEMPTS: u32 = 20;
const RETRY_DELAY: Duration = Duration::from_millis(50);

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 44\r\n\
connection: close\r\n\r\nno running task of this service is reachable";

/// One service's address. It stops being served when this value is dropped.
#[derive(Debug)]
pub struct LoadBalancer {
    port: u16,
    targets: watch::Sender<Vec<SocketAddr>>,
    accepting: JoinHandle<()>,
}

impl LoadBalancer {
    /// Listens on `preferred`, or on another free port if that is taken or not known yet.
    ///
    /// # Errors
    /// No port is free.
    pub async fn open(preferred: Option<u16>) -> io::Result<Self> {
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, preferred.unwrap_or(0))).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        let port = listener.local_addr()?.port();
        let (targets, receiver) = watch::channel(Vec::new());
        Ok(Self { port, targets, accepting: tokio::spawn(accept(listener, receiver)) })
    }

    /// The port, which the next sandbox should listen on again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address as a link.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where connections go from now on: the ports of running, healthy tasks.
    pub fn set_targets(&self, ports: impl IntoIterator<Item = u16>) {
        let targets = ports.into_iter().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect();
        self.targets.send_replace(targets);
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, targets: watch::Receiver<Vec<SocketAddr>>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let next = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let (targets, next) = (targets.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    // An error of one side closes the other.
                    let _ = forward(client, &targets, &next).await;
                    drop(slot);
                });
            }
            // Most likely too many open files, some of which will be closed.
            Err(_) => tokio::time::sleep(RETRY_DELAY).await,
        }
    }
}

async fn forward(
    mut client: TcpStream,
    targets: &watch::Receiver<Vec<SocketAddr>>,
    next: &AtomicUsize,
) -> io::Result<()> {
    match connect(targets, next).await {
        Some(mut task) => {
            client.set_nodelay(true)?;
            task.set_nodelay(true)?;
            tokio::io::copy_bidirectional(&mut client, &mut task).await?;
        }
        None => refuse(client).await?,
    }
    Ok(())
}

/// Connects to the next task; none if the service has no task, or none that listens within a second.
async fn connect(targets: &watch::Receiver<Vec<SocketAddr>>, next: &AtomicUsize) -> Option<TcpStream> {
    for _ in 0..ATTEMPTS {
        let current = targets.borrow().clone();
        if current.is_empty() {
            return None;
        }
        let start = next.fetch_add(1, Ordering::Relaxed);
        for offset in 0..current.len() {
            if let Ok(task) = TcpStream::connect(current[start.wrapping_add(offset) % current.len()]).await {
                return Some(task);
            }
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
    None
}

/// Sends a 503 response. Reads the request first: closing a connection with unread bytes would discard the response.
async fn refuse(mut client: TcpStream) -> io::Result<()> {
    let mut request = [0; 4096];
    let _ = tokio::time::timeout(RETRY_DELAY, client.read(&mut request)).await;
    client.write_all(UNAVAILABLE).await?;
    client.shutdown().await
}
