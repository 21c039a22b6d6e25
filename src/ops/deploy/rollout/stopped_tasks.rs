//! Groups the tasks that stop during a rollout by cause.

use std::collections::{BTreeMap, HashSet};

use super::RolloutEvent;
use crate::model::Task;

/// After this many tasks that stopped for the same cause, the rollout is reported as stuck.
const STUCK_AFTER: usize = 3;

/// The tasks that have stopped so far.
#[derive(Debug, Default)]
pub(super) struct StoppedTaskGroups {
    seen_ids: HashSet<String>,
    /// By normalized cause: the cause of the first task, and how many tasks.
    causes: BTreeMap<String, (String, usize)>,
}

impl StoppedTaskGroups {
    /// Groups that ignore these tasks.
    pub(super) fn without(tasks: &[Task]) -> Self {
        Self { seen_ids: tasks.iter().map(|task| task.id.clone()).collect(), causes: BTreeMap::new() }
    }

    /// Adds a task. Returns nothing for one that was added before, or that ECS stopped on purpose.
    pub(super) fn add(&mut self, task: &Task) -> Vec<RolloutEvent> {
        if task.was_stopped_on_purpose() || !self.seen_ids.insert(task.id.clone()) {
            return Vec::new();
        }
        let cause = task.stop_cause();
        let (cause, count) = self.causes.entry(without_ids(&cause)).or_insert((cause, 0));
        *count += 1;
        let stopped = RolloutEvent::Stopped { task: task.clone(), cause: cause.clone(), count: *count };
        let stuck = (*count == STUCK_AFTER).then(|| RolloutEvent::Stuck { cause: cause.clone() });
        std::iter::once(stopped).chain(stuck).collect()
    }
}

/// A cause without what differs between tasks: ids of tasks, requests and network interfaces.
pub(crate) fn without_ids(cause: &str) -> String {
    let is_id = |word: &str| {
        word.len() >= 8
            && word.contains(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
    };
    cause.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}
