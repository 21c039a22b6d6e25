//! StartLiveTail: a stream of events as they are ingested, updated once a second.
//!
//! Sources: the API reference of StartLiveTail, and its quotas in the user guide.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;

use super::events::Batch;
use super::filter_pattern::FilterPattern;
use super::{group, invalid_parameter};
use crate::base::ids;
use crate::protocol::event_stream::{EventStream, Sender, StreamMessage};
use crate::{Fault, Sandbox};

const MAX_SESSIONS: usize = 15;
const MAX_DURATION: Duration = Duration::from_hours(3);
/// The time between two updates. Clients wait for it, so `--speed` does not shorten it.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);
/// Events in an update; a sample if there are more.
const MAX_EVENTS: usize = 500;
/// Batches that are queued for the slowest session.
const QUEUE_LENGTH: usize = 1024;

/// Ingested events of one stream.
#[derive(Debug)]
struct Ingested {
    batch: Batch,
    /// Milliseconds since 1970.
    ingested_at: i64,
}

/// Publishes ingested events to the sessions.
#[derive(Debug)]
pub(crate) struct LiveTails(broadcast::Sender<Arc<Ingested>>);

impl Default for LiveTails {
    fn default() -> Self {
        Self(broadcast::Sender::new(QUEUE_LENGTH))
    }
}

impl LiveTails {
    /// Publishes events. Without sessions it does nothing.
    pub(super) fn publish(&self, batches: &[&Batch], ingested_at: i64) {
        if self.0.receiver_count() > 0 {
            for &batch in batches {
                // The last session may have ended in the meantime.
                let _ = self.0.send(Arc::new(Ingested { batch: batch.clone(), ingested_at }));
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct StartLiveTailInput {
    #[serde(rename = "logGroupIdentifiers")]
    arns: Vec<String>,
    #[serde(rename = "logStreamNames", default)]
    streams: Vec<String>,
    #[serde(rename = "logStreamNamePrefixes", default)]
    prefixes: Vec<String>,
    #[serde(rename = "logEventFilterPattern", default)]
    pattern: String,
}

/// The events that a session shows.
struct Subscription {
    /// Names of groups, and their ARNs in the request.
    groups: Vec<(String, String)>,
    streams: Vec<String>,
    prefixes: Vec<String>,
    pattern: FilterPattern,
}

/// Starts a session, which ends when its client disconnects, after three hours, or with the sandbox.
pub(super) fn start(sandbox: &Arc<Sandbox>, input: StartLiveTailInput) -> Result<EventStream, Fault> {
    let StartLiveTailInput { arns, streams, prefixes, pattern } = input;
    if !streams.is_empty() && !prefixes.is_empty() {
        return Err(invalid_parameter("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters."));
    }
    if arns.len() > 1 && !(streams.is_empty() && prefixes.is_empty()) {
        return Err(invalid_parameter("Streams can only be named together with a single log group."));
    }
    let started = json!({
        "requestId": ids::uuid(),
        "sessionId": ids::uuid(),
        "logGroupIdentifiers": arns,
        "logStreamNames": streams,
        "logStreamNamePrefixes": prefixes,
        "logEventFilterPattern": pattern,
    });
    let pattern = FilterPattern::parse(&pattern)?;
    let groups = arns.into_iter().map(|arn| Ok((name(sandbox, &arn)?, arn))).collect::<Result<_, Fault>>()?;
    let subscription = Subscription { groups, streams, prefixes, pattern };
    let tails = &sandbox.in_memory::<LiveTails>().0;
    if tails.receiver_count() >= MAX_SESSIONS {
        return Err(Fault::limit_exceeded(
            "LimitExceededException",
            "The maximum number of Live Tail sessions is open.",
        ));
    }
    let ingested = tails.subscribe();
    let (sender, stream) = EventStream::new();
    sandbox.spawn(async move {
        if sender.send(StreamMessage::new("sessionStart", started)).await.is_ok() {
            tail(&subscription, ingested, &sender).await;
        }
    });
    Ok(stream)
}

/// The name of the group with an ARN, if it exists.
fn name(sandbox: &Sandbox, arn: &str) -> Result<String, Fault> {
    let name = arn.split(":log-group:").nth(1).filter(|_| arn.starts_with("arn:"));
    let name = name.ok_or_else(|| invalid_parameter(format!("{arn} is not the ARN of a log group.")))?;
    sandbox.store.read(|states| group(states, name).map(|_| name.to_owned()))
}

async fn tail(subscription: &Subscription, mut ingested: broadcast::Receiver<Arc<Ingested>>, sender: &Sender) {
    let end = Instant::now() + MAX_DURATION;
    let mut updates = tokio::time::interval(UPDATE_INTERVAL);
    updates.tick().await;
    let (mut results, mut sampled) = (Vec::new(), false);
    loop {
        tokio::select! {
            received = ingested.recv() => match received {
                Ok(ingested) => sampled |= subscription.collect(&ingested, &mut results),
                Err(RecvError::Lagged(_)) => sampled = true,
                Err(RecvError::Closed) => return,
            },
            _ = updates.tick() => {
                let metadata = json!({ "sampled": std::mem::take(&mut sampled) });
                let update = json!({ "sessionMetadata": metadata, "sessionResults": std::mem::take(&mut results) });
                if sender.send(StreamMessage::new("sessionUpdate", update)).await.is_err() {
                    return;
                }
            }
            () = sender.closed() => return,
            () = tokio::time::sleep_until(end) => {
                let message = "Session has been running for longer than three hours.";
                let _ = sender.send(StreamMessage::exception("SessionTimeoutException", message)).await;
                return;
            }
        }
    }
}

impl Subscription {
    /// Adds the matching events of a batch; true if there are more than an update may have.
    fn collect(&self, Ingested { batch, ingested_at }: &Ingested, results: &mut Vec<Value>) -> bool {
        let Batch { group, stream, events } = batch;
        let Some((_, arn)) = self.groups.iter().find(|(name, _)| name == group) else { return false };
        let is_stream = self.streams.is_empty() || self.streams.contains(stream);
        let has_prefix =
            self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| stream.starts_with(prefix.as_str()));
        let matching =
            events.iter().filter(|event| is_stream && has_prefix && self.pattern.matches(event.message.as_bytes()));
        let mut matching = matching.map(|event| {
            json!({
                "logStreamName": stream,
                "logGroupIdentifier": arn,
                "message": event.message,
                "timestamp": event.timestamp,
                "ingestionTime": ingested_at,
            })
        });
        let room = MAX_EVENTS.saturating_sub(results.len());
        results.extend(matching.by_ref().take(room));
        matching.next().is_some()
    }
}
