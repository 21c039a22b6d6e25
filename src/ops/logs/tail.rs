//! Reads and follows a log group with FilterLogEvents. Reports no event twice, and loses none that arrives within [`OVERLAP`] of its timestamp.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::aws::{Aws, AwsError, AwsErrorKind};
use crate::model::{LogEvent, LogPage, LogQuery};
use crate::ops::Result;
use crate::ops::retry::{RETRY_BUDGET, retry_if};

/// How far back each round reads again, because events may arrive late.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);
/// FilterLogEvents is limited to a few requests a second for an account and region.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What to read.
#[derive(Debug, Clone)]
pub(crate) struct TailOptions {
    /// Group, streams, window and pattern.
    pub query: LogQuery,
    /// Keep reading new events.
    pub watch: bool,
    /// The clock: an event with a future timestamp must not move the window past current ones.
    pub now: fn() -> Timestamp,
}

/// A reader of a log group.
#[derive(Debug)]
pub(crate) struct Tail<'a> {
    aws: &'a Aws,
    options: TailOptions,
    /// Ids of reported events that are still inside the window.
    seen_ids: HashSet<String>,
    by_time: BTreeSet<(Timestamp, String)>,
    newest: Option<Timestamp>,
    /// The token of the next page in the current round.
    next_token: Option<String>,
    /// Whether the last page of the current round was read.
    is_round_done: bool,
    /// Whether any page was read.
    has_read: bool,
}

impl<'a> Tail<'a> {
    /// A reader that has reported nothing yet.
    pub(crate) fn new(aws: &'a Aws, options: TailOptions) -> Self {
        let (seen_ids, by_time) = (HashSet::new(), BTreeSet::new());
        Self { aws, options, seen_ids, by_time, newest: None, next_token: None, is_round_done: false, has_read: false }
    }

    /// The new events of the next page that has any, oldest first. `None` after the last page; with `watch`, never.
    pub(crate) async fn next_events(&mut self) -> Result<Option<Vec<LogEvent>>> {
        loop {
            if self.is_round_done {
                if !self.options.watch {
                    return Ok(None);
                }
                self.move_window();
                sleep(POLL_INTERVAL).await;
                self.is_round_done = false;
            }
            let page = self.next_page().await?;
            self.next_token = page.next_token;
            self.is_round_done = self.next_token.is_none();
            let new: Vec<LogEvent> = page.events.into_iter().filter(|event| self.is_new(event)).collect();
            if !new.is_empty() {
                return Ok(Some(new));
            }
        }
    }

    /// The next page of the current round. A watch does not end because of an error, unless its first page cannot be read: it waits until the
    /// group exists, or the credentials are valid again.
    async fn next_page(&mut self) -> Result<LogPage> {
        let Self { aws, options: TailOptions { query, watch, .. }, next_token, has_read, .. } = self;
        let is_retryable =
            |error: &AwsError| error.is_transient() || *watch && (*has_read || error.kind == AwsErrorKind::NotFound);
        let budget = (!*watch).then_some(RETRY_BUDGET);
        let read = async || {
            let page = aws.filter_log_events(query, next_token.clone()).await;
            if page.as_ref().is_err_and(|error| !error.is_transient()) {
                // The token may have expired. A repeated round reports no event twice.
                *next_token = None;
            }
            page
        };
        let page = retry_if(aws.waits(), budget, is_retryable, read).await?;
        *has_read = true;
        Ok(page)
    }

    fn is_new(&mut self, event: &LogEvent) -> bool {
        if !self.options.watch {
            return true;
        }
        self.newest = self.newest.max(Some(event.timestamp.min((self.options.now)())));
        let new = self.seen_ids.insert(event.id.clone());
        if new {
            self.by_time.insert((event.timestamp, event.id.clone()));
        }
        new
    }

    /// The next round begins [`OVERLAP`] before the newest event; older events cannot come again and are forgotten.
    fn move_window(&mut self) {
        let Some(newest) = self.newest else { return };
        let start =
            newest.saturating_sub(OVERLAP).unwrap_or(newest).max(self.options.query.start.unwrap_or(Timestamp::MIN));
        self.options.query.start = Some(start);
        while let Some((timestamp, id)) = self.by_time.pop_first() {
            if timestamp >= start {
                self.by_time.insert((timestamp, id));
                break;
            }
            self.seen_ids.remove(&id);
        }
    }
}
