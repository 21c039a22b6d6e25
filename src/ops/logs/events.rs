//! Events in the order in which they are printed: by timestamp, then by ingestion, then as AWS sent them.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use crate::model::{LogEvent, LogPage};

/// An event of a page that it shares with others.
#[derive(Debug, Clone)]
pub(crate) struct EventRef {
    page: Arc<LogPage>,
    index: u32,
}

impl EventRef {
    pub(crate) fn get(&self) -> LogEvent<'_> {
        self.page.event(self.index as usize)
    }

    /// What events are sorted by.
    pub(super) fn order(&self) -> (i64, i64) {
        let event = self.get();
        (event.timestamp, event.ingestion_time)
    }
}

/// The events of a page, in AWS's order.
pub(super) fn of_page(page: &Arc<LogPage>) -> impl Iterator<Item = EventRef> {
    let events = u32::try_from(page.len()).unwrap_or(u32::MAX);
    (0..events).map(|index| EventRef { page: Arc::clone(page), index })
}

/// The same events, without the pages that they are a small part of.
pub(super) fn compact(events: Vec<EventRef>) -> Vec<EventRef> {
    let Some(first) = events.first() else { return events };
    if events.len() * 4 > first.page.len() {
        return events;
    }
    let mut page = LogPage::default();
    for event in &events {
        page.push(event.get());
    }
    of_page(&Arc::new(page)).collect()
}

/// Hashes of event ids. Two of a million different ids have the same hash with a probability of one to 37 million.
#[derive(Debug, Default)]
pub(super) struct IdHasher(RandomState);

impl IdHasher {
    pub(super) fn hash(&self, event: &LogEvent<'_>) -> u64 {
        self.0.hash_one(event.id)
    }
}

/// Puts the pages of one time window in order. Events of the newest timestamp are held back, because the next page may have more
/// of them.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    held: Vec<EventRef>,
    hasher: IdHasher,
    /// The size of the pages from which events may be held back.
    held_bytes: usize,
    /// The ids of the last page, and of all pages since the newest timestamp: the next page may repeat events.
    known_ids: HashSet<u64>,
    newest: i64,
}

/// The most bytes that are held back. More events than this at one millisecond are sorted in parts.
const MAX_HELD_BYTES: usize = 12 * 1024 * 1024;

impl Sorter {
    /// Adds a page, without events after `stop` and without those of the page before. Returns the events that are in their final
    /// order.
    pub(super) fn add(&mut self, page: &Arc<LogPage>, stop: i64) -> Vec<EventRef> {
        let mut ids = HashSet::with_capacity(page.len());
        let mut events = std::mem::take(&mut self.held);
        events.reserve(page.len());
        for event in of_page(page) {
            let hash = self.hasher.hash(&event.get());
            if event.get().timestamp <= stop && ids.insert(hash) && !self.known_ids.contains(&hash) {
                events.push(event);
            }
        }
        events.sort_by_key(EventRef::order);
        let newest = events.last().map_or(self.newest, |event| event.order().0);
        if newest > self.newest {
            (self.known_ids, self.held_bytes) = (ids, 0);
        } else {
            self.known_ids.extend(ids);
        }
        self.held_bytes += page.bytes();
        self.newest = newest;
        if self.held_bytes <= MAX_HELD_BYTES {
            let held = events.partition_point(|event| event.order().0 < newest);
            self.held = events.split_off(held);
        } else {
            self.held_bytes = 0;
        }
        events
    }

    /// The events that were held back, at the end of the window.
    pub(super) fn finish(&mut self) -> Vec<EventRef> {
        self.known_ids.clear();
        std::mem::take(&mut self.held)
    }
}
