//! The table of log events: written in batches, read in ranges, never held in memory.
//!
//! A key consists of group, timestamp, sequence number and stream, of eight bytes each: events of a group are sorted by
//! timestamp, then by ingestion. A value is the time of ingestion and the message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::LogGroup;
use crate::base::supervisor;
use crate::services::logs::{LiveTails, State};
use crate::store::States;
use crate::store::database::{Order, Scan};
use crate::{Fault, Sandbox};

const TABLE: &str = "logs_events";
const KEY_BYTES: usize = 32;

/// The bytes that CloudWatch Logs counts for each event in addition to its message.
pub(crate) const OVERHEAD_BYTES: usize = 26;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogEvent {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    group: u64,
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    sequence: u64,
    pub(super) stream: u64,
}

impl Key {
    /// The position before all events of a group at `timestamp`.
    pub(super) fn at(group: u64, timestamp: i64) -> Self {
        Self { group, timestamp: timestamp.max(0), sequence: 0, stream: 0 }
    }

    pub(super) fn bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        let parts = [self.group, self.timestamp.unsigned_abs(), self.sequence, self.stream];
        for (place, part) in bytes.chunks_exact_mut(8).zip(parts) {
            place.copy_from_slice(&part.to_be_bytes());
        }
        bytes
    }

    /// The position directly after the event.
    pub(super) fn after(self) -> Vec<u8> {
        [self.bytes().as_slice(), &[0]].concat()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let part = |index: usize| Some(u64::from_be_bytes(bytes.get(index * 8..index * 8 + 8)?.try_into().ok()?));
        Some(Self { group: part(0)?, timestamp: i64::try_from(part(1)?).ok()?, sequence: part(2)?, stream: part(3)? })
    }

    /// The event's id: 56 digits, as on AWS.
    pub(super) fn event_id(self) -> String {
        format!("{:016}{:020}{:020}", self.timestamp, self.sequence, self.stream)
    }
}

/// An event that has been read.
#[derive(Debug)]
pub(super) struct StoredEvent {
    pub(super) key: Key,
    /// Milliseconds since 1970.
    pub(super) ingested_at: i64,
    pub(super) message: String,
}

impl StoredEvent {
    pub(super) fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let (ingested_at, message) = value.split_first_chunk::<8>()?;
        let message = String::from_utf8_lossy(message).into_owned();
        Some(Self { key: Key::read(key)?, ingested_at: i64::from_be_bytes(*ingested_at), message })
    }
}

/// Events for one stream.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub group: String,
    /// Events for a stream that does not exist are dropped: it has been deleted.
    pub stream: String,
    /// Sorted by time.
    pub events: Vec<LogEvent>,
}

/// Appends events, in one transaction for all streams; batches that an injected fault delays are appended later.
pub(crate) fn append(sandbox: &Arc<Sandbox>, batches: &[Batch]) -> Result<(), Fault> {
    let delay = |batch: &Batch| {
        if batch.events.is_empty() { None } else { sandbox.fault_injector.next_for_log_events(&batch.group) }
    };
    let (late, in_time): (Vec<_>, Vec<_>) =
        batches.iter().map(|batch| (batch, delay(batch))).partition(|(_, delay)| delay.is_some());
    append_now(sandbox, &in_time.iter().map(|(batch, _)| *batch).collect::<Vec<_>>())?;
    for (batch, delay) in late {
        append_later(sandbox, batch.clone(), delay.unwrap_or_default());
    }
    Ok(())
}

/// Appends a batch after a delay, or when the sandbox stops.
fn append_later(sandbox: &Arc<Sandbox>, batch: Batch, delay: Duration) {
    let sandbox = Arc::clone(sandbox);
    sandbox.clone().background.spawn(async move {
        sandbox.shutdown.run_until_cancelled(tokio::time::sleep(delay)).await;
        supervisor::blocking(move || {
            if let Err(fault) = append_now(&sandbox, &[&batch]) {
                sandbox.log.write(&format!("late events of {} are not stored: {}", batch.group, fault.message));
            }
        })
        .await;
    });
}

fn append_now(sandbox: &Sandbox, batches: &[&Batch]) -> Result<(), Fault> {
    super::storage_quota::free_space(sandbox)?;
    let now = sandbox.clock.now().as_millisecond();
    sandbox.store.append(TABLE, |states| {
        let state = states.of_mut::<State>();
        let mut rows = Vec::new();
        for Batch { group, stream, events } in batches {
            let key = super::stream_key(group, stream);
            if events.is_empty() || !state.groups.contains(group) || !state.streams.contains(&key) {
                continue;
            }
            let (Some(group), Some(stream)) = (state.groups.get_mut(group), state.streams.get_mut(&key)) else {
                continue;
            };
            for LogEvent { timestamp, message } in events {
                group.stored_bytes += (message.len() + OVERHEAD_BYTES) as u64;
                stream.first_event = Some(stream.first_event.map_or(*timestamp, |first| first.min(*timestamp)));
                stream.last_event = Some(stream.last_event.map_or(*timestamp, |last| last.max(*timestamp)));
                let key = Key { group: group.id, timestamp: *timestamp, sequence: sequence(now), stream: stream.id };
                rows.push((key.bytes().to_vec(), [now.to_be_bytes().as_slice(), message.as_bytes()].concat()));
            }
            stream.last_ingestion = Some(now);
        }
        Ok(rows)
    })?;
    sandbox.in_memory::<LiveTails>().publish(batches, now);
    Ok(())
}

/// A number that is larger than any before, in this process and, because of the clock, in earlier ones.
fn sequence(now_millis: i64) -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let floor = now_millis.unsigned_abs() << 16;
    let next = |last: u64| Some(last.max(floor) + 1);
    LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default().max(floor) + 1
}

/// The events between two keys that `visit`, called in `order` with their messages, takes.
pub(super) fn range(
    sandbox: &Sandbox,
    window: (&[u8], &[u8]),
    order: Order,
    mut visit: impl FnMut(Key, &[u8]) -> Scan,
) -> Result<Vec<StoredEvent>, Fault> {
    let visit = |key: &[u8], value: &[u8]| match (Key::read(key), value.split_first_chunk::<8>()) {
        (Some(key), Some((_, message))) => visit(key, message),
        _ => Scan::Skip,
    };
    let rows = sandbox.store.database().range(TABLE, window, order, visit).map_err(Fault::internal)?;
    Ok(rows.iter().filter_map(|(key, value)| StoredEvent::read(key, value)).collect())
}

/// The range of keys for a group's events in a time window: `start` included, `end` excluded, in milliseconds since
/// 1970.
pub(super) fn window(sandbox: &Sandbox, group: &LogGroup, start: Option<i64>, end: Option<i64>) -> (Key, Key) {
    let oldest = super::retention::oldest_visible(sandbox, group);
    (Key::at(group.id, start.unwrap_or(0).max(oldest)), Key::at(group.id, end.unwrap_or(i64::MAX)))
}

/// Removes all events of a group.
pub(super) fn remove_group(sandbox: &Sandbox, group: u64) -> Result<(), Fault> {
    let (from, to) = (Key::at(group, 0).bytes(), Key::at(group, i64::MAX).bytes());
    sandbox.store.database().remove_range(TABLE, &from, &to).map_err(Fault::internal)
}

/// Removes the events of groups that do not exist: their deletion was interrupted.
pub(super) fn remove_orphaned(sandbox: &Sandbox) -> Result<(), Fault> {
    let end = Key::at(u64::MAX, i64::MAX).bytes();
    let mut from = Key::at(0, 0).bytes();
    loop {
        let mut found = None;
        range(sandbox, (&from, &end), Order::Ascending, |key, _| {
            found = Some(key.group);
            Scan::Stop
        })?;
        let Some(group) = found else { return Ok(()) };
        let exists = |states: &mut States| Ok(states.of::<State>().groups.values().any(|known| known.id == group));
        // As a change, because the group may have been created in a batch that is being written.
        if !sandbox.store.write(exists)? {
            remove_group(sandbox, group)?;
        }
        from = Key::at(group, i64::MAX).bytes();
    }
}

/// Removes a group's events up to the first one for which `is_kept`, which is also given the number of bytes removed so
/// far, returns true.
pub(super) fn remove_oldest(
    sandbox: &Sandbox,
    group: &LogGroup,
    mut is_kept: impl FnMut(Key, u64) -> bool,
) -> Result<(), Fault> {
    let (from, to) = (Key::at(group.id, 0).bytes(), Key::at(group.id, i64::MAX).bytes());
    let (mut removed, mut end) = (0, None);
    range(sandbox, (&from, &to), Order::Ascending, |key, message| {
        if is_kept(key, removed) {
            return Scan::Stop;
        }
        removed += (message.len() + OVERHEAD_BYTES) as u64;
        end = Some(key.after());
        Scan::Skip
    })?;
    let Some(end) = end else { return Ok(()) };
    // Not what has been appended meanwhile.
    sandbox.store.database().remove_range(TABLE, &from, &end).map_err(Fault::internal)?;
    sandbox.store.write(|states| {
        // The group may have been deleted and recreated in the meantime.
        if states.of::<State>().groups.get(&group.name).is_some_and(|now| now.id == group.id)
            && let Some(now) = states.of_mut::<State>().groups.get_mut(&group.name)
        {
            now.stored_bytes = now.stored_bytes.saturating_sub(removed);
        }
        Ok(())
    })
}

/// The messages of all events of all groups, sorted.
#[cfg(test)]
pub(super) fn all_messages(sandbox: &Sandbox) -> Vec<String> {
    let (from, to) = ([0; KEY_BYTES], [u8::MAX; KEY_BYTES]);
    let events = range(sandbox, (&from, &to), Order::Ascending, |_, _| Scan::Take).expect("it is read");
    let mut messages: Vec<String> = events.into_iter().map(|event| event.message).collect();
    messages.sort();
    messages
}

#[cfg(test)]
mod tests {
    use super::{Key, sequence};

    #[test]
    fn keys_sort_by_timestamp_then_by_ingestion() {
        let key = |timestamp, sequence| Key { group: 1, timestamp, sequence, stream: 9 }.bytes();
        assert!(key(1, 5) < key(2, 1) && key(2, 1) < key(2, 2));
        assert_eq!(Key::read(&key(2, 1)), Some(Key { group: 1, timestamp: 2, sequence: 1, stream: 9 }));
        assert_eq!(Key::at(1, 2).event_id().len(), 56);
    }

    #[test]
    fn sequences_only_grow() {
        assert!(sequence(5) < sequence(5) && sequence(9) < sequence(3));
    }
}
