//! How many requests a reader may send: CloudWatch Logs limits them for the whole account and region, to 5 to 25 a second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The longest time between two requests, however often they are throttled.
const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// The time between two requests after the first throttle, if there was no limit before.
const FIRST_INTERVAL: Duration = Duration::from_millis(100);
/// The factor by which the interval changes: doubled by a throttle, and a little shorter after each request that succeeds.
const RECOVERY: f64 = 0.96;

/// How much longer the interval is than necessary, so that requests that take differently long to arrive are not too many in any second.
const MARGIN: f64 = 1.04;

/// The requests that may be sent, shared by all groups of a command.
#[derive(Debug, Clone)]
pub(crate) struct RequestBudget(Arc<Mutex<Pace>>);

#[derive(Debug)]
struct Pace {
    /// The shortest interval between two requests.
    min_interval: Duration,
    interval: Duration,
    /// When the next request may be sent.
    next: Instant,
    /// When a request was last throttled.
    throttled: Option<Instant>,
}

impl RequestBudget {
    /// A budget in requests a second; 0 means no limit.
    pub(crate) fn new(requests_per_second: f64) -> Self {
        let interval = if requests_per_second > 0.0 { MARGIN / requests_per_second } else { 0.0 };
        let min_interval = Duration::try_from_secs_f64(interval).unwrap_or(MAX_INTERVAL);
        Self(Arc::new(Mutex::new(Pace { min_interval, interval: min_interval, next: Instant::now(), throttled: None })))
    }

    /// Waits until the next request may be sent.
    pub(crate) async fn acquire(&self) {
        loop {
            let next = {
                let mut pace = self.pace();
                let now = Instant::now();
                if pace.next <= now {
                    pace.next = now + pace.interval;
                    return;
                }
                pace.next
            };
            sleep_until(next).await;
        }
    }

    /// Slows down after a throttled request that was sent at this time. Requests that were sent before the last slowdown had an effect do
    /// not count again.
    pub(crate) fn on_throttled(&self, sent: Instant) {
        let mut pace = self.pace();
        if pace.throttled.is_none_or(|last| sent > last + pace.interval) {
            pace.throttled = Some(Instant::now());
            pace.interval = (pace.interval * 2).clamp(FIRST_INTERVAL, MAX_INTERVAL.max(pace.min_interval));
            pace.next = pace.next.max(Instant::now() + pace.interval);
        }
    }

    /// Recovers after a request that succeeded.
    pub(crate) fn on_success(&self) {
        let mut pace = self.pace();
        pace.interval = pace.interval.mul_f64(RECOVERY).max(pace.min_interval);
    }

    /// Whether a request has been throttled.
    pub(crate) fn is_throttled(&self) -> bool {
        self.pace().throttled.is_some()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many requests are sent in ten seconds.
    async fn sent(budget: &RequestBudget) -> u32 {
        let (start, mut count) = (Instant::now(), 0);
        loop {
            budget.acquire().await;
            if start.elapsed() >= Duration::from_secs(10) {
                return count;
            }
            count += 1;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spread_evenly() {
        assert_eq!(sent(&RequestBudget::new(5.0)).await, 49);
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_halves_the_rate_and_successes_restore_it() {
        let budget = RequestBudget::new(4.0);
        budget.acquire().await;
        let before = Instant::now();
        tokio::time::advance(Duration::from_millis(10)).await;
        budget.on_throttled(Instant::now());
        // It was sent before the slowdown.
        budget.on_throttled(before);
        assert!((19..=21).contains(&sent(&budget).await));
        (0..50).for_each(|_| budget.on_success());
        assert!((36..=40).contains(&sent(&budget).await));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_the_first_throttle_makes_one() {
        let budget = RequestBudget::new(0.0);
        let start = Instant::now();
        for _ in 0..1000 {
            budget.acquire().await;
        }
        assert_eq!((start.elapsed(), budget.is_throttled()), (Duration::ZERO, false));
        budget.on_throttled(Instant::now());
        assert!((99..=101).contains(&sent(&budget).await));
    }
}
