//! PutLogEvents.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::events::{self, Batch, LogEvent, OVERHEAD_BYTES};
use super::{group, invalid_parameter, not_found, stream_key};
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::{Fault, Sandbox};

const MAX_EVENTS: usize = 10_000;
const MAX_BYTES: usize = 1024 * 1024;
const MAX_EVENT_BYTES: usize = 1024 * 1024;
const HOUR_MILLIS: i64 = 60 * 60 * 1000;
const MAX_AGE_MILLIS: i64 = 14 * 24 * HOUR_MILLIS;
const MAX_FUTURE_MILLIS: i64 = 2 * HOUR_MILLIS;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PutLogEventsInput {
    #[serde(rename = "logGroupName")]
    group: String,
    #[serde(rename = "logStreamName")]
    stream: String,
    #[serde(rename = "logEvents")]
    events: Vec<InputEvent>,
    /// Ignored, as by AWS.
    #[serde(rename = "sequenceToken")]
    _sequence_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputEvent {
    timestamp: i64,
    message: String,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: PutLogEventsInput) -> OperationResult {
    let PutLogEventsInput { group: group_name, stream, events, .. } = input;
    check(&events)?;
    let oldest_visible = sandbox.store.read(|states| {
        let oldest_visible = super::retention::oldest_visible(sandbox, group(states, &group_name)?);
        let stream = states.of::<State>().streams.get(&stream_key(&group_name, &stream));
        stream.map(|_| oldest_visible).ok_or_else(|| not_found("stream"))
    })?;
    let now = sandbox.clock.now().as_millisecond();
    let too_old = events.iter().take_while(|event| event.timestamp < now - MAX_AGE_MILLIS).count();
    let expired = events.iter().take_while(|event| event.timestamp < oldest_visible).count();
    let too_new = events.iter().position(|event| event.timestamp > now + MAX_FUTURE_MILLIS);
    let accepted = too_old.max(expired)..too_new.unwrap_or(events.len());
    let events = events.into_iter().enumerate().filter(|(index, _)| accepted.contains(index));
    let events = events.map(|(_, InputEvent { timestamp, message })| LogEvent { timestamp, message }).collect();
    events::append(sandbox, &[Batch { group: group_name, stream, events }])?;
    let rejected = json!({
        "tooNewLogEventStartIndex": too_new,
        "tooOldLogEventEndIndex": (too_old > 0).then_some(too_old),
        "expiredLogEventEndIndex": (expired > 0).then_some(expired),
    });
    let any_rejected = too_new.is_some() || too_old.max(expired) > 0;
    Ok(json!({
        "nextSequenceToken": format!("{now:056}"),
        "rejectedLogEventsInfo": any_rejected.then_some(rejected),
    }))
}

fn check(events: &[InputEvent]) -> Result<(), Fault> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        let bound = if events.is_empty() {
            "greater than or equal to 1".to_owned()
        } else {
            format!("less than or equal to {MAX_EVENTS}")
        };
        return Err(invalid_parameter(format!(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length {bound}"
        )));
    }
    if let Some(large) = events.iter().map(size).find(|size| *size > MAX_EVENT_BYTES) {
        return Err(invalid_parameter(format!(
            "Log event too large: {large} bytes exceeds limit of {MAX_EVENT_BYTES}"
        )));
    }
    if events.iter().map(size).sum::<usize>() > MAX_BYTES {
        return Err(invalid_parameter(format!("Upload too large: exceeds limit of {MAX_BYTES}")));
    }
    if !events.is_sorted_by_key(|event| event.timestamp) {
        return Err(invalid_parameter("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let span =
        events.last().zip(events.first()).map_or(0, |(last, first)| last.timestamp.saturating_sub(first.timestamp));
    if span > 24 * HOUR_MILLIS {
        return Err(invalid_parameter(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

fn size(event: &InputEvent) -> usize {
    event.message.len() + OVERHEAD_BYTES
}
