//! The phase of each stack of a deploy, and what an interruption does in it.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::execution::cancel_operation;
use super::messages::Phase;
use super::prepared_change_set::CHANGE_SET;
use super::prepared_change_set::discard_unexecuted;
use crate::aws::Aws;
use crate::model::StackStatus;
use crate::ops::Result;
use crate::ops::retry::retry_transient;

#[derive(Debug)]
pub(crate) struct StackPhases<'a> {
    aws: &'a Aws,
    current: BTreeMap<String, Phase>,
    /// Stacks for which a check may have a temporary change set.
    checking: BTreeSet<String>,
}

impl<'a> StackPhases<'a> {
    /// Every stack is idle.
    pub(crate) fn new(aws: &'a Aws) -> Self {
        Self { aws, current: BTreeMap::new(), checking: BTreeSet::new() }
    }

    /// Sets the phase of a stack.
    pub(crate) fn set(&mut self, stack: String, phase: Phase) {
        match phase {
            Phase::CheckChangeSet { exists: true } => drop(self.checking.insert(stack)),
            Phase::CheckChangeSet { exists: false } => drop(self.checking.remove(&stack)),
            Phase::Idle => drop(self.current.remove(&stack)),
            phase => drop(self.current.insert(stack, phase)),
        }
    }

    /// The stacks with an operation in progress.
    pub(crate) fn in_progress(&self) -> Vec<&str> {
        self.stacks_in(|phase| matches!(phase, Phase::InProgress(..) | Phase::Followed))
    }

    /// Whether the deploy has started an operation that is in progress.
    pub(crate) fn can_cancel(&self) -> bool {
        self.current.values().any(|phase| matches!(phase, Phase::InProgress(..)))
    }

    /// The stacks that are complete and wait for their services.
    pub(crate) fn waiting_for_services(&self) -> Vec<&str> {
        self.stacks_in(|phase| *phase == Phase::WaitingForServices)
    }

    /// Cancels the operations that the deploy has started. Passes each stack with what becomes of it to `on_cancelled`.
    pub(crate) async fn cancel(&self, mut on_cancelled: impl FnMut(&str, Result<&'static str>)) {
        for (name, phase) in &self.current {
            if let Phase::InProgress(operation, arn) = phase {
                on_cancelled(name, cancel_operation(self.aws, *operation, arn).await);
            }
        }
    }

    /// The stacks that may have a change set or an operation in progress, by name.
    pub(crate) fn unfinished(&self) -> BTreeSet<&str> {
        let in_progress = self.stacks_in(|phase| *phase != Phase::WaitingForServices);
        in_progress.into_iter().chain(self.checking.iter().map(String::as_str)).collect()
    }

    /// Deletes the change sets that were not executed, and looks up what happens to each unfinished stack: its status, `None` without a stack.
    /// The response to the last call may have been lost, so only AWS knows.
    pub(crate) async fn clean_up(&self) -> Vec<(&str, Result<Option<StackStatus>>)> {
        join_all(self.unfinished().into_iter().map(|name| async move { (name, self.clean_up_stack(name).await) })).await
    }

    async fn clean_up_stack(&self, name: &str) -> Result<Option<StackStatus>> {
        discard_unexecuted(self.aws, name, CHANGE_SET).await?;
        let stack = retry_transient(self.aws, async || self.aws.stack(name).await).await?;
        Ok(stack.map(|stack| stack.status))
    }

    fn stacks_in(&self, is_in_phase: fn(&Phase) -> bool) -> Vec<&str> {
        let stacks = self.current.iter().filter(|(_, phase)| is_in_phase(phase)).map(|(name, _)| name.as_str());
        stacks.collect()
    }
}
