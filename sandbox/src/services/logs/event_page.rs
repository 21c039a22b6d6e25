//! Pages of events: how many fit on one, and how long the search for them may take.

use std::time::Duration;

use tokio::time::Instant;

use super::events::{self, Key, StoredEvent};
use crate::store::database::{Order, Scan};
use crate::{Fault, Sandbox};

/// The most events of a page (quotas of CloudWatch Logs).
pub(super) const MAX_EVENTS: i64 = 10_000;
/// The most bytes of a page's messages (quotas of CloudWatch Logs).
const MAX_BYTES: usize = 1024 * 1024;
/// How long one request searches. AWS also returns pages with few events, or none, before the end is reached.
const MAX_SEARCH_TIME: Duration = Duration::from_secs(1);

/// One page of events.
pub(super) struct EventPage {
    /// In the order in which they have been searched.
    pub(super) events: Vec<StoredEvent>,
    /// The first event that has not been examined, or that does not fit.
    pub(super) next: Option<Key>,
}

/// The events of `window` that match and fit on a page of `limit` events.
pub(super) fn read(
    sandbox: &Sandbox,
    window: (&[u8], &[u8]),
    order: Order,
    limit: usize,
    matches: impl Fn(Key, &[u8]) -> bool,
) -> Result<EventPage, Fault> {
    let (mut bytes, mut count, mut next) = (0, 0, None);
    let end = Instant::now() + MAX_SEARCH_TIME;
    let mut is_first = true;
    let events = events::range(sandbox, window, order, |key, message| {
        // At least one event is examined, so that every page makes progress.
        if !std::mem::take(&mut is_first) && Instant::now() >= end {
            next = Some(key);
            return Scan::Stop;
        }
        if !matches(key, message) {
            return Scan::Skip;
        }
        if count == limit || (count > 0 && bytes + message.len() > MAX_BYTES) {
            next = Some(key);
            return Scan::Stop;
        }
        bytes += message.len();
        count += 1;
        Scan::Take
    })?;
    Ok(EventPage { events, next })
}
