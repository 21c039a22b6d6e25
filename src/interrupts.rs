//! Ctrl-C, SIGTERM and SIGHUP. They end the command at once, unless code that must clean up or report holds a [`Listener`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::ctrl_c;

/// Distributes interrupts to listeners, or to the command itself while there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    listeners: Arc<AtomicUsize>,
}

impl Interrupts {
    /// Runs `work` until it completes or an interrupt arrives, which returns `None`. The caller then cleans up and reports.
    pub(crate) async fn run_until_interrupt<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut listener = self.listen();
        tokio::select! {
            done = work => Some(done),
            () = listener.next() => None,
        }
    }

    /// Creates a listener. Until it is dropped, it receives every interrupt, and interrupts do not end the command.
    pub(crate) fn listen(&self) -> Listener {
        self.listeners.fetch_add(1, Ordering::AcqRel);
        Listener { signals: Signals::new(), listeners: Arc::clone(&self.listeners) }
    }

    /// Waits for an interrupt while there is no listener.
    pub(crate) async fn wait_without_listener(&self) {
        let mut signals = Signals::new();
        loop {
            signals.next().await;
            if self.listeners.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }
}

/// Receives Ctrl-C, and the SIGTERM and SIGHUP of service managers and closed terminals, which are treated alike.
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

/// Receives interrupts; created by [`Interrupts::listen`].
#[derive(Debug)]
pub(crate) struct Listener {
    signals: Signals,
    listeners: Arc<AtomicUsize>,
}

impl Listener {
    /// Waits for the next interrupt.
    pub(crate) async fn next(&mut self) {
        self.signals.next().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}
