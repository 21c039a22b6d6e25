//! The sandbox's clock, and the forms of times.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Number, Value};
use tokio::time::Instant;

/// The longest wait: it can be added to any time without an overflow, and is longer than any sandbox runs.
const MAX_WAIT: Duration = Duration::from_hours(20 * 365 * 24);

/// Waits until a time; without one, never returns.
pub(crate) async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

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

/// A time in the compact form of signatures: `20260102T030405Z`.
pub(crate) fn basic_iso8601(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The day of a signature's scope: `20260102`.
pub(crate) fn basic_date(time: Timestamp) -> String {
    time.strftime("%Y%m%d").to_string()
}

/// A time in the reasons of EC2's state transitions: `2026-01-02 03:04:05 GMT`.
pub(crate) fn gmt(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S GMT").to_string()
}

/// A time in the reasons of alarms: `02/01/26 03:04:05`.
pub(crate) fn short_date_time(time: Timestamp) -> String {
    time.strftime("%d/%m/%y %H:%M:%S").to_string()
}

/// A time in the reason data of alarms: `2026-01-02T03:04:05.678+0000`.
pub(crate) fn iso8601_with_offset(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

/// A time in an HTTP server's access log: `02/Jan/2026:03:04:05 +0000`.
pub(crate) fn access_log_time(time: Timestamp) -> String {
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

/// Converts milliseconds since 1970 to seconds.
pub(crate) fn seconds_from_millis(milliseconds: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double's 53 bits")]
    let seconds = milliseconds as f64 / 1000.0;
    seconds
}

fn millis_from_seconds(seconds: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a time that is out of range saturates")]
    let milliseconds = (seconds * 1000.0).round() as i64;
    milliseconds
}

/// Converts seconds since 1970 to milliseconds. A time outside of the calendar's range is clamped to it, so that
/// arithmetic cannot overflow.
pub(crate) fn clamped_millis(seconds: f64) -> i64 {
    millis_from_seconds(seconds).clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond())
}

/// A time in the output of an operation: seconds since 1970, with milliseconds. The codec writes it in its protocol's form.
pub(crate) fn epoch_seconds(time: Timestamp) -> Value {
    Number::from_f64(seconds_from_millis(time.as_millisecond())).map_or(Value::Null, Value::Number)
}

/// The time of [`epoch_seconds`]; the beginning of 1970 for a number that no calendar has.
pub fn from_epoch_seconds(seconds: f64) -> Timestamp {
    Timestamp::from_millisecond(millis_from_seconds(seconds)).unwrap_or_default()
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
