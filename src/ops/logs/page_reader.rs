//! Reads pages within the request budget, and retries errors that may pass.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::budget::RequestBudget;
use crate::aws::{AwsError, AwsErrorKind};
use crate::model::{LogPage, LogQuery};
use crate::waits::Waits;

/// The delay after the first failure of a request; it doubles with each, up to [`MAX_RETRY_DELAY`].
const RETRY_DELAY: Duration = Duration::from_millis(200);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// Where pages come from: CloudWatch Logs, or a test.
pub(crate) trait LogPages: Send + Sync + 'static {
    /// One page. Does not retry.
    fn page(&self, query: &LogQuery, token: Option<String>) -> impl Future<Output = Result<LogPage, AwsError>> + Send;

    /// The server's clock, in milliseconds since 1970.
    fn now(&self) -> i64;
}

/// How long a request is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// This long.
    For(Duration),
    /// Until it succeeds or fails permanently. A group that does not exist may be created.
    Endless,
}

/// Reads pages for one command.
#[derive(Debug)]
pub(crate) struct PageReader<P> {
    pub(super) pages: Arc<P>,
    pub(super) budget: RequestBudget,
    waits: Waits,
    patience: Patience,
}

impl<P> Clone for PageReader<P> {
    fn clone(&self) -> Self {
        let Self { pages, budget, waits, patience } = self;
        Self { pages: Arc::clone(pages), budget: budget.clone(), waits: waits.clone(), patience: *patience }
    }
}

impl<P: LogPages> PageReader<P> {
    pub(crate) fn new(pages: Arc<P>, budget: RequestBudget, waits: Waits, patience: Patience) -> Self {
        Self { pages, budget, waits, patience }
    }

    /// The server's clock, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.pages.now()
    }

    /// One page.
    ///
    /// # Errors
    /// The request has failed permanently, or for longer than the reader's patience.
    pub(super) async fn read(&self, query: &LogQuery, token: Option<String>) -> Result<LogPage, AwsError> {
        let (start, mut delay, mut wait) = (Instant::now(), RETRY_DELAY, None);
        loop {
            self.budget.acquire().await;
            let sent = Instant::now();
            let error = match self.pages.page(query, token.clone()).await {
                Ok(page) => {
                    self.budget.on_success();
                    return Ok(page);
                }
                Err(error) => error,
            };
            if error.kind == AwsErrorKind::Throttled {
                self.budget.on_throttled(sent);
            }
            if !self.is_retryable(&error, start.elapsed()) {
                return Err(error);
            }
            let is_missing = error.kind == AwsErrorKind::NotFound;
            let awaited = if is_missing { "to be created" } else { "to be read" };
            wait.get_or_insert_with(|| self.waits.begin_at(start, format!("log group `{}` {awaited}", query.group)))
                .set_error(error.reason());
            sleep(delay).await;
            delay = (delay * 2).min(MAX_RETRY_DELAY);
        }
    }

    fn is_retryable(&self, error: &AwsError, elapsed: Duration) -> bool {
        match self.patience {
            Patience::For(limit) => error.is_transient() && elapsed < limit,
            Patience::Endless => error.is_transient() || error.kind == AwsErrorKind::NotFound,
        }
    }
}
