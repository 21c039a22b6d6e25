//! Which events have been printed, so that none is printed twice.
//!
//! Events that were polled have ids. Those of Live Tail have none, so they are matched with polled ones by their content: for each
//! content, as many events are printed as the source that had more of them has returned.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use super::events::IdHasher;
use crate::model::LogEvent;

/// The events that can be returned again, by the second of their timestamp.
#[derive(Debug, Default)]
pub(super) struct SeenEvents {
    seconds: BTreeMap<i64, Second>,
    ids: IdHasher,
    contents: RandomState,
    /// Earlier events, in milliseconds since 1970, are not polled any more.
    start: i64,
    /// Whether Live Tail is used.
    has_live: bool,
}

#[derive(Debug, Default)]
struct Second {
    ids: HashSet<u64>,
    /// For the hash of each content, how many events were printed when Live Tail sent them, minus how many when they were polled, without
    /// those that both have returned.
    balance: HashMap<u64, i32>,
}

impl SeenEvents {
    /// Live Tail is used from now on.
    pub(super) fn expect_live_events(&mut self) {
        self.has_live = true;
    }

    /// Records an event that was polled. Returns whether it is new.
    pub(super) fn add_polled(&mut self, event: &LogEvent<'_>) -> bool {
        let (id, content) = (self.ids.hash(event), self.has_live.then(|| self.content(event)));
        let second = self.seconds.entry(event.timestamp.div_euclid(1000)).or_default();
        second.ids.insert(id) && content.is_none_or(|content| second.is_new(content, -1))
    }

    /// Records an event of Live Tail. Returns whether it is new.
    pub(super) fn add_live(&mut self, event: &LogEvent<'_>) -> bool {
        let content = self.content(event);
        let is_polled = event.timestamp >= self.start;
        !is_polled || self.seconds.entry(event.timestamp.div_euclid(1000)).or_default().is_new(content, 1)
    }

    /// Forgets events that are not polled any more.
    pub(super) fn forget_before(&mut self, timestamp: i64) {
        self.start = self.start.max(timestamp);
        self.seconds = self.seconds.split_off(&timestamp.div_euclid(1000));
    }

    fn content(&self, event: &LogEvent<'_>) -> u64 {
        let LogEvent { id: _, stream, timestamp, ingestion_time, message } = event;
        self.contents.hash_one((stream, timestamp, ingestion_time, message))
    }

    /// How many events are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.seconds.values().map(|second| second.ids.len()).sum()
    }
}

impl Second {
    /// Counts an event of one source: `sign` is 1 for Live Tail and -1 for polling. It is new unless the other source is ahead.
    fn is_new(&mut self, content: u64, sign: i32) -> bool {
        let balance = self.balance.entry(content).or_default();
        let is_new = *balance * sign >= 0;
        *balance += sign;
        if *balance == 0 {
            self.balance.remove(&content);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event<'a>(id: &'a str, message: &'a str) -> LogEvent<'a> {
        LogEvent { id, stream: "s", timestamp: 1_000, ingestion_time: 2_000, message }
    }

    #[test]
    fn equal_events_are_as_many_as_the_source_with_more_of_them_returns() {
        let mut seen = SeenEvents::default();
        seen.expect_live_events();
        // Live Tail sends one of three equal events, then polling returns them all, twice.
        assert!(seen.add_live(&event("", "a")));
        assert_eq!(
            ["1", "2", "3", "1", "2", "3"].map(|id| seen.add_polled(&event(id, "a"))),
            [false, true, true, false, false, false]
        );
        // The others arrive later.
        assert_eq!([seen.add_live(&event("", "a")), seen.add_live(&event("", "a"))], [false, false]);
        // Polling is first.
        assert!(seen.add_polled(&event("4", "b")));
        assert_eq!([seen.add_live(&event("", "b")), seen.add_live(&event("", "b"))], [false, true]);
        assert!(!seen.add_polled(&event("5", "b")));
    }

    #[test]
    fn events_that_are_not_polled_any_more_are_not_remembered() {
        let mut seen = SeenEvents::default();
        seen.expect_live_events();
        seen.forget_before(5_000);
        assert!(seen.add_live(&event("", "a")) && seen.add_live(&event("", "a")));
        assert!(seen.seconds.is_empty());
    }
}
