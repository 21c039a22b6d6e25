//! The sandbox's clock, and the forms of times.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Number, Value};

/// The longest wait: it can be added to any time without an overflow, and is longer than any sandbox runs.
const MAX_WAIT: Duration = Duration::from_hours(20 * 365 * 24);

/// The wall clock's time, and waits that are `speed` times shorter.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    speed: f64,
}

impl Clock {
    /// A clock whose waits are shortened by `speed`; a speed that is not a positive number counts as 1.
    pub fn new(speed: f64) -> Self {
        Self { speed: if speed.is_finite() && speed > 0.0 { speed } else { 1.0 } }
    }

    /// The wall clock's time, which does not depend on the speed: time ranges of clients mean the same as on AWS.
    #[expect(clippy::disallowed_methods, reason = "this is the sandbox's one clock")]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Waits for a duration, shortened.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.shortened(duration)).await;
    }

    /// A duration divided by the speed, at most [`MAX_WAIT`].
    pub fn shortened(&self, duration: Duration) -> Duration {
        let seconds = duration.as_secs_f64() / self.speed;
        Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT).min(MAX_WAIT)
    }
}

/// A time in a text: `2026-01-02T03:04:05.678Z`.
pub fn iso8601(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A time in the output of an operation: seconds since 1970, with milliseconds. The codec writes it in its protocol's form.
pub(crate) fn epoch_seconds(time: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double's 53 bits")]
    let seconds = time.as_millisecond() as f64 / 1000.0;
    Number::from_f64(seconds).map_or(Value::Null, Value::Number)
}

/// The time of [`epoch_seconds`]; the beginning of 1970 for a number that no calendar has.
pub fn from_epoch_seconds(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "a time that is out of range saturates")]
    let milliseconds = (seconds * 1000.0).round() as i64;
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Clock, MAX_WAIT};

    #[test]
    fn waits_are_shortened_and_can_be_added_to_any_time() {
        let second = Duration::from_secs(1);
        assert_eq!(Clock::new(20.0).shortened(second), Duration::from_millis(50));
        for (speed, wait) in
            [(f64::MIN_POSITIVE, second), (1e-300, Duration::MAX), (1.0, Duration::MAX), (0.5, MAX_WAIT)]
        {
            assert_eq!(Clock::new(speed).shortened(wait), MAX_WAIT, "{speed}");
        }
        assert_eq!(Clock::new(f64::MAX).shortened(Duration::MAX), Duration::ZERO);
        let clock = Clock::new(f64::MIN_POSITIVE);
        assert!(Instant::now().checked_add(clock.shortened(second)).is_some());
        assert!(clock.now().checked_add(clock.shortened(second)).is_ok());
    }
}
