//! Merges the events of several groups by time.

use std::collections::VecDeque;

use futures_util::future::try_join_all;

use super::events::EventRef;
use super::history::History;
use super::page_reader::LogPages;
use crate::aws::{AwsError, AwsErrorKind};

/// An event, and the place of its group among the groups that are read.
#[derive(Debug, Clone)]
pub(crate) struct GroupEvent {
    pub group: usize,
    pub event: EventRef,
}

/// The histories of several groups.
#[derive(Debug)]
pub(crate) struct MergedHistory<P> {
    groups: Vec<GroupHistory<P>>,
    /// Groups that do not exist have no events. Otherwise they are an error.
    skips_missing: bool,
}

#[derive(Debug)]
struct GroupHistory<P> {
    history: History<P>,
    next: VecDeque<EventRef>,
    is_read: bool,
}

impl<P: LogPages> GroupHistory<P> {
    /// Waits until it has an event, or no more.
    async fn fill(&mut self, skips_missing: bool) -> Result<(), AwsError> {
        if self.next.is_empty() && !self.is_read {
            match self.history.next().await {
                Ok(Some(events)) => self.next.extend(events),
                Ok(None) => self.is_read = true,
                Err(error) if skips_missing && error.kind == AwsErrorKind::NotFound => self.is_read = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<P: LogPages> MergedHistory<P> {
    pub(crate) fn new(histories: impl IntoIterator<Item = History<P>>, skips_missing: bool) -> Self {
        let group = |history| GroupHistory { history, next: VecDeque::new(), is_read: false };
        let mut groups: Vec<GroupHistory<P>> = histories.into_iter().map(group).collect();
        let readers = groups.len();
        for group in &mut groups {
            group.history.share(readers);
        }
        Self { groups, skips_missing }
    }

    /// The next events of all groups, in order; `None` after the last.
    ///
    /// # Errors
    /// A page of a group could not be read.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<GroupEvent>>, AwsError> {
        let skips_missing = self.skips_missing;
        try_join_all(self.groups.iter_mut().map(|group| group.fill(skips_missing))).await?;
        let mut merged = Vec::new();
        // Until one of the groups has to be read again: its next event may be the oldest.
        while self.groups.iter().all(|group| group.is_read || !group.next.is_empty()) {
            let fronts =
                self.groups.iter().enumerate().filter_map(|(index, group)| Some((group.next.front()?.order(), index)));
            let Some((_, group)) = fronts.min() else { break };
            merged.extend(self.groups[group].next.pop_front().map(|event| GroupEvent { group, event }));
        }
        Ok((!merged.is_empty()).then_some(merged))
    }

    /// The time up to which all groups have been read, in milliseconds since 1970.
    pub(crate) fn position(&self) -> Option<i64> {
        self.groups.iter().filter_map(|group| group.history.position()).min()
    }
}
