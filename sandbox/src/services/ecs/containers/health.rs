//! A container's health check, again and again: what it says of the container.
//!
//! Before its first interval is over a container is looked at early and often, so that nobody waits for an interval when
//! everything is well at once; failures of these early looks do not count. Intervals and the start period are shortened by
//! the sandbox's speed; the timeout is not, because a command takes the time that it takes.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::super::model::{HealthCheck, HealthStatus};
use crate::base::clock::Clock;

/// When the first early look is; each further one comes after twice the time.
const FIRST_LOOK: Duration = Duration::from_millis(100);

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
    let mut verdict = Verdict { retries: check.retries, failures: 0, health: HealthStatus::Unknown };
    let mut early = FIRST_LOOK;
    loop {
        let is_early = verdict.health == HealthStatus::Unknown && began.elapsed().saturating_add(early) < interval;
        let pause = if is_early { early } else { interval.saturating_sub(early_part(&verdict, began, interval)) };
        tokio::time::sleep(pause).await;
        early = early.saturating_mul(2);
        let passed = run_check().await;
        let counts = !is_early && began.elapsed() > start_period;
        if let Some(health) = verdict.hear(passed, counts) {
            report(health);
        }
    }
}

/// What of the first interval is over already, as long as nothing is known.
fn early_part(verdict: &Verdict, began: Instant, interval: Duration) -> Duration {
    if verdict.health == HealthStatus::Unknown && began.elapsed() < interval { began.elapsed() } else { Duration::ZERO }
}

/// What the checks so far come to.
#[derive(Debug)]
struct Verdict {
    retries: u32,
    failures: u32,
    health: HealthStatus,
}

impl Verdict {
    /// Takes in a check; the health when it changed.
    fn hear(&mut self, passed: bool, counts: bool) -> Option<HealthStatus> {
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

    use super::{Clock, HealthCheck, HealthStatus, Verdict, watch};

    /// The number of the first check that passes.
    const FIRST_PASS: u32 = 200;

    #[tokio::test]
    async fn a_container_that_is_long_in_starting_is_checked_all_the_while() {
        // A wait of thousands of checks in its start period, at any length of its members.
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
    fn failures_without_end_are_counted_without_overflow() {
        let mut verdict = Verdict { retries: u32::MAX, failures: u32::MAX - 1, health: HealthStatus::Healthy };
        assert_eq!(verdict.hear(false, true), Some(HealthStatus::Unhealthy));
        assert_eq!(verdict.hear(false, true), None);
    }

    #[test]
    fn as_many_failures_as_retries_in_a_row_make_a_container_unhealthy() {
        let mut verdict = Verdict { retries: 2, failures: 0, health: HealthStatus::Unknown };
        assert_eq!(verdict.hear(false, false), None, "in its start period");
        assert_eq!(verdict.hear(true, true), Some(HealthStatus::Healthy));
        assert_eq!(verdict.hear(false, true), None);
        assert_eq!(verdict.hear(true, true), None);
        assert_eq!(verdict.hear(false, true), None);
        assert_eq!(verdict.hear(false, true), Some(HealthStatus::Unhealthy));
        assert_eq!(verdict.hear(true, true), Some(HealthStatus::Healthy));
    }
}
