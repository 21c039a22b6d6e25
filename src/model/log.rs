//! CloudWatch Logs: groups, streams, events and queries.

use indexmap::IndexSet;
use jiff::Timestamp;

/// The input of FilterLogEvents. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The name or the ARN.
    pub group: String,
    /// The names of the streams, at most a hundred; none for all.
    pub streams: Vec<String>,
    /// Start of the time range, inclusive.
    pub start: i64,
    /// End of the time range, inclusive.
    pub end: Option<i64>,
    /// CloudWatch's filter pattern.
    pub pattern: Option<String>,
    /// Whether the newest events come first.
    pub newest_first: bool,
    /// The most events of a page: 10,000 at most, which is the default.
    pub limit: Option<u16>,
}

/// One page of FilterLogEvents. An empty page may have a token.
///
/// A page has thousands of events, so their texts are in one allocation.
#[derive(Debug, Clone, Default)]
pub struct LogPage {
    text: String,
    streams: IndexSet<String>,
    events: Vec<EventEntry>,
    /// The token of the next page.
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct EventEntry {
    timestamp: i64,
    ingestion_time: i64,
    stream: u32,
    /// Where the id begins in the text, the message, and the next event.
    id: u32,
    message: u32,
    end: u32,
}

/// An event of a page. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEvent<'a> {
    /// Unique in the log group.
    pub id: &'a str,
    pub stream: &'a str,
    /// The time by the writer's clock.
    pub timestamp: i64,
    /// When CloudWatch Logs received it.
    pub ingestion_time: i64,
    /// The line as written.
    pub message: &'a str,
}

impl LogPage {
    /// Appends an event. A page has at most 1 MiB of messages and 10,000 ids; what exceeds 4 GiB is left out.
    pub fn push(&mut self, event: LogEvent<'_>) {
        let stream = self.streams.get_index_of(event.stream);
        let stream = stream.unwrap_or_else(|| self.streams.insert_full(event.stream.to_owned()).0);
        let id = self.text.len();
        let (message, end) = (id + event.id.len(), id + event.id.len() + event.message.len());
        let parts = [stream, id, message, end].map(u32::try_from);
        if let [Ok(stream), Ok(id), Ok(message), Ok(end)] = parts {
            self.text.push_str(event.id);
            self.text.push_str(event.message);
            let LogEvent { timestamp, ingestion_time, .. } = event;
            self.events.push(EventEntry { timestamp, ingestion_time, stream, id, message, end });
        }
    }

    /// The size of its texts.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// An event by its place, in AWS's order.
    pub fn event(&self, index: usize) -> LogEvent<'_> {
        let EventEntry { timestamp, ingestion_time, stream, id, message, end } = self.events[index];
        LogEvent {
            id: &self.text[id as usize..message as usize],
            stream: &self.streams[stream as usize],
            timestamp,
            ingestion_time,
            message: &self.text[message as usize..end as usize],
        }
    }

    /// The events, in AWS's order.
    pub fn events(&self) -> impl Iterator<Item = LogEvent<'_>> {
        (0..self.len()).map(|index| self.event(index))
    }
}

/// What a session of Live Tail sends about once a second.
#[derive(Debug, Clone, Default)]
pub struct LiveUpdate {
    /// Whether there were more events than are sent, so that some are missing.
    pub is_sampled: bool,
    /// The events by the name of their group. They have no ids.
    pub pages: Vec<(String, LogPage)>,
}

/// The name of a log group that is given by its name, its ARN (`arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, also with `:*`) or, as by
/// Live Tail, as `ACCOUNT:NAME`. A name has no colon.
pub(crate) fn log_group_name(identifier: &str) -> &str {
    let identifier = identifier.trim_end_matches(":*");
    identifier.rsplit_once(':').map_or(identifier, |(_, name)| name)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    pub name: String,
    /// The retention period; `None` if events never expire.
    pub retention_days: Option<i32>,
    /// Stored bytes, as CloudWatch counts them.
    pub stored_bytes: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    pub name: String,
    /// The time of the newest event, which AWS updates with a delay of up to an hour.
    pub last_event: Option<Timestamp>,
}
