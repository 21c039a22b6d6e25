//! Ctrl-C, SIGTERM and SIGHUP. They end the command at once, unless code that must clean up or report holds a [`Listener`].

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::exit::Exit;

/// How long a command that has nothing to clean up may take to end.
const EXIT_DELAY: Duration = Duration::from_millis(700);
/// How long cleaning up may take.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(30);

/// What interrupts a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C: there may be a user who can answer a question.
    Interrupt,
    /// SIGTERM of a service manager, or SIGHUP of a closed terminal.
    Terminate,
}

/// The signals that were received and not handled yet.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    count: usize,
    last: Option<Signal>,
}

/// Distributes interrupts to listeners, or to the command itself while there are none.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    pending: watch::Sender<Pending>,
    listeners: Arc<AtomicUsize>,
    /// Set by an interrupt. A blocked write to stdout or stderr then ends.
    is_interrupted: Arc<AtomicBool>,
}

impl Interrupts {
    /// Receives signals from now on, on the current runtime. `on_interrupt` is called for each Ctrl-C.
    pub(crate) fn start(is_interrupted: Arc<AtomicBool>, on_interrupt: impl Fn() + Send + 'static) -> Self {
        let interrupts = Self { pending: watch::Sender::default(), listeners: Arc::default(), is_interrupted };
        tokio::spawn(interrupts.clone().receive(on_interrupt));
        interrupts
    }

    async fn receive(self, on_interrupt: impl Fn()) {
        let mut signals = Signals::new();
        loop {
            let signal = signals.next().await;
            self.is_interrupted.store(true, Ordering::Release);
            self.pending.send_modify(|pending| *pending = Pending { count: pending.count + 1, last: Some(signal) });
            if signal == Signal::Interrupt {
                on_interrupt();
            }
            // Also if the command cannot end by itself, for example because a write blocks.
            let interrupts = self.clone();
            tokio::spawn(async move {
                sleep(EXIT_DELAY).await;
                if interrupts.must_exit() {
                    #[expect(clippy::disallowed_methods, reason = "the main thread may be blocked")]
                    exit(Exit::Interrupted.code().into());
                }
            });
        }
    }

    /// Whether an interrupt was received and not handled.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.borrow().count > 0
    }

    /// Whether nothing is being cleaned up, or a second signal says not to wait for it.
    fn must_exit(&self) -> bool {
        let count = self.pending.borrow().count;
        count > 1 || count == 1 && self.listeners.load(Ordering::Acquire) == 0
    }

    /// Creates a listener. Until it is dropped, it receives every interrupt, and the first does not end the command.
    pub(crate) fn listen(&self) -> Listener {
        self.listeners.fetch_add(1, Ordering::AcqRel);
        let mut received = self.pending.subscribe();
        // An interrupt may have come just before.
        received.mark_changed();
        Listener { received, interrupts: self.clone() }
    }

    /// Waits for an interrupt while there is no listener.
    pub(crate) async fn wait_without_listener(&self) {
        let mut received = self.pending.subscribe();
        while received.wait_for(|pending| pending.count > 0).await.is_ok() {
            if self.listeners.load(Ordering::Acquire) == 0 {
                return;
            }
            if received.changed().await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    }
}

/// Receives interrupts; created by [`Interrupts::listen`].
#[derive(Debug)]
pub(crate) struct Listener {
    received: watch::Receiver<Pending>,
    interrupts: Interrupts,
}

impl Listener {
    /// Waits for the next interrupt.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            if self.received.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let Pending { count, last } = *self.received.borrow_and_update();
            if let Some(signal) = last.filter(|_| count > 0) {
                return signal;
            }
        }
    }

    /// Continues after an interrupt: the next one is a first one again.
    pub(crate) fn reset(&self) {
        self.interrupts.is_interrupted.store(false, Ordering::Release);
        self.interrupts.pending.send_modify(|pending| *pending = Pending::default());
    }

    /// Runs `work`, which cleans up after an interrupt. `None` if it takes too long, or after another interrupt.
    pub(crate) async fn clean_up<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = timeout(CLEANUP_TIMEOUT, work) => done.ok(),
            _ = self.next() => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.interrupts.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The signals of the process.
#[derive(Debug)]
struct Signals {
    #[cfg(unix)]
    streams: Vec<(Signal, tokio::signal::unix::Signal)>,
}

impl Signals {
    fn new() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            let kinds = [
                (Signal::Interrupt, SignalKind::interrupt()),
                (Signal::Terminate, SignalKind::terminate()),
                (Signal::Terminate, SignalKind::hangup()),
            ];
            let streams = kinds.into_iter().filter_map(|(name, kind)| Some((name, signal(kind).ok()?)));
            Self { streams: streams.collect() }
        }
        #[cfg(not(unix))]
        Self {}
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Signal {
        let received = std::future::poll_fn(|cx| {
            let ready =
                self.streams.iter_mut().find_map(|(name, stream)| stream.poll_recv(cx).is_ready().then_some(*name));
            ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        });
        received.await
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
