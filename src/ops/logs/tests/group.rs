//! A log group in memory, that behaves like a server: pages, delays, throttling, failures and late events.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::aws::{AwsError, AwsErrorKind};
use crate::model::{LiveUpdate, LogEvent, LogPage, LogQuery};
use crate::ops::logs::page_reader::{LiveUpdates, LogPages};
use crate::ops::logs::{PageReader, RequestBudget, RetryTime};
use crate::waits::Waits;

/// The server's time when a test begins.
pub(super) const START: i64 = 1_800_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEvent {
    pub timestamp: i64,
    pub ingestion_time: i64,
    /// Its message is what is before a slash.
    pub id: String,
}

impl StoredEvent {
    fn to_log_event<'a>(&'a self, id: &'a str) -> LogEvent<'a> {
        let Self { timestamp, ingestion_time, .. } = *self;
        let message = self.id.split('/').next().unwrap_or_default();
        LogEvent { id, stream: "web/app/1", timestamp, ingestion_time, message }
    }
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
    /// Requests for the newest events first are rejected.
    pub rejects_order: bool,
    pub live: LiveBehaviour,
}

/// What Live Tail does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LiveBehaviour {
    /// Sessions are refused.
    pub is_refused: bool,
    /// An update has at most this many events; 0 for no limit.
    pub max_events: usize,
    /// After how many updates the connection is lost; 0 for never.
    pub lost_after: usize,
    /// After how many sessions AWS's time limit ends them; 0 for never.
    pub max_sessions: usize,
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
            rejects_order: false,
            live: LiveBehaviour::default(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Group {
    began: Instant,
    events: Vec<StoredEvent>,
    behaviour: Behaviour,
    requests: AtomicUsize,
    sessions: AtomicUsize,
    pub sent: Mutex<Vec<Instant>>,
}

impl Group {
    /// A group with events, which can be read from their ingestion on.
    pub(super) fn new(mut events: Vec<StoredEvent>, behaviour: Behaviour) -> Self {
        events.sort_by_key(|event| event.timestamp);
        Self {
            began: Instant::now(),
            events,
            behaviour,
            requests: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            sent: Mutex::default(),
        }
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
        let Behaviour {
            page_length,
            latency,
            throttled,
            failed,
            empty,
            expired,
            ignores_order,
            rejects_order,
            live: _,
        } = self.behaviour;
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
        if (token.is_some() && is_every(expired)) || (query.newest_first && rejects_order) {
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
        let first = self.events.partition_point(|event| event.timestamp < query.start);
        let last = self.events.partition_point(|event| event.timestamp <= end).max(first);
        let in_range = self.events[first..last].iter();
        let mut matching: Vec<&StoredEvent> = in_range.filter(|event| event.ingestion_time <= now).collect();
        if query.newest_first && !ignores_order {
            matching.reverse();
        }
        let length = query.limit.map_or(page_length, |limit| page_length.min(limit.into()));
        let mut page = LogPage::default();
        for event in matching.iter().skip(offset).take(length) {
            page.push(event.to_log_event(&event.id));
        }
        page.next_token = (offset + length < matching.len()).then(|| (offset + length).to_string());
        Ok(page)
    }

    async fn live(&self, _: &[String], _: Option<&str>) -> Result<LiveUpdates, AwsError> {
        let LiveBehaviour { is_refused, max_events, lost_after, max_sessions } = self.behaviour.live;
        sleep(self.behaviour.latency).await;
        if is_refused {
            return Err(AwsError::from_code("start", "AccessDeniedException", "not authorized"));
        }
        let is_last = self.sessions.fetch_add(1, Ordering::Relaxed) + 1 == max_sessions;
        let (sender, updates) = mpsc::channel(1);
        let (mut since, began, events) = (self.now(), self.began, self.events.clone());
        tokio::spawn(async move {
            for number in 1.. {
                sleep(Duration::from_secs(1)).await;
                let now = time_since(began);
                let is_new = |event: &&StoredEvent| event.ingestion_time > since && event.ingestion_time <= now;
                let mut new: Vec<&StoredEvent> = events.iter().filter(is_new).collect();
                let is_sampled = max_events > 0 && new.len() > max_events;
                new.truncate(if is_sampled { max_events } else { new.len() });
                let mut page = LogPage::default();
                for event in new {
                    page.push(event.to_log_event(""));
                }
                since = now;
                let update = match number == lost_after {
                    true if is_last => Err(AwsError::from_code("continue", "SessionTimeoutException", "three hours")),
                    true => Err(AwsError::new("continue", AwsErrorKind::Unreachable, "connection lost")),
                    false => Ok(LiveUpdate { is_sampled, pages: vec![("g".to_owned(), page)] }),
                };
                if sender.send(update).await.is_err() || number == lost_after {
                    return;
                }
            }
        });
        Ok(updates)
    }

    fn now(&self) -> i64 {
        time_since(self.began)
    }
}

fn time_since(began: Instant) -> i64 {
    START + i64::try_from(began.elapsed().as_millis()).expect("a short test")
}
