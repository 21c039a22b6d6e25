//! Reads pages within the request budget, and retries errors that may pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::budget::RequestBudget;
use crate::aws::{AwsError, AwsErrorKind};
use crate::model::{LiveUpdate, LogPage, LogQuery};
use crate::waits::Waits;

/// The delay after the first failure of a request; it doubles with each, up to [`MAX_RETRY_DELAY`].
const RETRY_DELAY: Duration = Duration::from_millis(200);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(10);

/// Where pages come from: CloudWatch Logs, or a test.
pub(crate) trait LogPages: Send + Sync + 'static {
    /// One page. Does not retry.
    fn page(&self, query: &LogQuery, token: Option<String>) -> impl Future<Output = Result<LogPage, AwsError>> + Send;

    /// Starts a session of Live Tail for log groups, by name or ARN. It ends when the receiver is dropped. Does not retry.
    fn live(
        &self,
        groups: &[String],
        pattern: Option<&str>,
    ) -> impl Future<Output = Result<LiveUpdates, AwsError>> + Send;

    /// The server's clock, in milliseconds since 1970.
    fn now(&self) -> i64;
}

/// The updates of a session of Live Tail, which an error ends.
pub(crate) type LiveUpdates = mpsc::Receiver<Result<LiveUpdate, AwsError>>;

/// How long a request is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryTime {
    /// This long.
    For(Duration),
    /// Until it succeeds: a watch does not end by itself. Before the first page of a group, errors that do not pass end the
    /// command.
    Endless,
}

/// Reads pages for one command.
#[derive(Debug)]
pub(crate) struct PageReader<P> {
    pub(super) pages: Arc<P>,
    pub(super) budget: RequestBudget,
    waits: Waits,
    retry_time: RetryTime,
    has_read: Arc<AtomicBool>,
    awaits_creation: bool,
}

impl<P> Clone for PageReader<P> {
    fn clone(&self) -> Self {
        let Self { pages, budget, waits, retry_time, has_read, awaits_creation } = self;
        Self {
            pages: Arc::clone(pages),
            budget: budget.clone(),
            waits: waits.clone(),
            retry_time: *retry_time,
            has_read: Arc::clone(has_read),
            awaits_creation: *awaits_creation,
        }
    }
}

impl<P: LogPages> PageReader<P> {
    pub(crate) fn new(pages: Arc<P>, budget: RequestBudget, waits: Waits, retry_time: RetryTime) -> Self {
        Self { pages, budget, waits, retry_time, has_read: Arc::default(), awaits_creation: false }
    }

    /// The same for another group, which need not exist yet if `awaits_creation`.
    pub(super) fn for_group(&self, awaits_creation: bool) -> Self {
        Self { has_read: Arc::default(), awaits_creation, ..self.clone() }
    }

    /// The server's clock, in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.pages.now()
    }

    /// One page.
    ///
    /// # Errors
    /// The request has failed permanently, or for longer than the reader's retry time.
    pub(crate) async fn read(&self, query: &LogQuery, token: Option<String>) -> Result<LogPage, AwsError> {
        let (mut first_failure, mut delay, mut wait) = (None, RETRY_DELAY, None);
        loop {
            self.budget.acquire().await;
            let sent = Instant::now();
            let error = match self.pages.page(query, token.clone()).await {
                Ok(page) => {
                    self.budget.on_success();
                    self.has_read.store(true, Ordering::Relaxed);
                    return Ok(page);
                }
                Err(error) => error,
            };
            if error.kind == AwsErrorKind::Throttled {
                self.budget.on_throttled(sent);
            }
            let start = *first_failure.get_or_insert(sent);
            let is_expired = token.is_some() && error.is_invalid_token();
            if is_expired || !self.is_retryable(&error, start.elapsed()) {
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
        match self.retry_time {
            RetryTime::For(limit) => error.is_transient() && elapsed < limit,
            RetryTime::Endless => {
                let has_read = self.has_read.load(Ordering::Relaxed);
                let is_awaited = self.awaits_creation && error.kind == AwsErrorKind::NotFound;
                has_read || error.is_transient() || is_awaited
            }
        }
    }
}
