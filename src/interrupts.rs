//! Ctrl-C, SIGTERM and SIGHUP. Whoever has something to say or to tidy claims it for a while; otherwise it ends the command at once.

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
        let _claim = self.claim();
        tokio::select! {
            done = work => Some(done),
            () = asked_to_end() => None,
        }
    }

    /// While it lives, Ctrl-C does not end the command.
    pub fn claim(&self) -> Claim {
        self.claims.fetch_add(1, Ordering::AcqRel);
        Claim(Arc::clone(&self.claims))
    }

    /// Ends when Ctrl-C comes and nobody has claimed it.
    pub async fn unclaimed(&self) {
        loop {
            asked_to_end().await;
            if self.claims.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }
}

/// Ctrl-C; or the request to end that a service manager or a closed terminal sends, which is treated alike.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = hangup.recv() => return,
                Ok(()) = ctrl_c() => return,
            }
        }
    }
    if ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// See [`Interrupts::claim`].
#[derive(Debug)]
pub struct Claim(Arc<AtomicUsize>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
