//! Merges the events of several groups by time.

use std::collections::VecDeque;

use futures_util::future::try_join_all;

use super::events::EventRef;
use super::history::History;
use super::page_reader::LogPages;
use crate::aws::AwsError;

/// An event, and the place of its group among the groups that are read.
#[derive(Debug, Clone)]
pub(crate) struct GroupEvent {
    pub group: usize,
    pub event: EventRef,
}

/// The histories of several groups.
#[derive(Debug)]
pub(crate) struct MergedHistory<P>(Vec<GroupHistory<P>>);

#[derive(Debug)]
struct GroupHistory<P> {
    history: History<P>,
    next: VecDeque<EventRef>,
    is_read: bool,
}

impl<P: LogPages> GroupHistory<P> {
    /// Waits until it has an event, or no more.
    async fn fill(&mut self) -> Result<(), AwsError> {
        if self.next.is_empty() && !self.is_read {
            match self.history.next().await? {
                Some(events) => self.next.extend(events),
                None => self.is_read = true,
            }
        }
        Ok(())
    }
}

impl<P: LogPages> MergedHistory<P> {
    pub(crate) fn new(histories: impl IntoIterator<Item = History<P>>) -> Self {
        let group = |history| GroupHistory { history, next: VecDeque::new(), is_read: false };
        Self(histories.into_iter().map(group).collect())
    }

    /// The next events of all groups, in order; `None` after the last.
    ///
    /// # Errors
    /// A page of a group could not be read.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<GroupEvent>>, AwsError> {
        try_join_all(self.0.iter_mut().map(GroupHistory::fill)).await?;
        let mut merged = Vec::new();
        // Until one of the groups has to be read again: its next event may be the oldest.
        while self.0.iter().all(|group| group.is_read || !group.next.is_empty()) {
            let fronts =
                self.0.iter().enumerate().filter_map(|(index, group)| Some((group.next.front()?.order(), index)));
            let Some((_, group)) = fronts.min() else { break };
            merged.extend(self.0[group].next.pop_front().map(|event| GroupEvent { group, event }));
        }
        Ok((!merged.is_empty()).then_some(merged))
    }

    /// The time up to which all groups have been read, in milliseconds since 1970.
    pub(crate) fn position(&self) -> Option<i64> {
        self.0.iter().filter_map(|group| group.history.position()).min()
    }
}
