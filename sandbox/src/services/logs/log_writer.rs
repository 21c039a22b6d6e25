//! Collects the output of all tasks and writes it in batches, one transaction at a time.
//!
//! No line is lost: if the disk is full, lines are queued and the tasks that print them are blocked until there is
//! space again or the sandbox stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::events::{self, Batch, LogEvent};
use crate::Sandbox;
use crate::base::supervisor;

/// How long lines are collected before they are written.
const COLLECT_TIME: Duration = Duration::from_millis(50);
/// The delay before a failed write is retried.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Queued lines. A task that prints faster than they can be written is blocked.
const QUEUE_LENGTH: usize = 16 * 1024;
/// The size of all queued lines.
const MAX_QUEUED_BYTES: usize = 32 * 1024 * 1024;

/// The log group and log stream that lines are written to.
pub(crate) type LogDestination = (Arc<str>, Arc<str>);

/// A line for a stream.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub group: Arc<str>,
    pub stream: Arc<str>,
    pub event: LogEvent,
}

impl LogEntry {
    fn bytes(&self) -> usize {
        self.event.message.len().min(MAX_QUEUED_BYTES)
    }
}

/// The sending end of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Entries {
    entries: mpsc::Sender<LogEntry>,
    room: Arc<Semaphore>,
}

impl Entries {
    /// Waits until there is space in the queue. If the writer has ended, the sandbox is stopping and the line is
    /// dropped.
    pub(crate) async fn send(&self, entry: LogEntry) {
        let bytes = u32::try_from(entry.bytes()).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.acquire_many(bytes).await {
            room.forget();
            let _ = self.entries.send(entry).await;
        }
    }
}

/// The receiving end of the queue.
#[derive(Debug)]
pub(crate) struct Queue {
    entries: mpsc::Receiver<LogEntry>,
    room: Arc<Semaphore>,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// Creates the queue to the writer, which ends once all senders are dropped and everything is written.
pub(crate) fn channel() -> (Entries, Queue) {
    let (sender, entries) = mpsc::channel(QUEUE_LENGTH);
    let room = Arc::new(Semaphore::new(MAX_QUEUED_BYTES));
    (Entries { entries: sender, room: Arc::clone(&room) }, Queue { entries, room })
}

/// Writes until the last sender is dropped. What cannot be stored because of a panic is reported in the log.
pub(crate) async fn run(sandbox: Arc<Sandbox>, mut queue: Queue) {
    let sandbox = &sandbox;
    let mut gathered = Vec::new();
    while queue.entries.recv_many(&mut gathered, QUEUE_LENGTH).await > 0 {
        tokio::time::sleep(COLLECT_TIME).await;
        while let Ok(entry) = queue.entries.try_recv() {
            gathered.push(entry);
            if gathered.len() >= QUEUE_LENGTH {
                break;
            }
        }
        let bytes = gathered.iter().map(LogEntry::bytes).sum();
        let persisted = supervisor::catch(persist(sandbox, group_by_stream(gathered.drain(..)))).await;
        queue.room.add_permits(bytes);
        if let Err(panic) = persisted {
            sandbox.log.write(&format!("the output of tasks was not stored: {panic}"));
        }
    }
}

/// Appends batches, and retries until that succeeds.
async fn persist(sandbox: &Arc<Sandbox>, batches: Vec<Batch>) {
    let batches = Arc::new(batches);
    let mut is_reported = false;
    loop {
        let (appending, batches) = (Arc::clone(sandbox), Arc::clone(&batches));
        let Err(fault) = supervisor::blocking(move || events::append(&appending, &batches)).await else { return };
        if !is_reported {
            sandbox.log.write(&format!("the output of tasks cannot be stored, retrying: {}", fault.message));
            is_reported = true;
        }
        if sandbox.shutdown.run_until_cancelled(tokio::time::sleep(RETRY_DELAY)).await.is_none() {
            return;
        }
    }
}

fn group_by_stream(entries: impl Iterator<Item = LogEntry>) -> Vec<Batch> {
    let mut streams: BTreeMap<(Arc<str>, Arc<str>), Vec<LogEvent>> = BTreeMap::new();
    for LogEntry { group, stream, event } in entries {
        streams.entry((group, stream)).or_default().push(event);
    }
    let batch = |((group, stream), events): ((Arc<str>, Arc<str>), _)| Batch {
        group: group.to_string(),
        stream: stream.to_string(),
        events,
    };
    streams.into_iter().map(batch).collect()
}
