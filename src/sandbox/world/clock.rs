//! The sandbox's clock: the only place in it that reads the time or sleeps.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Number, Value};

/// Tells the wall clock's time, and waits `speed` times faster than asked.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    speed: f64,
}

impl Clock {
    /// A clock whose waits are shortened by `speed`; a speed that is not a positive number counts as 1.
    pub fn new(speed: f64) -> Self {
        Self { speed: if speed.is_finite() && speed > 0.0 { speed } else { 1.0 } }
    }

    /// The wall clock's time: never shortened, so that every client's windows mean what they say.
    #[expect(clippy::disallowed_methods, reason = "this is the sandbox's one clock")]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Waits for `duration` of the sandbox's time.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.shortened(duration)).await;
    }

    /// How long `duration` of the sandbox's time takes on the wall.
    pub fn shortened(&self, duration: Duration) -> Duration {
        duration.div_f64(self.speed)
    }
}

/// A time as the Query protocols write it: `2026-01-02T03:04:05.678Z`.
pub fn iso8601(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A time as the JSON protocols write it: seconds since 1970 with milliseconds.
pub fn epoch_seconds(time: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double's 53 bits")]
    let seconds = time.as_millisecond() as f64 / 1000.0;
    Number::from_f64(seconds).map_or(Value::Null, Value::Number)
}
