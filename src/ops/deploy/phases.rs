//! The phase of each stack of a deploy, and what an interruption does in it.

use std::collections::{BTreeMap, BTreeSet};

use super::execution::cancel_operation;
use super::messages::Phase;
use super::prepared_change_set::discard;
use super::stack_deployment::CHANGE_SET;
use crate::aws::Aws;
use crate::ops::{OpsError, Result};

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
        self.stacks_in(|phase| matches!(phase, Phase::InProgress(..)))
    }

    /// The stacks that are complete and wait for their services.
    pub(crate) fn waiting_for_services(&self) -> Vec<&str> {
        self.stacks_in(|phase| *phase == Phase::WaitingForServices)
    }

    /// Cancels the operations in progress. Passes each stack with what becomes of it to `on_cancelled`.
    pub(crate) async fn cancel(&self, mut on_cancelled: impl FnMut(&str, Result<&'static str>)) {
        for (name, phase) in &self.current {
            if let Phase::InProgress(operation, arn) = phase {
                on_cancelled(name, cancel_operation(self.aws, *operation, arn).await);
            }
        }
    }

    /// Deletes the change sets that were not executed. Returns what failed.
    pub(crate) async fn discard_change_sets(&self) -> Vec<OpsError> {
        let mut unexecuted: BTreeSet<&str> = self.stacks_in(|phase| *phase == Phase::ChangeSet).into_iter().collect();
        unexecuted.extend(self.checking.iter().map(String::as_str).filter(|name| !self.current.contains_key(*name)));
        let mut errors = Vec::new();
        for name in unexecuted {
            errors.extend(discard(self.aws, name, CHANGE_SET).await.err());
        }
        errors
    }

    fn stacks_in(&self, is_in_phase: fn(&Phase) -> bool) -> Vec<&str> {
        let stacks = self.current.iter().filter(|(_, phase)| is_in_phase(phase)).map(|(name, _)| name.as_str());
        stacks.collect()
    }
}
