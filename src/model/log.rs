//! CloudWatch Logs: groups, streams, events and queries.

use jiff::Timestamp;

/// The input of FilterLogEvents.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// The log group's name.
    pub group: String,
    /// Streams whose name begins with this; filtered by the server.
    pub stream_prefix: Option<String>,
    /// From here on, inclusive.
    pub start: Option<Timestamp>,
    /// Up to here, inclusive.
    pub end: Option<Timestamp>,
    /// CloudWatch's filter pattern.
    pub pattern: Option<String>,
}

/// One page of FilterLogEvents. An empty page may carry a token.
#[derive(Debug, Clone, Default)]
pub struct LogPage {
    /// Events, oldest first within the page.
    pub events: Vec<LogEvent>,
    /// Where the next page begins.
    pub next_token: Option<String>,
}

/// A log event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// EventId: unique in the log group.
    pub id: String,
    /// The stream's name.
    pub stream: String,
    /// When, by the writer's clock.
    pub timestamp: Timestamp,
    /// The line, as it was written.
    pub message: String,
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Days that events are kept; for ever when absent.
    pub retention_days: Option<i32>,
    /// Bytes that CloudWatch counts.
    pub stored_bytes: i64,
}

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// Its name.
    pub name: String,
    /// The newest event. AWS updates it with a delay of up to an hour.
    pub last_event: Option<Timestamp>,
}
