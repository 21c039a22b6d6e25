//! A log group in memory, that behaves like a server: pages, delays, throttling, failures and late events.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::{AwsError, AwsErrorKind};
use crate::model::{LogEvent, LogPage, LogQuery};
use crate::ops::logs::page_reader::LogPages;
use crate::ops::logs::{PageReader, RequestBudget, RetryTime};
use crate::waits::Waits;

/// The server's time when a test begins.
pub(super) const START: i64 = 1_800_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEvent {
    pub timestamp: i64,
    pub ingestion_time: i64,
    pub id: String,
}

/// What the server does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behaviour {
    pub page_length: usize,
    pub latency: Duration,
    /// Every nth request is throttled; 0 for none.
    pub throttled: usize,
    pub failed: usize,
    /// Every nth page is empty, with a token.
    pub empty: usize,
    /// Every nth request with a token is rejected, because the token has expired.
    pub expired: usize,
    /// The oldest events always come first.
    pub ignores_order: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            page_length: 100,
            latency: Duration::from_millis(50),
            throttled: 0,
            failed: 0,
            empty: 0,
            expired: 0,
            ignores_order: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct Group {
    began: Instant,
    events: Vec<StoredEvent>,
    behaviour: Behaviour,
    requests: AtomicUsize,
    pub sent: Mutex<Vec<Instant>>,
}

impl Group {
    /// A group with events, which can be read from their ingestion on.
    pub(super) fn new(mut events: Vec<StoredEvent>, behaviour: Behaviour) -> Self {
        events.sort_by_key(|event| event.timestamp);
        Self { began: Instant::now(), events, behaviour, requests: AtomicUsize::new(0), sent: Mutex::default() }
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn events(&self) -> &[StoredEvent] {
        &self.events
    }
}

/// A reader of a group.
pub(super) fn reader(
    group: &std::sync::Arc<Group>,
    requests_per_second: f64,
    retry_time: RetryTime,
) -> PageReader<Group> {
    PageReader::new(group.clone(), RequestBudget::new(requests_per_second), Waits::default(), retry_time)
}

impl LogPages for Group {
    async fn page(&self, query: &LogQuery, token: Option<String>) -> Result<LogPage, AwsError> {
        let Behaviour { page_length, latency, throttled, failed, empty, expired, ignores_order } = self.behaviour;
        self.sent.lock().expect("it is not poisoned").push(Instant::now());
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let is_every = |count: usize| count > 0 && number.is_multiple_of(count);
        sleep(latency).await;
        if is_every(throttled) {
            return Err(AwsError::new("read", AwsErrorKind::Throttled, "Rate exceeded"));
        }
        if is_every(failed) {
            return Err(AwsError::new("read", AwsErrorKind::NotAws, "HTTP 503"));
        }
        if token.is_some() && is_every(expired) {
            return Err(AwsError::from_code(
                "read",
                "InvalidParameterException",
                "The specified nextToken is invalid.",
            ));
        }
        let offset: usize = token.map_or(0, |token| token.parse().expect("one of ours"));
        if is_every(empty) {
            let mut page = LogPage::default();
            page.next_token = Some(offset.to_string());
            return Ok(page);
        }
        let now = self.now();
        let end = query.end.unwrap_or(i64::MAX);
        let is_read = |event: &&StoredEvent| {
            event.ingestion_time <= now && event.timestamp >= query.start && event.timestamp <= end
        };
        let mut matching: Vec<&StoredEvent> = self.events.iter().filter(is_read).collect();
        if query.newest_first && !ignores_order {
            matching.reverse();
        }
        let length = query.limit.map_or(page_length, |limit| page_length.min(limit.into()));
        let mut page = LogPage::default();
        for event in matching.iter().skip(offset).take(length) {
            page.push(LogEvent {
                id: &event.id,
                stream: "web/app/1",
                timestamp: event.timestamp,
                ingestion_time: event.ingestion_time,
                message: &event.id,
            });
        }
        page.next_token = (offset + length < matching.len()).then(|| (offset + length).to_string());
        Ok(page)
    }

    fn now(&self) -> i64 {
        START + i64::try_from(self.began.elapsed().as_millis()).expect("a short test")
    }
}
