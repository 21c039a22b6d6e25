//! A container's health check, again and again: what it says of the container.
//!
//! Before its first interval is over a container is looked at early and often, so that nobody waits for an interval when
//! everything is well at once; failures of these early looks do not count. Intervals and the start period are shortened by
//! the sandbox's speed; the timeout is not, because a command takes the time that it takes.

use std::time::Duration;

use tokio::time::Instant;

use super::super::engine::Handle;
use super::super::model::{HealthCheck, HealthStatus};
use crate::sandbox::world::clock::Clock;

/// When the first early look is; each further one comes after twice the time.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// Checks until it is dropped; `tell` hears of every change.
pub(super) async fn watch(handle: Handle, check: HealthCheck, clock: Clock, tell: impl Fn(HealthStatus)) {
    let seconds = |count: u32| Duration::from_secs(count.into());
    let interval = clock.shortened(seconds(check.interval));
    let start_period = clock.shortened(seconds(check.start_period));
    let began = Instant::now();
    let mut verdict = Verdict { retries: check.retries, failures: 0, health: HealthStatus::Unknown };
    let mut early = FIRST_LOOK;
    loop {
        let is_early = verdict.health == HealthStatus::Unknown && began.elapsed() + early < interval;
        tokio::time::sleep(if is_early {
            early
        } else {
            interval.saturating_sub(early_part(&verdict, began, interval))
        })
        .await;
        early = early.saturating_mul(2);
        let passed = handle.check(&check.command, seconds(check.timeout)).await;
        let counts = !is_early && began.elapsed() > start_period;
        if let Some(health) = verdict.hear(passed, counts) {
            tell(health);
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
            (false, true) => self.failures + 1,
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
    use super::{HealthStatus, Verdict};

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
