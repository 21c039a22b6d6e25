//! Collects what all tasks print and appends it in batches, so that many talkative tasks cost one transaction at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::events::{self, Batch, Event};
use crate::sandbox::Sandbox;

/// How long lines wait for company.
const GATHER: Duration = Duration::from_millis(50);

/// Lines that may wait; a task that prints faster than the disk takes is held back.
const QUEUED: usize = 16 * 1024;

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

/// A queue to the writer; it ends, with everything written, when all senders are gone.
pub fn channel() -> (mpsc::Sender<Entry>, mpsc::Receiver<Entry>) {
    mpsc::channel(QUEUED)
}

/// Writes until the last sender is gone.
pub async fn write(sandbox: Arc<Sandbox>, mut entries: mpsc::Receiver<Entry>) {
    let mut gathered = Vec::new();
    while entries.recv_many(&mut gathered, QUEUED).await > 0 {
        tokio::time::sleep(GATHER).await;
        while let Ok(entry) = entries.try_recv() {
            gathered.push(entry);
            if gathered.len() >= QUEUED {
                break;
            }
        }
        let batches = by_stream(gathered.drain(..));
        let sandbox = Arc::clone(&sandbox);
        // A disk that refuses loses lines, and the tasks go on.
        let _ = tokio::task::spawn_blocking(move || events::append(&sandbox, &batches)).await;
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
