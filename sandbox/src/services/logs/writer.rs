//! Collects what all tasks print and appends it in batches, so that many talkative tasks cost one transaction at a time.
//!
//! No line is lost on its way: when the disk takes no more, lines wait, and with them the tasks that print them, until there is
//! space again. Only the end of the sandbox ends that wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::events::{self, Batch, Event};
use crate::{Fault, Sandbox};

/// How long lines wait for company.
const GATHER: Duration = Duration::from_millis(50);
/// How long to wait before lines that could not be written are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Lines that may wait; a task that prints faster than the disk takes is held back.
const QUEUED: usize = 16 * 1024;
/// What they may hold together.
const QUEUED_BYTES: usize = 32 * 1024 * 1024;

/// One line for a stream.
#[derive(Debug)]
pub struct Entry {
    /// The stream's group.
    pub group: Arc<str>,
    /// The stream.
    pub stream: Arc<str>,
    /// What happened.
    pub event: Event,
}

impl Entry {
    fn weight(&self) -> usize {
        self.event.message.len().min(QUEUED_BYTES)
    }
}

/// Where lines go.
#[derive(Debug, Clone)]
pub struct Entries {
    entries: mpsc::Sender<Entry>,
    room: Arc<Semaphore>,
}

impl Entries {
    /// Waits until there is room. Without the writer the sandbox is ending, and the line is dropped.
    pub async fn send(&self, entry: Entry) {
        let weight = u32::try_from(entry.weight()).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.acquire_many(weight).await {
            room.forget();
            let _ = self.entries.send(entry).await;
        }
    }
}

/// Where the writer takes them.
#[derive(Debug)]
pub struct Queue {
    entries: mpsc::Receiver<Entry>,
    room: Arc<Semaphore>,
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.room.close();
    }
}

/// A queue to the writer; it ends, with everything written, when all senders are gone.
pub fn channel() -> (Entries, Queue) {
    let (sender, entries) = mpsc::channel(QUEUED);
    let room = Arc::new(Semaphore::new(QUEUED_BYTES));
    (Entries { entries: sender, room: Arc::clone(&room) }, Queue { entries, room })
}

/// Writes until the last sender is gone.
pub async fn write(sandbox: Arc<Sandbox>, mut queue: Queue) {
    let mut gathered = Vec::new();
    while queue.entries.recv_many(&mut gathered, QUEUED).await > 0 {
        tokio::time::sleep(GATHER).await;
        while let Ok(entry) = queue.entries.try_recv() {
            gathered.push(entry);
            if gathered.len() >= QUEUED {
                break;
            }
        }
        let bytes = gathered.iter().map(Entry::weight).sum();
        persist(&sandbox, by_stream(gathered.drain(..))).await;
        queue.room.add_permits(bytes);
    }
}

/// Appends the batches, however long it takes until that is possible.
async fn persist(sandbox: &Arc<Sandbox>, batches: Vec<Batch>) {
    let batches = Arc::new(batches);
    let mut complained = false;
    loop {
        let (appending, batches) = (Arc::clone(sandbox), Arc::clone(&batches));
        let append = move || events::append(&appending, &batches);
        let appended = tokio::task::spawn_blocking(append).await.unwrap_or_else(|panic| Err(Fault::internal(panic)));
        let Err(fault) = appended else { return };
        if !complained {
            sandbox.log.write(&format!("tasks wait for what they print to be written: {}", fault.message));
            complained = true;
        }
        if sandbox.shutdown.run_until_cancelled(tokio::time::sleep(RETRY)).await.is_none() {
            return;
        }
    }
}

fn by_stream(entries: impl Iterator<Item = Entry>) -> Vec<Batch> {
    let mut streams: BTreeMap<(Arc<str>, Arc<str>), Vec<Event>> = BTreeMap::new();
    for Entry { group, stream, event } in entries {
        streams.entry((group, stream)).or_default().push(event);
    }
    let batch = |((group, stream), events): ((Arc<str>, Arc<str>), _)| Batch {
        group: group.to_string(),
        stream: stream.to_string(),
        events,
    };
    streams.into_iter().map(batch).collect()
}
