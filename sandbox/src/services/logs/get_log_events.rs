//! GetLogEvents: events of one stream, forward from its beginning or backward from its end.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::event_page::{self, EventPage, MAX_EVENTS};
use super::events::{self, Key, StoredEvent};
use super::{group, group_name, limit, not_found, page_token, stream_key};
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::store::database::Order;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GetLogEventsInput {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name: String,
    start_time: Option<i64>,
    end_time: Option<i64>,
    next_token: Option<String>,
    limit: Option<i64>,
    #[serde(default)]
    start_from_head: bool,
    /// Ignored: the sandbox masks nothing.
    #[serde(rename = "unmask")]
    _unmask: Option<bool>,
}

/// The direction in which a page is filled, and where it begins or ends.
#[derive(PartialEq, Eq)]
enum Start {
    From(Vec<u8>),
    Until(Vec<u8>),
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: GetLogEventsInput) -> OperationResult {
    let limit = limit(input.limit, 10_000, MAX_EVENTS)?;
    let name = group_name(input.log_group_name, input.log_group_identifier)?;
    let stream_name = &input.log_stream_name;
    let query = format!("GetLogEvents {name} {stream_name} {:?} {:?}", input.start_time, input.end_time);
    let (group, stream) = sandbox.store.read(|states| {
        let stream = states.of::<State>().streams.get(&stream_key(&name, stream_name)).cloned();
        Ok::<_, Fault>((group(states, &name)?.clone(), stream.ok_or_else(|| not_found("stream"))?))
    })?;
    let (first, last) = events::window(sandbox, &group, input.start_time, input.end_time);
    let (first, last) = (first.bytes().to_vec(), last.bytes().to_vec());
    let now = sandbox.clock.now();
    let place = match &input.next_token {
        Some(token) => parse_token(&query, token, now)?,
        None if input.start_from_head => Start::From(first.clone()),
        None => Start::Until(last.clone()),
    };
    let in_stream = |key: Key, _: &[u8]| key.stream == stream.id;
    let (events, start, end) = match &place {
        Start::From(start) => {
            let EventPage { events, next } =
                event_page::read(sandbox, (start, &last), Order::Ascending, limit, in_stream)?;
            let end = match (next, events.last()) {
                (Some(next), _) => next.bytes().to_vec(),
                (None, Some(last)) => last.key.after(),
                (None, None) => start.clone(),
            };
            (events, start.clone(), end)
        }
        Start::Until(end) => {
            let EventPage { mut events, next } =
                event_page::read(sandbox, (&first, end), Order::Descending, limit, in_stream)?;
            events.reverse();
            let start = match (next, events.first()) {
                (Some(next), _) => next.after(),
                (None, Some(first)) => first.key.bytes().to_vec(),
                (None, None) => end.clone(),
            };
            // The next page forward has what arrives later, which may be before the end of the time range.
            let end = events.last().map_or_else(|| first.clone(), |last| last.key.after());
            (events, start, end)
        }
    };
    // At an end of the stream, the token stays the same.
    let token = |next: Start| match &input.next_token {
        Some(given) if next == place => given.clone(),
        _ => to_token(&query, &next, now),
    };
    Ok(json!({
        "events": events.iter().map(to_output).collect::<Vec<Value>>(),
        "nextForwardToken": token(Start::From(end)),
        "nextBackwardToken": token(Start::Until(start)),
    }))
}

fn to_token(query: &str, start: &Start, now: Timestamp) -> String {
    let (direction, position) = match start {
        Start::From(position) => ("f", position),
        Start::Until(position) => ("b", position),
    };
    format!("{direction}/{}", page_token::create(&format!("{direction} {query}"), position, now))
}

fn parse_token(query: &str, token: &str, now: Timestamp) -> Result<Start, Fault> {
    let (direction, rest) = token.split_once('/').unwrap_or_default();
    let position = page_token::position(&format!("{direction} {query}"), rest, now)?;
    Ok(if direction == "f" { Start::From(position) } else { Start::Until(position) })
}

fn to_output(event: &StoredEvent) -> Value {
    json!({ "timestamp": event.key.timestamp, "message": event.message, "ingestionTime": event.ingested_at })
}
