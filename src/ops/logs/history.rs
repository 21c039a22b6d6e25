//! Reads the events of a time range of one group: in parallel time windows, sized by what comes back, and in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::events::{EventRef, Sorter};
use super::page_reader::{LogPages, PageReader};
use crate::aws::AwsError;
use crate::model::{LogPage, LogQuery};

/// The requests in flight after the first page.
const IN_FLIGHT: usize = 10;
/// The most requests in flight, and the most pages in flight and in memory, apart from those of the first window: each takes
/// about 2 MB.
const MAX_IN_FLIGHT: usize = 12;
/// The same if responses come fast: more in flight would only take memory.
const MAX_IN_FLIGHT_FAST: usize = 4;
/// Responses that take less come fast.
const FAST: Duration = Duration::from_millis(100);
/// The most windows: each is looked at for each page.
const MAX_WINDOWS: usize = 32;
/// How often a page without newer events may return its own token: the server may have searched in vain, or it never returns another
/// one. Also how often a token may be rejected before newer events are read.
pub(super) const MAX_REPEATS: u32 = 20;
/// A part of the time range. Times are in milliseconds since 1970, and inclusive.
#[derive(Debug)]
struct Window {
    id: u64,
    query: LogQuery,
    /// Where it ends. It may be before the query's end: the rest has become other windows.
    stop: i64,
    /// The time of the last event that was read, or the start.
    position: i64,
    state: WindowState,
    pages: VecDeque<Arc<LogPage>>,
    /// How many empty pages have returned their own token in a row.
    repeats: u32,
}

#[derive(Debug)]
enum WindowState {
    /// Its next page, by its token, is to be requested.
    Idle(Option<String>),
    InFlight,
    Read,
}

/// A page that was requested for a window.
#[derive(Debug)]
struct Response {
    window: u64,
    token: Option<String>,
    page: Result<LogPage, AwsError>,
    elapsed: Duration,
}

/// A reader of a time range.
#[derive(Debug)]
pub(crate) struct History<P> {
    reader: PageReader<P>,
    /// In order.
    windows: VecDeque<Window>,
    requests: JoinSet<Response>,
    last_window: u64,
    in_flight_limit: usize,
    /// Among how many readers the pages in flight and in memory are divided.
    readers: usize,
    is_fast: bool,
    /// The time that about one page of events takes, in milliseconds, once it is known.
    page_width: Option<f64>,
    /// How many events a full page has.
    page_length: usize,
    sorter: Sorter,
}

impl<P: LogPages> History<P> {
    /// A reader of the events of `query`, which has an end.
    pub(crate) fn new(reader: &PageReader<P>, query: &LogQuery) -> Self {
        let stop = query.end.unwrap_or(i64::MAX);
        let mut history = Self {
            reader: reader.for_group(false),
            windows: VecDeque::new(),
            requests: JoinSet::new(),
            last_window: 0,
            in_flight_limit: 1,
            readers: 1,
            is_fast: true,
            page_width: None,
            page_length: 0,
            sorter: Sorter::default(),
        };
        let window = history.window(query, query.start, stop);
        history.windows.push_back(window);
        history
    }

    /// The next events, in order; `None` after the last.
    ///
    /// # Errors
    /// A page could not be read.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<EventRef>>, AwsError> {
        loop {
            self.send_requests();
            let Some(first) = self.windows.front_mut() else { return Ok(None) };
            let events = match (first.pages.pop_front(), &first.state) {
                (Some(page), _) => self.sorter.add(&page, first.stop),
                (None, WindowState::Read) => {
                    self.windows.pop_front();
                    self.sorter.finish()
                }
                (None, _) => {
                    if let Some(response) = self.requests.join_next().await {
                        self.receive(response.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))?;
                    }
                    continue;
                }
            };
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    /// Divides the pages in flight and in memory among this many readers.
    pub(super) fn share(&mut self, readers: usize) {
        self.readers = readers;
    }

    /// How much of the time range has been read, by its position in it: the time of the newest event in order.
    pub(crate) fn position(&self) -> Option<i64> {
        self.windows.front().map(|window| window.position)
    }

    fn window(&mut self, query: &LogQuery, start: i64, stop: i64) -> Window {
        self.last_window += 1;
        Window {
            id: self.last_window,
            query: LogQuery { start, end: Some(stop), ..query.clone() },
            stop,
            position: start,
            state: WindowState::Idle(None),
            pages: VecDeque::new(),
            repeats: 0,
        }
    }

    /// Requests the next pages of the first windows.
    fn send_requests(&mut self) {
        let mut index = 0;
        let later_pages: usize = self.windows.iter().skip(1).map(|window| window.pages.len()).sum();
        let limit = self.in_flight_limit.min(self.max_in_flight());
        while index < self.windows.len() && self.requests.len() < limit {
            if index > 0 && later_pages + self.requests.len() >= self.max_in_flight() {
                return;
            }
            if matches!(self.windows[index].state, WindowState::Idle(_)) {
                self.shorten(index, 1);
                self.send_request(index);
            }
            index += 1;
        }
    }

    fn send_request(&mut self, index: usize) {
        let window = &mut self.windows[index];
        let WindowState::Idle(token) = std::mem::replace(&mut window.state, WindowState::InFlight) else {
            unreachable!("the window is idle")
        };
        let (reader, id, query) = (self.reader.clone(), window.id, window.query.clone());
        self.requests.spawn(async move {
            let start = Instant::now();
            let page = reader.read(&query, token.clone()).await;
            Response { window: id, token, page, elapsed: start.elapsed() }
        });
    }

    fn receive(&mut self, Response { window: id, token, page, elapsed }: Response) -> Result<(), AwsError> {
        let Some(index) = self.windows.iter().position(|window| window.id == id) else { return Ok(()) };
        let window = &mut self.windows[index];
        let page = match page {
            Ok(page) => page,
            // The token may have expired: continue at the last event. The sorter leaves out what it knows.
            Err(error) if token.is_some() && error.is_invalid_token() && window.repeats < MAX_REPEATS => {
                window.repeats += 1;
                (window.query.start, window.query.end) = (window.position, Some(window.stop));
                window.state = WindowState::Idle(None);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.is_fast = elapsed < FAST;
        self.in_flight_limit = match self.in_flight_limit {
            limit if self.reader.budget.is_throttled() => limit.min(IN_FLIGHT / 2),
            limit => (limit + 1).max(IN_FLIGHT),
        };
        let newest = page.events().map(|event| event.timestamp).max();
        let oldest = page.events().map(|event| event.timestamp).min();
        let is_repeated = page.next_token.is_some()
            && page.next_token == token
            && newest.is_none_or(|newest| newest <= window.position);
        window.repeats = if is_repeated { window.repeats + 1 } else { 0 };
        let next_token = page.next_token.clone().filter(|_| window.repeats <= MAX_REPEATS);
        let (length, before) = (page.len(), window.position);
        window.position = newest.unwrap_or(window.position).max(window.position);
        let is_read = next_token.is_none() || window.position > window.stop;
        window.pages.push_back(Arc::new(page));
        window.state = if is_read { WindowState::Read } else { WindowState::Idle(next_token) };
        let read_width =
            if is_read { window.stop.saturating_sub(before) } else { window.position - oldest.unwrap_or(before) };
        self.learn(length, is_read, read_width);
        if !is_read && self.shorten(index, IN_FLIGHT) && length == 0 {
            // Its token would lead through the whole range of its query.
            let window = &mut self.windows[index];
            (window.query.start, window.query.end) = (window.position, Some(window.stop));
            window.state = WindowState::Idle(None);
        }
        Ok(())
    }

    fn max_in_flight(&self) -> usize {
        let all = if self.is_fast { MAX_IN_FLIGHT_FAST } else { MAX_IN_FLIGHT };
        (all / self.readers).max(1)
    }

    /// Learns from a page how long the windows should be. A page that is not the last of its window is full, unless it is empty.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn learn(&mut self, length: usize, is_last: bool, width: i64) {
        let width = width.max(1) as f64;
        if !is_last && length > 0 {
            self.page_length = self.page_length.max(length);
            self.page_width = Some(width * fill(self.page_length));
        } else if is_last && self.page_length > 0 {
            let full = self.page_length as f64 * fill(self.page_length);
            let known = self.page_width.unwrap_or(width);
            let ideal = if length > 0 { width * full / length as f64 } else { f64::INFINITY };
            self.page_width = Some(ideal.clamp(known / 4.0, known.max(1.0) * 4.0));
        }
    }

    /// Shortens a window to what the next page probably holds. The rest becomes up to `count` windows of the same length, and one
    /// with what is left. Returns whether it was shortened.
    fn shorten(&mut self, index: usize, count: usize) -> bool {
        let Window { position, stop, .. } = self.windows[index];
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let (rest, in_flight) = (stop.saturating_sub(position) as f64, IN_FLIGHT as f64);
        let is_started = !matches!(self.windows[index].state, WindowState::Idle(None));
        // Nothing is known about the events: equal parts.
        let width = match self.page_width {
            Some(width) => width.max(1.0),
            None if is_started => (rest / in_flight).max(1.0),
            None => return false,
        };
        // Equal parts. A window that would need another request for a small rest is filled up instead.
        let parts = (rest / width - MAX_FILL / fill(self.page_length) + 1.0).ceil();
        if parts < 2.0 || self.windows.len() >= MAX_WINDOWS {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is smaller than the rest, which is an integer")]
        let width = (rest / parts).ceil() as i64;
        let mut start = position + width + 1;
        let window = &mut self.windows[index];
        window.stop = start - 1;
        if !is_started {
            window.query.end = Some(window.stop);
        }
        let query = window.query.clone();
        let mut added = index;
        while start <= stop {
            let is_last = added - index + 1 >= count || start + width >= stop;
            let end = if is_last { stop } else { start + width };
            let window = self.window(&query, start, end);
            added += 1;
            self.windows.insert(added, window);
            start = end + 1;
        }
        true
    }
}

/// How full a page may be.
const MAX_FILL: f64 = 0.97;

/// How full a page should be: an event too many costs another request, and the number of events in a window varies.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn fill(page_length: usize) -> f64 {
    (1.0 - 4.0 / (page_length as f64).sqrt()).clamp(0.7, 0.95)
}
