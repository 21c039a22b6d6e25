//! Retries transient AWS errors while an operation continues on the server.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Result;
use crate::aws::{AwsError, AwsErrorKind};

/// How long to keep retrying before giving up. Each call also has the SDK's own retries.
const RETRY_BUDGET: Duration = Duration::from_mins(2);
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Calls `operation` until it succeeds, fails permanently, or the retry budget is spent.
pub(super) async fn retry_transient<T>(
    mut operation: impl AsyncFnMut() -> std::result::Result<T, AwsError>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match operation().await {
            Err(error) if is_retryable(&error) && start.elapsed() < RETRY_BUDGET => sleep(RETRY_DELAY).await,
            result => return Ok(result?),
        }
    }
}

/// Connection refused is permanent here: nothing listens at the endpoint. Throttling, faults and time-outs pass.
fn is_retryable(error: &AwsError) -> bool {
    error.is_transient() && error.kind != AwsErrorKind::ConnectionRefused
}
