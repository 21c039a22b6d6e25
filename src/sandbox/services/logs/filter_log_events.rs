//! FilterLogEvents: the events of several streams of a group, interleaved by time, page by page.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::events::{self, Found, Key};
use super::filter_pattern::FilterPattern;
use super::{group, group_name, invalid, invalid_token, limit, no_such, stream_key};
use crate::sandbox::services::{Reply, paging};
use crate::sandbox::world::World;
use crate::sandbox::{Fault, Sandbox};

const MOST_EVENTS: i64 = 10_000;
const MOST_BYTES: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
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
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: Input) -> Reply {
    let limit = limit(input.limit, 10_000, MOST_EVENTS)?;
    let pattern = FilterPattern::parse(input.filter_pattern.as_deref().unwrap_or_default()).map_err(invalid)?;
    let name = group_name(input.log_group_name, input.log_group_identifier)?;
    let question = format!(
        "FilterLogEvents {name} {:?} {:?} {:?} {:?} {:?}",
        input.log_stream_names, input.log_stream_name_prefix, input.start_time, input.end_time, input.filter_pattern
    );
    let (group, streams) = sandbox.world.read(|world| {
        let group = group(world, &name)?;
        let streams = selected(world, &name, &input.log_stream_names, input.log_stream_name_prefix.as_deref())?;
        Ok::<_, Fault>((group.clone(), streams))
    })?;
    // The end belongs to the window here, unlike GetLogEvents.
    let end = input.end_time.map(|end| end.saturating_add(1));
    let (first, last) = events::window(sandbox, &group, input.start_time, end);
    let from = match &input.next_token {
        Some(token) => paging::position(&question, token).map_err(invalid_token)?,
        None => first.bytes().to_vec(),
    };
    let wanted = |key: Key, value: &[u8]| streams.contains_key(&key.stream) && pattern.matches(events::message(value));
    let page = page(sandbox, (&from, &last.bytes()), limit, wanted)?;
    let next_token = page.next.map(|key| paging::token(&question, &key));
    let described: Vec<Value> = page.events.iter().map(|event| describe(event, &streams)).collect();
    Ok(json!({ "events": described, "searchedLogStreams": [], "nextToken": next_token }))
}

/// The streams that are searched: their names by their ids.
fn selected(
    world: &World,
    group: &str,
    names: &[String],
    prefix: Option<&str>,
) -> Result<BTreeMap<u64, String>, Fault> {
    let named = |stream: &super::Stream| (stream.id, stream.name.clone());
    if names.is_empty() {
        let key = stream_key(group, prefix.unwrap_or_default());
        return Ok(world.logs.streams.with_prefix(&key).map(|(_, stream)| named(stream)).collect());
    }
    if prefix.is_some() {
        return Err(invalid("logStreamNamePrefix and logStreamNames are mutually exclusive parameters."));
    }
    let stream = |name: &String| world.logs.streams.get(&stream_key(group, name)).map(named);
    names.iter().map(|name| stream(name).ok_or_else(|| no_such("stream"))).collect()
}

struct Page {
    events: Vec<Found>,
    next: Option<Vec<u8>>,
}

/// Reads one event more than fits, which is where the next page begins.
fn page(
    sandbox: &Sandbox,
    window: (&[u8], &[u8]),
    limit: usize,
    mut wanted: impl FnMut(Key, &[u8]) -> bool,
) -> Result<Page, Fault> {
    let (mut bytes, mut count) = (0, 0);
    // When the page is full the next wanted event is the last that is read.
    let mut full_at = None;
    let mut events = events::range(sandbox, window, limit + 1, |key, value| {
        if full_at.is_some() || !wanted(key, value) {
            return false;
        }
        bytes += events::message(value).len();
        count += 1;
        if bytes > MOST_BYTES && count > 1 {
            full_at = Some(count - 1);
        }
        true
    })?;
    let kept = full_at.unwrap_or(limit).min(events.len());
    let next = events.get(kept).map(|event| event.key.bytes().to_vec());
    events.truncate(kept);
    Ok(Page { events, next })
}

fn describe(event: &Found, streams: &BTreeMap<u64, String>) -> Value {
    json!({
        "logStreamName": streams.get(&event.key.stream),
        "timestamp": event.key.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested_at,
        "eventId": event.key.event_id(),
    })
}
