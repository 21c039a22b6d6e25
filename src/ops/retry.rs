//! Retries errors that may pass while an operation continues on the server.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::{OpsError, Result};
use crate::aws::{Aws, AwsError};
use crate::waits::Waits;

/// How long transient errors are retried. Each call also has the SDK's own retries.
pub(super) const RETRY_BUDGET: Duration = Duration::from_mins(2);
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Calls `operation` until it succeeds, fails permanently, or has failed for [`RETRY_BUDGET`].
pub(super) async fn retry_transient<T>(
    aws: &Aws,
    operation: impl AsyncFnMut() -> std::result::Result<T, AwsError>,
) -> Result<T> {
    Ok(retry(aws.waits(), Some(RETRY_BUDGET), operation).await?)
}

/// As [`retry_transient`], with another budget or without one.
pub(super) async fn retry<T>(
    waits: &Waits,
    budget: Option<Duration>,
    operation: impl AsyncFnMut() -> std::result::Result<T, AwsError>,
) -> std::result::Result<T, AwsError> {
    retry_if(waits, budget, AwsError::is_transient, operation).await
}

/// Calls `operation` until it succeeds, fails with an error that is not retryable, or has failed for the time of the budget. Meanwhile, the
/// last error is shown.
pub(super) async fn retry_if<T, E: RetryError>(
    waits: &Waits,
    budget: Option<Duration>,
    is_retryable: impl Fn(&E) -> bool,
    mut operation: impl AsyncFnMut() -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let start = Instant::now();
    let mut error = match operation().await {
        Err(error) if is_retryable(&error) => error,
        result => return result,
    };
    let deadline = budget.map(|budget| start + budget);
    let wait = waits.begin_at(start, error.awaited());
    while deadline.is_none_or(|deadline| Instant::now() < deadline) {
        wait.set_error(error.short_message());
        sleep(RETRY_DELAY).await;
        let attempt = operation();
        let result = match deadline {
            Some(deadline) => match timeout_at(deadline, attempt).await {
                Ok(result) => result,
                Err(_) => break,
            },
            None => attempt.await,
        };
        error = match result {
            Err(error) if is_retryable(&error) => error,
            result => return result,
        };
    }
    Err(error)
}

/// An error that is shown while the operation is retried.
pub(super) trait RetryError {
    /// What is awaited: "AWS to describe stack `web`".
    fn awaited(&self) -> String;
    /// The error without the failed action.
    fn short_message(&self) -> String;
}

impl RetryError for AwsError {
    fn awaited(&self) -> String {
        format!("AWS to {}", self.action)
    }

    fn short_message(&self) -> String {
        self.reason()
    }
}

impl RetryError for OpsError {
    fn awaited(&self) -> String {
        match self {
            Self::Aws(error) => error.awaited(),
            Self::Missing { stack: Some(stack), .. } => format!("stack `{stack}` to be deployed"),
            _ => "AWS".to_owned(),
        }
    }

    fn short_message(&self) -> String {
        match self {
            Self::Aws(error) => error.short_message(),
            error => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl RetryError for &str {
        fn awaited(&self) -> String {
            "AWS".to_owned()
        }

        fn short_message(&self) -> String {
            (*self).to_owned()
        }
    }

    /// Retries an operation that takes `call` and fails `failures` times, with a budget of two minutes. Returns the result and the
    /// time it took in seconds.
    async fn retried(
        failures: usize,
        call: Duration,
        is_retryable: bool,
    ) -> (std::result::Result<&'static str, &'static str>, u64) {
        let (start, mut calls, waits) = (Instant::now(), 0, Waits::default());
        let operation = async || {
            sleep(call).await;
            calls += 1;
            if calls > failures { Ok("done") } else { Err("HTTP 503") }
        };
        let result = retry_if(&waits, Some(RETRY_BUDGET), |_| is_retryable, operation).await;
        assert_eq!(waits.oldest(), None, "the wait has ended");
        (result, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_retried_for_the_time_of_the_budget() {
        let call_duration = Duration::from_millis(1);
        assert_eq!(retried(3, call_duration, true).await, (Ok("done"), 6));
        assert_eq!(retried(1, call_duration, false).await, (Err("HTTP 503"), 0));
        assert_eq!(retried(usize::MAX, call_duration, true).await, (Err("HTTP 503"), 120));
        assert_eq!(
            retried(usize::MAX, Duration::from_secs(90), true).await,
            (Err("HTTP 503"), 120),
            "a slow call is cut"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_error_of_a_retried_operation_is_shown() {
        let waits = Waits::default();
        let fails = retry_if(&waits, None, |_| true, async || Err::<(), _>("HTTP 503"));
        drop(
            tokio::time::timeout(Duration::from_hours(1), async {
                tokio::select! {
                    _ = fails => {}
                    () = async {
                        sleep(Duration::from_mins(59)).await;
                        let wait = waits.oldest().expect("a wait");
                        assert_eq!((wait.elapsed.as_secs(), wait.last_error.as_deref()), (59 * 60, Some("HTTP 503")));
                    } => {}
                }
            })
            .await,
        );
    }
}
