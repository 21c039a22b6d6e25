//! Runs a container's health check periodically and tracks its health.
//!
//! Within the first interval the check runs early and often, so that a healthy container does not wait for the whole interval;
//! failures of these early checks do not count. Intervals and the start period are shortened by
//! the sandbox's speed; the timeout is not, because it limits a real command.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::base::clock::Clock;
use crate::services::ecs::model::{HealthCheck, HealthStatus};

/// The delay of the first early check, which doubles for each further one.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// Checks until it is dropped. `run_check` returns whether the check passed; `report` gets every change.
pub(super) async fn watch<'a>(
    check: &HealthCheck,
    clock: Clock,
    run_check: impl Fn() -> BoxFuture<'a, bool>,
    report: impl Fn(HealthStatus),
) {
    let seconds = |count: u32| Duration::from_secs(count.into());
    let interval = clock.shortened(seconds(check.interval));
    let start_period = clock.shortened(seconds(check.start_period));
    let began = Instant::now();
    let mut tracker = HealthTracker { retries: check.retries, failures: 0, health: HealthStatus::Unknown };
    let mut early = FIRST_DELAY;
    loop {
        let is_early = tracker.health == HealthStatus::Unknown && began.elapsed().saturating_add(early) < interval;
        let pause = if is_early { early } else { interval.saturating_sub(elapsed_part(&tracker, began, interval)) };
        tokio::time::sleep(pause).await;
        early = early.saturating_mul(2);
        let passed = run_check().await;
        let counts = !is_early && began.elapsed() > start_period;
        if let Some(health) = tracker.record(passed, counts) {
            report(health);
        }
    }
}

/// The elapsed part of the first interval, while the health is unknown.
fn elapsed_part(tracker: &HealthTracker, began: Instant, interval: Duration) -> Duration {
    if tracker.health == HealthStatus::Unknown && began.elapsed() < interval { began.elapsed() } else { Duration::ZERO }
}

/// The health by the checks so far.
#[derive(Debug)]
struct HealthTracker {
    retries: u32,
    failures: u32,
    health: HealthStatus,
}

impl HealthTracker {
    /// Records a check, and returns the health if it changed.
    fn record(&mut self, passed: bool, counts: bool) -> Option<HealthStatus> {
        self.failures = match (passed, counts) {
            (true, _) => 0,
            (false, true) => self.failures.saturating_add(1),
            (false, false) => self.failures,
        };
        let health = match passed {
            true => HealthStatus::Healthy,
            false if self.failures >= self.retries.max(1) => HealthStatus::Unhealthy,
            false => self.health,
        };
        let changed = health != self.health;
        self.health = health;
        changed.then_some(health)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::FutureExt as _;
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::{Clock, HealthCheck, HealthStatus, HealthTracker, watch};

    /// The number of the first check that passes.
    const FIRST_PASS: u32 = 200;

    #[tokio::test]
    async fn a_container_is_checked_during_a_long_start_period() {
        // Start periods of thousands of checks, up to the maximum of the member.
        for (interval, start_period) in [(5, 300), (5, u32::MAX), (1, 1000)] {
            let check =
                json!({ "command": ["CMD", "x"], "interval": interval, "startPeriod": start_period, "retries": 1 });
            let check: HealthCheck = serde_json::from_value(check).expect("a check");
            let (sender, mut reports) = mpsc::unbounded_channel();
            let checks = AtomicU32::default();
            let run_check = || std::future::ready(checks.fetch_add(1, Ordering::Relaxed) >= FIRST_PASS).boxed();
            let report = |health| sender.send(health).expect("the test waits");
            let first = tokio::select! {
                () = watch(&check, Clock::new(1e6), run_check, report) => None,
                first = reports.recv() => first,
            };
            let expected = if start_period == u32::MAX { HealthStatus::Healthy } else { HealthStatus::Unhealthy };
            assert_eq!(first, Some(expected), "{check:?} after {checks:?} checks");
        }
    }

    #[test]
    fn the_count_of_failures_does_not_overflow() {
        let mut tracker = HealthTracker { retries: u32::MAX, failures: u32::MAX - 1, health: HealthStatus::Healthy };
        assert_eq!(tracker.record(false, true), Some(HealthStatus::Unhealthy));
        assert_eq!(tracker.record(false, true), None);
    }

    #[test]
    fn as_many_failures_as_retries_in_a_row_make_a_container_unhealthy() {
        let mut tracker = HealthTracker { retries: 2, failures: 0, health: HealthStatus::Unknown };
        assert_eq!(tracker.record(false, false), None, "in its start period");
        assert_eq!(tracker.record(true, true), Some(HealthStatus::Healthy));
        assert_eq!(tracker.record(false, true), None);
        assert_eq!(tracker.record(true, true), None);
        assert_eq!(tracker.record(false, true), None);
        assert_eq!(tracker.record(false, true), Some(HealthStatus::Unhealthy));
        assert_eq!(tracker.record(true, true), Some(HealthStatus::Healthy));
    }
}
