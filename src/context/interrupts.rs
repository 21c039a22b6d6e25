//! Ctrl-C, SIGTERM and SIGHUP. They end the command at once, unless code that must clean up or report holds a [`Listener`].

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::exit::Exit;

/// How soon an interrupt must be taken, or a command that does not clean up must end.
const EXIT_DELAY: Duration = Duration::from_millis(700);
/// How long cleaning up may take.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long reporting may take after cleaning up.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Repeated SIGTERM and SIGHUP within this time count once: a terminal that is closed sends two.
const REPEAT_INTERVAL: Duration = Duration::from_millis(500);

/// What interrupts a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C: there may be a user who can answer a question.
    Interrupt,
    /// SIGTERM of a service manager, or SIGHUP of a closed terminal.
    Terminate,
}

/// The interrupts since the start, or since the last [`Listener::reset`].
#[derive(Debug, Clone, Copy, Default)]
struct Received {
    count: usize,
    last: Option<Signal>,
    /// How many of them a listener, or the command itself, has taken.
    taken: usize,
}

/// Distributes interrupts to listeners, or to the command itself while there are none.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    received: watch::Sender<Received>,
    listeners: Arc<AtomicUsize>,
    /// Set by an interrupt. A blocked write to stdout or stderr then ends.
    is_interrupted: Arc<AtomicBool>,
}

impl Interrupts {
    /// Receives signals from now on, on the current runtime. `on_interrupt` is called for each Ctrl-C.
    pub(crate) fn start(is_interrupted: Arc<AtomicBool>, on_interrupt: impl Fn() + Send + Sync + 'static) -> Self {
        let interrupts = Self { received: watch::Sender::default(), listeners: Arc::default(), is_interrupted };
        tokio::spawn(interrupts.clone().receive(Arc::new(on_interrupt)));
        interrupts
    }

    async fn receive(self, on_interrupt: Arc<dyn Fn() + Send + Sync>) {
        let (mut signals, mut terminated) = (Signals::new(), None::<Instant>);
        loop {
            let signal = signals.next().await;
            if signal == Signal::Terminate {
                if terminated.is_some_and(|terminated| terminated.elapsed() < REPEAT_INTERVAL) {
                    continue;
                }
                terminated = Some(Instant::now());
            }
            self.is_interrupted.store(true, Ordering::Release);
            self.received.send_modify(|received| {
                received.count += 1;
                received.last = Some(signal);
            });
            // The command may be unable to end by itself, for example because a write blocks.
            self.exit_after(EXIT_DELAY, |received| received.count > 1 || received.taken < received.count);
            if signal == Signal::Interrupt {
                let on_interrupt = Arc::clone(&on_interrupt);
                tokio::task::spawn_blocking(move || on_interrupt());
            }
        }
    }

    /// Ends the process after this time if the condition is true then.
    fn exit_after(&self, time: Duration, condition: fn(&Received) -> bool) {
        let received = self.received.subscribe();
        tokio::spawn(async move {
            sleep(time).await;
            if condition(&received.borrow()) {
                #[expect(clippy::disallowed_methods, reason = "the main thread may be blocked")]
                exit(Exit::Interrupted.code().into());
            }
        });
    }

    /// Whether the command was interrupted and did not continue.
    pub(crate) fn is_pending(&self) -> bool {
        self.received.borrow().count > 0
    }

    /// Creates a listener. Until it is dropped, it receives every interrupt, and the first does not end the command.
    pub(crate) fn listen(&self) -> Listener {
        self.listeners.fetch_add(1, Ordering::AcqRel);
        Listener { interrupts: self.clone() }
    }

    /// Waits for an interrupt while there is no listener.
    pub(crate) async fn wait_without_listener(&self) {
        self.take(|| self.listeners.load(Ordering::Acquire) == 0).await;
    }

    /// Takes the next interrupt once `may_take` is true.
    async fn take(&self, may_take: impl Fn() -> bool) -> Signal {
        let mut received = self.received.subscribe();
        let is_next = |received: &Received| received.count > received.taken && may_take();
        if received.wait_for(is_next).await.is_err() {
            // The sender is part of `self`, so that this cannot happen.
            std::future::pending::<()>().await;
        }
        let mut signal = None;
        self.received.send_modify(|received| {
            received.taken = received.count;
            signal = received.last;
        });
        signal.unwrap_or(Signal::Terminate)
    }
}

/// Receives interrupts; created by [`Interrupts::listen`].
#[derive(Debug)]
pub(crate) struct Listener {
    interrupts: Interrupts,
}

impl Listener {
    /// Waits for the next interrupt.
    pub(crate) async fn next(&mut self) -> Signal {
        self.interrupts.take(|| true).await
    }

    /// Continues after an interrupt: the next one is a first one again.
    pub(crate) fn reset(&self) {
        self.interrupts.is_interrupted.store(false, Ordering::Release);
        self.interrupts.received.send_modify(|received| *received = Received::default());
    }

    /// Runs `work`, which cleans up after an interrupt. `None` if it takes too long, or after another interrupt. The command then has little time
    /// for its report.
    pub(crate) async fn clean_up<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        if self.interrupts.is_pending() {
            self.interrupts.exit_after(CLEANUP_TIMEOUT + REPORT_TIMEOUT, |received| received.count > 0);
        }
        tokio::select! {
            done = timeout(CLEANUP_TIMEOUT, work) => done.ok(),
            _ = self.next() => None,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.interrupts.listeners.fetch_sub(1, Ordering::AcqRel);
        // Wakes the command itself, which takes the next interrupt.
        self.interrupts.received.send_modify(|_| {});
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
