//! Log streams: create, delete, describe.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::groups::check_name;
use super::{group, group_name, invalid_parameter, invalid_token, limit, not_found, stream_key};
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::{Fault, Sandbox};

const PAGE_SIZE: usize = 50;

/// A log stream. Times are milliseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogStream {
    /// Identifies the stream in the keys of its events.
    pub id: u64,
    pub name: String,
    pub created_at: i64,
    pub first_event: Option<i64>,
    pub last_event: Option<i64>,
    /// When events were last ingested.
    pub last_ingestion: Option<i64>,
}

impl LogStream {
    fn to_output(&self, sandbox: &Sandbox, group: &str) -> Value {
        json!({
            "logStreamName": self.name,
            "creationTime": self.created_at,
            "firstEventTimestamp": self.first_event,
            "lastEventTimestamp": self.last_event,
            "lastIngestionTime": self.last_ingestion,
            "uploadSequenceToken": self.last_ingestion.map(|time| format!("{:056}", u128::from(self.id) + u128::from(time.unsigned_abs()))),
            "arn": sandbox.config.arn("logs", &format!("log-group:{group}:log-stream:{}", self.name)),
            // AWS has reported 0 for every stream since 2019.
            "storedBytes": 0,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogStreamInput {
    log_group_name: String,
    log_stream_name: String,
}

pub(super) fn create(
    sandbox: &Arc<Sandbox>,
    LogStreamInput { log_group_name, log_stream_name: name }: LogStreamInput,
) -> OperationResult {
    check_name("logStreamName", &name, |character| !":*".contains(character), "[^:*]*")?;
    let created_at = sandbox.clock.now().as_millisecond();
    sandbox.store.write(|states| {
        group(states, &log_group_name)?;
        let key = stream_key(&log_group_name, &name);
        if states.of::<State>().streams.contains(&key) {
            return Err(Fault::already_exists(
                "ResourceAlreadyExistsException",
                "The specified log stream already exists",
            ));
        }
        let id = rand::random();
        let stream = LogStream { id, name, created_at, first_event: None, last_event: None, last_ingestion: None };
        states.of_mut::<State>().streams.insert(key, stream);
        Ok(Value::Null)
    })
}

pub(super) fn delete(
    sandbox: &Arc<Sandbox>,
    LogStreamInput { log_group_name, log_stream_name }: LogStreamInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        group(states, &log_group_name)?;
        // Without the stream its events are not visible; they are deleted with the group or when they expire.
        let removed = states.of_mut::<State>().streams.remove(&stream_key(&log_group_name, &log_stream_name));
        removed.map(|_| Value::Null).ok_or_else(|| not_found("stream"))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeLogStreamsInput {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeLogStreamsInput) -> OperationResult {
    let limit = limit(input.limit, PAGE_SIZE, 50)?;
    let name = group_name(input.log_group_name, input.log_group_identifier)?;
    let by_time = match input.order_by.as_deref() {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") => true,
        Some(other) => {
            return Err(invalid_parameter(format!(
                "1 validation error detected: Value '{other}' at 'orderBy' failed to satisfy constraint: \
             Member must satisfy enum value set: [LogStreamName, LastEventTime]"
            )));
        }
    };
    if by_time && input.log_stream_name_prefix.is_some() {
        return Err(invalid_parameter("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let query = format!("DescribeLogStreams {name} {:?} {by_time} {}", input.log_stream_name_prefix, input.descending);
    let prefix = stream_key(&name, input.log_stream_name_prefix.as_deref().unwrap_or_default());
    let page = sandbox.store.read(|states| {
        group(states, &name)?;
        let mut streams: Vec<&LogStream> =
            states.of::<State>().streams.with_prefix(&prefix).map(|(_, stream)| stream).collect();
        if by_time {
            streams.sort_by_key(|stream| stream.last_event);
        }
        if input.descending {
            streams.reverse();
        }
        let outputs = streams.into_iter().map(|stream| (stream.name.clone(), stream.to_output(sandbox, &name)));
        paging::page(outputs, &query, input.next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "logStreams": page.items, "nextToken": page.next_token }))
}
