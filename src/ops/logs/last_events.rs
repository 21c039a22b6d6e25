//! Reads the last events of a group: from the newest page backwards.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::events::{self, EventRef, IdHasher};
use super::history::{History, MAX_REPEATS};
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
    let reader = reader.for_group(false);
    let mut backwards = LogQuery { newest_first: true, ..query.clone() };
    let mut oldest_read = i64::MAX;
    let (mut last, hasher) = (Vec::<EventRef>::new(), IdHasher::default());
    // Of the last page, and of all pages that end at the oldest timestamp: the next page may repeat events.
    let mut known_ids = HashSet::new();
    let (mut token, mut repeats) = (None, 0);
    while last.len() < count && repeats <= MAX_REPEATS {
        let page = match reader.read(&backwards, token.clone()).await {
            Ok(page) => Arc::new(page),
            // The token may have expired: continue before the oldest event. What has been read already is known.
            Err(error) if token.is_some() && error.is_invalid_token() && repeats < MAX_REPEATS => {
                (token, repeats) = (None, repeats + 1);
                backwards.end = Some(backwards.end.map_or(oldest_read, |end| end.min(oldest_read)));
                continue;
            }
            // AWS rejects `startFromHead` with a start before 2024.
            Err(error) if token.is_none() && error.is_invalid_token() => {
                return last_of_all(&reader, query, count, accepts).await;
            }
            Err(error) => return Err(error),
        };
        let times: Vec<i64> = page.events().map(|event| event.timestamp).collect();
        let is_ascending = times.first() < times.last();
        if is_ascending && page.next_token.is_some() {
            // The server does not support `startFromHead`.
            return last_of_all(&reader, query, count, accepts).await;
        }
        let mut page_ids = HashSet::with_capacity(page.len());
        let is_new = |event: &EventRef| {
            let id = hasher.hash(&event.get());
            page_ids.insert(id) && !known_ids.contains(&id) && accepts(&event.get())
        };
        let mut older = events::compact(events::of_page(&page).filter(is_new).collect());
        if !is_ascending {
            older.reverse();
        }
        older.append(&mut last);
        last = older;
        last.sort_by_key(EventRef::order);
        if let Some(oldest) = times.into_iter().min().filter(|oldest| *oldest < oldest_read) {
            (oldest_read, repeats) = (oldest, 0);
            known_ids = page_ids;
        } else {
            known_ids.extend(page_ids);
        }
        match &page.next_token {
            None => break,
            next if *next == token => repeats += 1,
            _ => {}
        }
        token.clone_from(&page.next_token);
    }
    last.drain(..last.len().saturating_sub(count));
    Ok(last)
}

/// The same by reading everything.
async fn last_of_all<P: LogPages>(
    reader: &PageReader<P>,
    query: &LogQuery,
    count: usize,
    accepts: impl Fn(&LogEvent<'_>) -> bool,
) -> Result<Vec<EventRef>, AwsError> {
    let mut history = History::new(reader, query);
    let mut last = VecDeque::new();
    while let Some(events) = history.next().await? {
        last.extend(events::compact(events.into_iter().filter(|event| accepts(&event.get())).collect()));
        last.drain(..last.len().saturating_sub(count));
    }
    Ok(last.into())
}
