//! Reads log events: of a time range, the last ones, or new ones as they arrive.

mod aws_pages;
mod budget;
mod events;
mod follow;
mod group_follow;
mod history;
mod last_events;
mod live;
mod merge;
mod page_reader;
mod previous_tasks;
mod seen_events;
mod sources;
#[cfg(test)]
mod tests;
mod watch_end;

pub(crate) use aws_pages::AwsPages;
pub(crate) use budget::RequestBudget;
pub(crate) use follow::{Follow, LiveNotice};
pub(crate) use history::History;
pub(crate) use last_events::last_events;
pub(crate) use merge::{GroupEvent, MergedHistory};
pub(crate) use page_reader::{LogPages, PageReader, RetryTime};
pub(crate) use previous_tasks::PreviousTasks;
pub(crate) use sources::{LogSource, log_groups};
pub(crate) use watch_end::{deployment_end, tasks_end};
