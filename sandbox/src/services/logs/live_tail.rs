//! `StartLiveTail`: events as they are taken in, a second's at a time.
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
use super::{group, invalid};
use crate::base::ids;
use crate::protocol::event_stream::{Event, EventStream, Sender};
use crate::{Fault, Sandbox};

/// Sessions at once.
const SESSIONS: usize = 15;
/// How long one may go on.
const LONGEST: Duration = Duration::from_hours(3);
/// Between two updates: what a client waits for is not shortened.
const UPDATE: Duration = Duration::from_secs(1);
/// Events of an update; of more, these are a sample.
const MOST_EVENTS: usize = 500;
/// Batches that wait for the slowest session.
const QUEUED: usize = 1024;

/// What was taken in at one time.
#[derive(Debug)]
struct Taken {
    batch: Batch,
    /// Milliseconds since 1970.
    ingested_at: i64,
}

/// Who is told of events as they are taken in.
#[derive(Debug)]
pub struct LiveTails(broadcast::Sender<Arc<Taken>>);

impl Default for LiveTails {
    fn default() -> Self {
        Self(broadcast::Sender::new(QUEUED))
    }
}

impl LiveTails {
    /// Tells them. Without anybody it costs nothing.
    pub(super) fn tell(&self, batches: &[Batch], ingested_at: i64) {
        if self.0.receiver_count() > 0 {
            for batch in batches {
                // The last of them may have gone meanwhile.
                let _ = self.0.send(Arc::new(Taken { batch: batch.clone(), ingested_at }));
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Start {
    #[serde(rename = "logGroupIdentifiers")]
    arns: Vec<String>,
    #[serde(rename = "logStreamNames", default)]
    streams: Vec<String>,
    #[serde(rename = "logStreamNamePrefixes", default)]
    prefixes: Vec<String>,
    #[serde(rename = "logEventFilterPattern", default)]
    pattern: String,
}

/// What a session is about.
struct Interest {
    /// Names of groups, and the ARNs that they were asked for by.
    groups: Vec<(String, String)>,
    streams: Vec<String>,
    prefixes: Vec<String>,
    pattern: FilterPattern,
}

/// Begins a session, which ends with its reader, after three hours, or with the sandbox.
pub(super) fn start(sandbox: &Arc<Sandbox>, input: Start) -> Result<EventStream, Fault> {
    let Start { arns, streams, prefixes, pattern } = input;
    if !streams.is_empty() && !prefixes.is_empty() {
        return Err(invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters."));
    }
    if arns.len() > 1 && !(streams.is_empty() && prefixes.is_empty()) {
        return Err(invalid("Streams can only be named together with a single log group."));
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
    let interest = Interest { groups, streams, prefixes, pattern };
    let tails = &sandbox.runtime::<LiveTails>().0;
    if tails.receiver_count() >= SESSIONS {
        return Err(Fault::limit_exceeded(
            "LimitExceededException",
            "The maximum number of Live Tail sessions is open.",
        ));
    }
    let taken = tails.subscribe();
    let (sender, stream) = EventStream::new();
    sandbox.spawn(async move {
        if sender.send(Event::new("sessionStart", started)).await.is_ok() {
            tail(&interest, taken, &sender).await;
        }
    });
    Ok(stream)
}

/// The name of the group that an ARN means, if there is one.
fn name(sandbox: &Sandbox, arn: &str) -> Result<String, Fault> {
    let name = arn.split(":log-group:").nth(1).filter(|_| arn.starts_with("arn:"));
    let name = name.ok_or_else(|| invalid(format!("{arn} is not the ARN of a log group.")))?;
    sandbox.world.read(|world| group(world, name).map(|_| name.to_owned()))
}

async fn tail(interest: &Interest, mut taken: broadcast::Receiver<Arc<Taken>>, sender: &Sender) {
    let end = Instant::now() + LONGEST;
    let mut updates = tokio::time::interval(UPDATE);
    updates.tick().await;
    let (mut results, mut sampled) = (Vec::new(), false);
    loop {
        tokio::select! {
            received = taken.recv() => match received {
                Ok(taken) => sampled |= interest.collect(&taken, &mut results),
                Err(RecvError::Lagged(_)) => sampled = true,
                Err(RecvError::Closed) => return,
            },
            _ = updates.tick() => {
                let metadata = json!({ "sampled": std::mem::take(&mut sampled) });
                let update = json!({ "sessionMetadata": metadata, "sessionResults": std::mem::take(&mut results) });
                if sender.send(Event::new("sessionUpdate", update)).await.is_err() {
                    return;
                }
            }
            () = sender.closed() => return,
            () = tokio::time::sleep_until(end) => {
                let message = "Session has been running for longer than three hours.";
                let _ = sender.send(Event::exception("SessionTimeoutException", message)).await;
                return;
            }
        }
    }
}

impl Interest {
    /// Adds what is wanted of a batch; true when that is more than an update holds.
    fn collect(&self, Taken { batch, ingested_at }: &Taken, results: &mut Vec<Value>) -> bool {
        let Batch { group, stream, events } = batch;
        let Some((_, arn)) = self.groups.iter().find(|(name, _)| name == group) else { return false };
        let named = self.streams.is_empty() || self.streams.contains(stream);
        let begins = self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| stream.starts_with(prefix.as_str()));
        let wanted = events.iter().filter(|event| named && begins && self.pattern.matches(event.message.as_bytes()));
        let mut wanted = wanted.map(|event| {
            json!({
                "logStreamName": stream,
                "logGroupIdentifier": arn,
                "message": event.message,
                "timestamp": event.timestamp,
                "ingestionTime": ingested_at,
            })
        });
        let room = MOST_EVENTS.saturating_sub(results.len());
        results.extend(wanted.by_ref().take(room));
        wanted.next().is_some()
    }
}
