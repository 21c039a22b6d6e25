//! Ctrl-C, SIGTERM and SIGHUP. While a [`Listener`] exists it receives them; otherwise they end the command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::ctrl_c;

/// Counts the listeners.
#[derive(Debug, Clone, Default)]
pub struct Interrupts {
    listeners: Arc<AtomicUsize>,
}

impl Interrupts {
    /// Runs `work` until it ends or a signal arrives, for which it returns `None`.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut listener = self.listen();
        tokio::select! {
            done = work => Some(done),
            () = listener.next() => None,
        }
    }

    /// Creates a listener. While it exists, signals do not end the command.
    pub fn listen(&self) -> Listener {
        self.listeners.fetch_add(1, Ordering::AcqRel);
        Listener { signals: Signals::new(), listeners: Arc::clone(&self.listeners) }
    }

    /// Resolves at the first signal that arrives while there is no listener.
    pub async fn unclaimed(&self) {
        let mut signals = Signals::new();
        loop {
            signals.next().await;
            if self.listeners.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }
}

/// Receives Ctrl-C and, on Unix, the signals of service managers and closed terminals.
#[derive(Debug)]
struct Signals {
    #[cfg(unix)]
    others: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    fn new() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
            Self { others: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let [terminate, hangup, interrupt] = self.others.as_mut_slice() {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = hangup.recv() => return,
                _ = interrupt.recv() => return,
            }
        }
        if ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// See [`Interrupts::listen`].
#[derive(Debug)]
pub struct Listener {
    signals: Signals,
    listeners: Arc<AtomicUsize>,
}

impl Listener {
    /// Resolves at the next signal.
    pub async fn next(&mut self) {
        self.signals.next().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}
