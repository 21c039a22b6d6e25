//! A busy or unreachable AWS does not end work that goes on there by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Result;
use crate::aws::AwsError;

/// So long AWS may be busy or out of reach before the work is given up. Each call has its own retries besides.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_secs(2);

/// Asks until there is an answer, or an error that will not pass.
pub(super) async fn patiently<T>(mut ask: impl AsyncFnMut() -> std::result::Result<T, AwsError>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(error) if will_pass(&error) && begun.elapsed() < PATIENCE => sleep(PAUSE).await,
            answer => return Ok(answer?),
        }
    }
}

/// A refused connection does not: somebody would have to start a server. A busy or slow one does.
fn will_pass(error: &AwsError) -> bool {
    error.is_transient() && !error.message.contains("refused")
}
