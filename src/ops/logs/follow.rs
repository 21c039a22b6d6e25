//! Follows groups: prints every event once, also those that arrive late.
//!
//! Three kinds of reads look back differently far, because CloudWatch Logs may show an event minutes after its timestamp. Each read
//! begins where the one before it began, minus the lateness that it is for: so however long a read takes, no time is left out.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::events::{self, EventRef, IdHasher};
use super::history::MAX_REPEATS;
use super::merge::GroupEvent;
use super::page_reader::{LogPages, PageReader};
use crate::aws::AwsError;
use crate::model::{LogEvent, LogPage, LogQuery};

/// The kinds of reads: for how late events, in milliseconds, and how often. The Date header, which the server's clock is known from,
/// has whole seconds.
const SWEEPS: [(i64, Duration); 3] =
    [(6_000, Duration::from_secs(1)), (36_000, Duration::from_secs(8)), (5 * 60_000 + 15_000, Duration::from_secs(50))];
/// Events that are ingested later than this after their timestamp are late, in milliseconds.
const LATE: i64 = 10_000;

/// A reader of new events.
#[derive(Debug)]
pub(crate) struct Follow<P> {
    reader: PageReader<P>,
    groups: Vec<GroupFollow<P>>,
    requests: JoinSet<Response>,
    hasher: IdHasher,
}

#[derive(Debug)]
struct GroupFollow<P> {
    reader: PageReader<P>,
    query: LogQuery,
    sweeps: [Sweep; 3],
    seen: SeenEvents,
    /// The timestamp of the newest event that was printed.
    newest: i64,
}

/// One kind of read of one group. Times of events are in milliseconds since 1970.
#[derive(Debug)]
struct Sweep {
    lateness: i64,
    period: Duration,
    /// All events that were visible at this time have been read.
    complete_until: i64,
    due: Instant,
    /// When a page was last requested.
    sent: Instant,
    run: Option<Run>,
}

/// A read in progress.
#[derive(Debug)]
struct Run {
    start: i64,
    began: i64,
    /// The token of the page to request next; `None` for the first one.
    token: Option<String>,
    is_in_flight: bool,
    /// How many pages without new events have returned their own token in a row.
    repeats: u32,
}

#[derive(Debug)]
struct Response {
    group: usize,
    sweep: usize,
    page: Result<LogPage, AwsError>,
}

/// An event, and whether it arrived late.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    pub event: GroupEvent,
    pub is_late: bool,
}

impl<P: LogPages> Follow<P> {
    /// A reader of the events that become visible after `began`, by the server's clock. Events of `query.start` and later count.
    pub(crate) fn new(reader: PageReader<P>, queries: Vec<LogQuery>, began: i64) -> Self {
        let groups = queries.into_iter().map(|query| GroupFollow::new(&reader, query, began)).collect();
        Self { reader, groups, requests: JoinSet::new(), hasher: IdHasher::default() }
    }

    /// Adds a group, of which all events of `query.start` and later are new.
    pub(crate) fn add(&mut self, query: LogQuery) {
        let start = query.start;
        self.groups.push(GroupFollow::new(&self.reader, query, start));
    }

    /// Records events that have been printed already.
    pub(crate) fn record(&mut self, printed: &[GroupEvent]) {
        for GroupEvent { group, event } in printed {
            let event = event.get();
            let group = &mut self.groups[*group];
            if event.timestamp >= group.oldest_start() {
                group.seen.insert(event.timestamp, self.hasher.hash(&event));
            }
            group.newest = group.newest.max(event.timestamp);
        }
    }

    /// How many events are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.groups.iter().flat_map(|group| group.seen.0.values()).map(HashSet::len).sum()
    }

    /// The next new events that are accepted, in order. `accepts` is given the place of the event's group. An event that is not
    /// accepted now may be accepted when it is read again.
    ///
    /// # Errors
    /// A page could not be read, and will not be.
    pub(crate) async fn next(
        &mut self,
        accepts: impl Fn(usize, &LogEvent<'_>) -> bool,
    ) -> Result<Vec<NewEvent>, AwsError> {
        loop {
            let due = self.send_requests();
            tokio::select! {
                Some(response) = self.requests.join_next() => {
                    let response = response.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
                    let events = self.receive(response, &accepts)?;
                    if !events.is_empty() {
                        return Ok(events);
                    }
                }
                () = sleep_until(due) => {}
            }
        }
    }

    /// Requests what is due: for each group at most one page of the newest events and one of older ones. Returns when more is due.
    fn send_requests(&mut self) -> Instant {
        let (now, server_now) = (Instant::now(), self.reader.now());
        let mut next = now + SWEEPS[0].1;
        for (index, group) in self.groups.iter_mut().enumerate() {
            for sweep in &mut group.sweeps {
                if sweep.run.is_none() && sweep.due <= now {
                    sweep.due = now + sweep.period;
                    let start = (sweep.complete_until - sweep.lateness).max(group.query.start);
                    sweep.run = Some(Run { start, began: server_now, token: None, is_in_flight: false, repeats: 0 });
                }
                if sweep.run.is_none() {
                    next = next.min(sweep.due);
                }
            }
            for lane in [0..1, 1..SWEEPS.len()] {
                let sweeps: Vec<_> = lane.filter(|number| group.sweeps[*number].run.is_some()).collect();
                let is_in_flight =
                    |number: &usize| group.sweeps[*number].run.as_ref().is_some_and(|run| run.is_in_flight);
                if sweeps.iter().any(is_in_flight) {
                    continue;
                }
                // The sweeps alternate, so that none has to wait for the end of another.
                let Some(number) = sweeps.into_iter().min_by_key(|number| group.sweeps[*number].sent) else { continue };
                let sweep = &mut group.sweeps[number];
                let Some(run) = &mut sweep.run else { continue };
                (run.is_in_flight, sweep.sent) = (true, now);
                let (query, token) = (LogQuery { start: run.start, ..group.query.clone() }, run.token.clone());
                let reader = group.reader.clone();
                self.requests.spawn(async move {
                    let page = reader.read(&query, token).await;
                    Response { group: index, sweep: number, page }
                });
            }
        }
        next
    }

    fn receive(
        &mut self,
        Response { group: index, sweep: number, page }: Response,
        accepts: impl Fn(usize, &LogEvent<'_>) -> bool,
    ) -> Result<Vec<NewEvent>, AwsError> {
        let group = &mut self.groups[index];
        let Some(mut run) = group.sweeps[number].run.take() else { return Ok(Vec::new()) };
        run.is_in_flight = false;
        let page = match page {
            Ok(page) => Arc::new(page),
            // The token may have expired.
            Err(error) if run.token.is_some() && error.is_invalid_token() => {
                // What has been read already is known.
                group.sweeps[number].run = Some(Run { token: None, ..run });
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut new: Vec<EventRef> = events::of_page(&page)
            .filter(|event| {
                let event = event.get();
                event.timestamp >= run.start
                    && accepts(index, &event)
                    && group.seen.insert(event.timestamp, self.hasher.hash(&event))
            })
            .collect();
        let is_repeated = page.next_token == run.token && new.is_empty();
        run.repeats = if is_repeated { run.repeats + 1 } else { 0 };
        match page.next_token.clone().filter(|_| run.repeats <= MAX_REPEATS) {
            Some(token) => group.sweeps[number].run = Some(Run { token: Some(token), ..run }),
            None => group.complete(number, &run),
        }
        new.sort_by_key(EventRef::order);
        let newest = group.newest;
        let is_late = |event: &LogEvent<'_>| {
            event.timestamp < newest && event.ingestion_time.saturating_sub(event.timestamp) > LATE
        };
        group.newest = new.last().map_or(newest, |event| newest.max(event.get().timestamp));
        let new = new
            .into_iter()
            .map(|event| NewEvent { is_late: is_late(&event.get()), event: GroupEvent { group: index, event } });
        Ok(new.collect())
    }
}

impl<P: LogPages> GroupFollow<P> {
    fn new(reader: &PageReader<P>, query: LogQuery, began: i64) -> Self {
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
            newest,
        }
    }

    /// Ends a read. Reads that would have begun later are complete as well.
    fn complete(&mut self, number: usize, run: &Run) {
        for (other, sweep) in self.sweeps.iter_mut().enumerate() {
            if other == number || run.start <= sweep.complete_until - sweep.lateness {
                sweep.complete_until = sweep.complete_until.max(run.began);
            }
        }
        self.seen.forget_before(self.oldest_start());
    }

    /// The start of the read that looks back furthest.
    fn oldest_start(&self) -> i64 {
        let starts = self.sweeps.iter().map(|sweep| {
            let next = sweep.complete_until - sweep.lateness;
            sweep.run.as_ref().map_or(next, |run| next.min(run.start))
        });
        starts.min().unwrap_or(i64::MIN)
    }
}

/// The ids of events that can be read again, by the second of their timestamp.
#[derive(Debug, Default)]
struct SeenEvents(BTreeMap<i64, HashSet<u64>>);

impl SeenEvents {
    /// Whether the event is new.
    fn insert(&mut self, timestamp: i64, id: u64) -> bool {
        self.0.entry(timestamp.div_euclid(1000)).or_default().insert(id)
    }

    fn forget_before(&mut self, timestamp: i64) {
        self.0 = self.0.split_off(&timestamp.div_euclid(1000));
    }
}
