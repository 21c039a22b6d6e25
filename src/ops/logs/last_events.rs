//! Reads the last events of a group: from the newest page backwards.

use std::collections::HashSet;
use std::sync::Arc;

use super::events::{self, EventRef, IdHasher};
use super::page_reader::{LogPages, PageReader};
use crate::aws::AwsError;
use crate::model::{LogEvent, LogQuery};

/// The last `count` events of `query` that are accepted, in order.
///
/// # Errors
/// A page could not be read.
pub(crate) async fn last_events<P: LogPages>(
    reader: &PageReader<P>,
    query: &LogQuery,
    count: usize,
    accepts: impl Fn(&LogEvent<'_>) -> bool,
) -> Result<Vec<EventRef>, AwsError> {
    let query = LogQuery { newest_first: true, limit: page_length(count), ..query.clone() };
    let (mut last, mut ids, hasher, mut token) = (Vec::new(), HashSet::new(), IdHasher::default(), None);
    loop {
        let page = Arc::new(reader.read(&query, token.clone()).await?);
        let new = |event: &EventRef| accepts(&event.get()) && ids.insert(hasher.hash(&event.get()));
        last.extend(events::of_page(&page).filter(new));
        last.sort_by_key(EventRef::order);
        last.drain(..last.len().saturating_sub(count));
        let next = page.next_token.clone().filter(|next| token.as_ref() != Some(next));
        let is_complete = last.len() == count && !may_be_newer(reader, &query, &last).await?;
        if next.is_none() || is_complete {
            return Ok(last);
        }
        token = next;
    }
}

/// Whether the server has events that are newer than the newest one: it does not know `startFromHead`, and began at the oldest.
async fn may_be_newer<P: LogPages>(
    reader: &PageReader<P>,
    query: &LogQuery,
    last: &[EventRef],
) -> Result<bool, AwsError> {
    let Some(newest) = last.last().map(|event| event.order().0) else { return Ok(false) };
    let newer = LogQuery { start: newest + 1, newest_first: false, limit: Some(1), ..query.clone() };
    Ok(query.end.is_none_or(|end| newest < end) && reader.read(&newer, None).await?.len() > 0)
}

/// The length of a page: a little more than what is wanted, because the events of a page may not all be accepted.
fn page_length(count: usize) -> Option<u16> {
    u16::try_from(count.saturating_mul(2).max(100)).ok().filter(|length| *length < 10_000)
}
