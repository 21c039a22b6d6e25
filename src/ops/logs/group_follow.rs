//! Follows one group: what of it is read, and when.

use std::time::Duration;

use tokio::time::Instant;

use super::events::EventRef;
use super::merge::GroupEvent;
use super::page_reader::{LogPages, PageReader};
use super::seen_events::SeenEvents;
use crate::model::{LogEvent, LogQuery};

/// The kinds of reads: for how late events, in milliseconds, and how often. The Date header, which the server's clock is known from,
/// has whole seconds.
pub(super) const SWEEPS: [(i64, Duration); 3] =
    [(6_000, Duration::from_secs(1)), (36_000, Duration::from_secs(8)), (5 * 60_000 + 15_000, Duration::from_secs(50))];
/// Events that are ingested later than this after their timestamp are late, in milliseconds.
const LATE: i64 = 10_000;

#[derive(Debug)]
pub(super) struct GroupFollow<P> {
    pub(super) reader: PageReader<P>,
    pub(super) query: LogQuery,
    pub(super) sweeps: [Sweep; 3],
    pub(super) seen: SeenEvents,
    /// Whether Live Tail was started for it.
    pub(super) has_live: bool,
    /// The timestamp of the newest event that was printed.
    pub(super) newest: i64,
}

/// One kind of read of one group. Times of events are in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) lateness: i64,
    pub(super) period: Duration,
    /// All events that were visible at this time have been read.
    pub(super) complete_until: i64,
    pub(super) due: Instant,
    /// When a page was last requested.
    pub(super) sent: Instant,
    pub(super) run: Option<Run>,
}

/// A read in progress.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Where it began.
    pub(super) start: i64,
    /// Where the query of its token begins.
    pub(super) first: i64,
    /// The time of the newest event that was read.
    pub(super) position: i64,
    /// When it began, by the server's clock.
    pub(super) began: i64,
    /// The token of the page to request next; `None` for the first one.
    pub(super) token: Option<String>,
    pub(super) is_in_flight: bool,
    /// How many pages without new events have returned their own token in a row.
    pub(super) repeats: u32,
}

/// An event, and whether it arrived late.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    pub event: GroupEvent,
    pub is_late: bool,
}

impl<P: LogPages> GroupFollow<P> {
    pub(super) fn new(reader: &PageReader<P>, query: LogQuery, began: i64) -> Self {
        let sweep = |(lateness, period)| Sweep {
            lateness,
            period,
            complete_until: began,
            due: Instant::now() + period.saturating_sub(SWEEPS[0].1),
            sent: Instant::now(),
            run: None,
        };
        let newest = i64::MIN;
        let reader = reader.for_group(true);
        Self {
            reader,
            query: LogQuery { end: None, ..query },
            sweeps: SWEEPS.map(sweep),
            seen: SeenEvents::default(),
            has_live: false,
            newest,
        }
    }

    /// Events that are new, in order.
    pub(super) fn new_events(&mut self, index: usize, mut new: Vec<EventRef>) -> Vec<NewEvent> {
        new.sort_by_key(EventRef::order);
        let newest = self.newest;
        let is_late = |event: &LogEvent<'_>| {
            event.timestamp < newest && event.ingestion_time.saturating_sub(event.timestamp) > LATE
        };
        self.newest = new.last().map_or(newest, |event| newest.max(event.get().timestamp));
        let new = new.into_iter();
        new.map(|event| NewEvent { is_late: is_late(&event.get()), event: GroupEvent { group: index, event } })
            .collect()
    }

    /// Ends a read. Reads that would have begun later are complete as well.
    pub(super) fn complete(&mut self, number: usize, run: &Run) {
        for (other, sweep) in self.sweeps.iter_mut().enumerate() {
            if other == number || run.start <= sweep.complete_until - sweep.lateness {
                sweep.complete_until = sweep.complete_until.max(run.began);
            }
        }
        self.seen.forget_before(self.oldest_start());
    }

    /// The start of the read that looks back furthest.
    pub(super) fn oldest_start(&self) -> i64 {
        let starts = self.sweeps.iter().map(|sweep| {
            let next = sweep.complete_until - sweep.lateness;
            sweep.run.as_ref().map_or(next, |run| next.min(run.start))
        });
        starts.min().unwrap_or(i64::MIN)
    }
}
