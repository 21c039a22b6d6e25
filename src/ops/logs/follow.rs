//! Follows groups: prints every event once, also those that arrive late.
//!
//! Three kinds of reads look back differently far, because CloudWatch Logs may show an event minutes after its timestamp. Each read
//! begins where the one before it began, minus the lateness that it is for: so however long a read takes, no time is left out.

use std::future::pending;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::events::{self, EventRef};
use super::group_follow::{GroupFollow, NewEvent, Run, SWEEPS};
use super::history::MAX_REPEATS;
use super::live::{Live, LiveEvent};
use super::merge::GroupEvent;
use super::page_reader::{LogPages, PageReader};
use crate::aws::AwsError;
use crate::model::{LiveUpdate, LogEvent, LogPage, LogQuery, log_group_name};

/// A reader of new events.
#[derive(Debug)]
pub(crate) struct Follow<P> {
    reader: PageReader<P>,
    groups: Vec<GroupFollow<P>>,
    requests: JoinSet<Response>,
    live: Option<Live>,
    live_state: LiveState,
}

/// How many of the events Live Tail sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LiveState {
    None,
    /// None, until another session has started.
    Interrupted,
    Sample,
    All,
}

#[derive(Debug)]
struct Response {
    group: usize,
    sweep: usize,
    page: Result<LogPage, AwsError>,
}

/// What [`Follow::next`] returns.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// In order.
    pub events: Vec<NewEvent>,
    pub live: Option<LiveNotice>,
}

/// A change of Live Tail.
#[derive(Debug)]
pub(crate) enum LiveNotice {
    /// It sends only a sample of the events.
    Sampled,
    /// It sends all events again.
    Complete,
    /// It was interrupted, and will be started again.
    Interrupted(AwsError),
    /// It cannot be used, or not any more.
    Ended(AwsError),
}

impl<P: LogPages> Follow<P> {
    /// A reader of the events that become visible after `began`, by the server's clock. Events of `query.start` and later count.
    pub(crate) fn new(reader: PageReader<P>, queries: Vec<LogQuery>, began: i64) -> Self {
        let groups = queries.into_iter().map(|query| GroupFollow::new(&reader, query, began)).collect();
        Self { reader, groups, requests: JoinSet::new(), live: None, live_state: LiveState::None }
    }

    /// Live Tail will be used as well. Before events are recorded, which it may send again.
    pub(crate) fn expect_live_tail(&mut self) {
        for group in &mut self.groups {
            group.has_live = true;
            group.seen.expect_live_events();
        }
    }

    /// Starts Live Tail for the groups that were there when it was expected.
    pub(crate) fn start_live_tail(&mut self) {
        let groups = self.groups.iter().filter(|group| group.has_live);
        let names = groups.map(|group| group.query.group.clone()).collect();
        let pattern = self.groups.first().and_then(|group| group.query.pattern.clone());
        self.live = Some(Live::start(Arc::clone(&self.reader.pages), names, pattern));
    }

    /// Adds a group, of which all events of `query.start` and later are new.
    pub(crate) fn add(&mut self, query: LogQuery) {
        let start = query.start;
        self.groups.push(GroupFollow::new(&self.reader, query, start));
    }

    /// Records events that have been printed already.
    pub(crate) fn record<'a>(&mut self, printed: impl IntoIterator<Item = &'a GroupEvent>) {
        for GroupEvent { group, event } in printed {
            let event = event.get();
            let group = &mut self.groups[*group];
            if event.timestamp >= group.oldest_start() {
                group.seen.add_polled(&event);
            }
            group.newest = group.newest.max(event.timestamp);
        }
    }

    /// The time from which on events are read, if they are after the start of their queries.
    pub(crate) fn oldest_start(&self) -> i64 {
        self.groups.iter().map(GroupFollow::oldest_start).min().unwrap_or_default()
    }

    /// All events that were visible at this time, by the server's clock, have been returned, apart from late ones.
    pub(crate) fn complete_until(&self) -> i64 {
        let of_group = |group: &GroupFollow<P>| group.sweeps.iter().map(|sweep| sweep.complete_until).max();
        self.groups.iter().filter_map(of_group).min().unwrap_or(i64::MAX)
    }

    /// How many events are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.groups.iter().map(|group| group.seen.len()).sum()
    }

    /// The next new events that are accepted, in order. `accepts` is given the place of the event's group. An event that is not
    /// accepted now may be accepted when it is read again.
    ///
    /// # Errors
    /// A page could not be read, and will not be.
    pub(crate) async fn next(&mut self, accepts: impl Fn(usize, &LogEvent<'_>) -> bool) -> Result<Followed, AwsError> {
        loop {
            let due = self.send_requests();
            tokio::select! {
                event = next_live(&mut self.live) => {
                    let followed = self.receive_live(event, &accepts);
                    if followed.live.is_some() || !followed.events.is_empty() {
                        return Ok(followed);
                    }
                }
                Some(response) = self.requests.join_next() => {
                    let response = response.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
                    let events = self.receive(response, &accepts)?;
                    if !events.is_empty() {
                        return Ok(Followed { events, live: None });
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
            // Live Tail makes the most frequent reads unnecessary.
            let needed = usize::from(group.has_live && self.live_state == LiveState::All);
            for sweep in &mut group.sweeps[needed..] {
                if sweep.run.is_none() && sweep.due <= now {
                    sweep.due = now + sweep.period;
                    let start = (sweep.complete_until - sweep.lateness).max(group.query.start);
                    let run = Run { start, first: start, position: start, began: server_now, ..Run::default() };
                    sweep.run = Some(run);
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
                let (query, token) = (LogQuery { start: run.first, ..group.query.clone() }, run.token.clone());
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
            // The token may have expired: continue at the newest event. What has been read already is known.
            Err(error) if run.token.is_some() && error.is_invalid_token() => {
                group.sweeps[number].run = Some(Run { token: None, first: run.position, ..run });
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let newest = page.events().map(|event| event.timestamp).max();
        run.position = newest.map_or(run.position, |newest| newest.max(run.position));
        let new: Vec<EventRef> = events::of_page(&page)
            .filter(|event| {
                let event = event.get();
                event.timestamp >= run.start && accepts(index, &event) && group.seen.add_polled(&event)
            })
            .collect();
        let is_repeated = page.next_token == run.token && new.is_empty();
        run.repeats = if is_repeated { run.repeats + 1 } else { 0 };
        match page.next_token.clone().filter(|_| run.repeats <= MAX_REPEATS) {
            Some(token) => group.sweeps[number].run = Some(Run { token: Some(token), ..run }),
            None => group.complete(number, &run),
        }
        Ok(group.new_events(index, new))
    }

    fn receive_live(&mut self, event: LiveEvent, accepts: impl Fn(usize, &LogEvent<'_>) -> bool) -> Followed {
        let notice = match event {
            LiveEvent::Update(LiveUpdate { is_sampled, pages }) => {
                let mut events = Vec::new();
                for (name, page) in pages {
                    let page = Arc::new(page);
                    let groups = self.groups.iter_mut().enumerate();
                    for (index, group) in groups.filter(|(_, group)| log_group_name(&group.query.group) == name) {
                        let new = events::of_page(&page).filter(|event| {
                            let event = event.get();
                            accepts(index, &event) && group.seen.add_live(&event)
                        });
                        let new = new.collect();
                        events.extend(group.new_events(index, new));
                    }
                }
                let state = if is_sampled { LiveState::Sample } else { LiveState::All };
                let live = match (std::mem::replace(&mut self.live_state, state), state) {
                    (LiveState::None | LiveState::Interrupted | LiveState::All, LiveState::Sample) => {
                        Some(LiveNotice::Sampled)
                    }
                    (LiveState::Sample, LiveState::All) => Some(LiveNotice::Complete),
                    _ => None,
                };
                return Followed { events, live };
            }
            // The first of several failures is reported.
            LiveEvent::Interrupted(_) if self.live_state == LiveState::Interrupted => return Followed::default(),
            LiveEvent::Interrupted(error) => {
                self.live_state = LiveState::Interrupted;
                return Followed { events: Vec::new(), live: Some(LiveNotice::Interrupted(error)) };
            }
            LiveEvent::Ended(error) => LiveNotice::Ended(error),
        };
        self.live_state = LiveState::None;
        Followed { events: Vec::new(), live: Some(notice) }
    }
}

/// The next event of Live Tail; none without it.
async fn next_live(live: &mut Option<Live>) -> LiveEvent {
    match live {
        Some(live) => live.next().await,
        None => pending().await,
    }
}
