//! Limits a program to a share of one processor core, by its own CPU clock.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Unused CPU time that may accumulate: short, so that a burst does not hide the limit.
const BURST: Duration = Duration::from_millis(20);

/// The maximum length of one pause, so that requests progress evenly.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// Admits work while the program is within its share.
#[derive(Debug)]
pub(super) struct Throttle {
    share: f64,
    window: Mutex<Window>,
}

/// The beginning of the accounting, in wall-clock and CPU time.
#[derive(Debug)]
struct Window {
    since: Instant,
    used: Duration,
}

impl Throttle {
    /// `share` of one core: 0.25 for 256 CPU units.
    pub(super) fn new(share: f64) -> Self {
        Self { share, window: Mutex::new(Window { since: Instant::now(), used: cpu_time() }) }
    }

    /// Waits until the program is within its share; callers wait in line.
    pub(super) async fn admit(&self) {
        let mut window = self.window.lock().await;
        loop {
            let allowed = window.since.elapsed().mul_f64(self.share);
            let used = cpu_time().saturating_sub(window.used);
            let Some(debt) = used.checked_sub(allowed).filter(|debt| !debt.is_zero()) else {
                if allowed.saturating_sub(used) > BURST {
                    *window = Window { since: Instant::now(), used: cpu_time() + BURST };
                }
                return;
            };
            tokio::time::sleep(debt.div_f64(self.share).min(MAX_PAUSE)).await;
        }
    }
}

pub(super) fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
