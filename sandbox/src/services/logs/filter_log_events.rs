//! FilterLogEvents: events of several streams of a group, interleaved by time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::event_page::{self, MAX_EVENTS};
use super::events::{self, Key, StoredEvent};
use super::filter_pattern::FilterPattern;
use super::{group, group_name, invalid_parameter, limit, not_found, page_token, stream_key};
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::store::States;
use crate::store::database::Order;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FilterLogEventsInput {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    #[serde(default)]
    log_stream_names: Vec<String>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    start_from_head: Option<bool>,
    /// Ignored: AWS has always interleaved streams since 2019.
    #[serde(rename = "interleaved")]
    _interleaved: Option<bool>,
    /// Ignored: the sandbox masks nothing.
    #[serde(rename = "unmask")]
    _unmask: Option<bool>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: FilterLogEventsInput) -> OperationResult {
    let order = if input.start_from_head == Some(false) { Order::Descending } else { Order::Ascending };
    let limit = limit(input.limit, 10_000, MAX_EVENTS)?;
    let pattern = FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
    let name = group_name(input.log_group_name, input.log_group_identifier)?;
    let query = format!(
        "FilterLogEvents {name} {order:?} {:?} {:?} {:?} {:?} {:?}",
        input.log_stream_names, input.log_stream_name_prefix, input.start_time, input.end_time, input.filter_pattern
    );
    let (group, streams) = sandbox.store.read(|states| {
        let group = group(states, &name)?;
        let streams = selected(states, &name, &input.log_stream_names, input.log_stream_name_prefix.as_deref())?;
        Ok::<_, Fault>((group.clone(), streams))
    })?;
    // Unlike in GetLogEvents, `endTime` is inclusive.
    let end = input.end_time.map(|end| end.saturating_add(1));
    let (first, last) = events::window(sandbox, &group, input.start_time, end);
    let (mut window, token) = ((first.bytes().to_vec(), last.bytes().to_vec()), input.next_token.as_deref());
    let now = sandbox.clock.now();
    if let Some(token) = token {
        let position = page_token::position(&query, token, now)?;
        match order {
            Order::Ascending => window.0 = position,
            Order::Descending => window.1 = position,
        }
    }
    let matches = |key: Key, message: &[u8]| streams.contains_key(&key.stream) && pattern.matches(message);
    let page = event_page::read(sandbox, (&window.0, &window.1), order, limit, matches)?;
    let next = page.next.map(|key| if order == Order::Ascending { key.bytes().to_vec() } else { key.after() });
    let next_token = next.map(|position| page_token::create(&query, &position, now));
    let outputs: Vec<Value> = page.events.iter().map(|event| to_output(event, &streams)).collect();
    Ok(json!({ "events": outputs, "searchedLogStreams": [], "nextToken": next_token }))
}

/// The names of the searched streams by their ids.
fn selected(
    states: &States,
    group: &str,
    names: &[String],
    prefix: Option<&str>,
) -> Result<BTreeMap<u64, String>, Fault> {
    let id_and_name = |stream: &super::LogStream| (stream.id, stream.name.clone());
    if names.is_empty() {
        let key = stream_key(group, prefix.unwrap_or_default());
        return Ok(states.of::<State>().streams.with_prefix(&key).map(|(_, stream)| id_and_name(stream)).collect());
    }
    if prefix.is_some() {
        return Err(invalid_parameter("logStreamNamePrefix and logStreamNames are mutually exclusive parameters."));
    }
    let stream = |name: &String| states.of::<State>().streams.get(&stream_key(group, name)).map(id_and_name);
    names.iter().map(|name| stream(name).ok_or_else(|| not_found("stream"))).collect()
}

fn to_output(event: &StoredEvent, streams: &BTreeMap<u64, String>) -> Value {
    json!({
        "logStreamName": streams.get(&event.key.stream),
        "timestamp": event.key.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested_at,
        "eventId": event.key.event_id(),
    })
}
