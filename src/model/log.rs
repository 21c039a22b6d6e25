//! CloudWatch Logs: groups, streams, events and queries.

use jiff::Timestamp;

/// The input of FilterLogEvents.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    pub group: String,
    /// Only streams whose name starts with this.
    pub stream_prefix: Option<String>,
    /// Start of the time range, inclusive.
    pub start: Option<Timestamp>,
    /// End of the time range, inclusive.
    pub end: Option<Timestamp>,
    /// CloudWatch's filter pattern.
    pub pattern: Option<String>,
}

/// One page of FilterLogEvents. An empty page may carry a token.
#[derive(Debug, Clone, Default)]
pub struct LogPage {
    /// Events, oldest first within the page.
    pub events: Vec<LogEvent>,
    /// The token of the next page.
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// EventId: unique in the log group.
    pub id: String,
    pub stream: String,
    /// The time by the writer's clock.
    pub timestamp: Timestamp,
    /// The line as written.
    pub message: String,
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
