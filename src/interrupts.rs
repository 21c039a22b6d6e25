//! Ctrl-C, SIGTERM and SIGHUP. Code that has to clean up or to report claims them for a while; otherwise they end the command at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::ctrl_c;

/// Who hears Ctrl-C.
#[derive(Debug, Clone, Default)]
pub struct Interrupts {
    claims: Arc<AtomicUsize>,
}

impl Interrupts {
    /// The work's result, or `None` when Ctrl-C came first. The caller then says what that means and tidies up.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut listener = self.listen();
        tokio::select! {
            done = work => Some(done),
            () = listener.next() => None,
        }
    }

    /// While the listener lives, Ctrl-C does not end the command but reaches it, every time.
    pub fn listen(&self) -> Listener {
        self.claims.fetch_add(1, Ordering::AcqRel);
        Listener { signals: Signals::new(), claims: Arc::clone(&self.claims) }
    }

    /// Ends when Ctrl-C comes and is not claimed.
    pub async fn unclaimed(&self) {
        let mut signals = Signals::new();
        loop {
            signals.next().await;
            if self.claims.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }
}

/// Hears Ctrl-C; or the request to end that a service manager or a closed terminal sends, which is treated alike.
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
    claims: Arc<AtomicUsize>,
}

impl Listener {
    /// Ends when Ctrl-C comes.
    pub async fn next(&mut self) {
        self.signals.next().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.claims.fetch_sub(1, Ordering::AcqRel);
    }
}
