//! The temporary change sets of `diff`. Their names say which process created them, so that those of an interrupted diff can be deleted.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::aws::Aws;
use crate::model::{ChangeSetSummary, Stack};
use crate::ops::OpsError;
use crate::ops::deploy::prepared_change_set::{CHANGE_SET, discard_unexecuted};

const PREFIX: &str = "ecsws-diff-";
/// How old a change set of another machine must be to be deleted.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(1);

/// The process that creates temporary change sets.
#[derive(Debug, Clone, Copy)]
pub struct TemporaryChangeSets {
    /// Identifies the machine.
    pub machine: u32,
    /// The id of this process.
    pub process: u32,
    /// Whether a process of this machine is running.
    pub is_running: fn(u32) -> bool,
    pub now: Timestamp,
}

impl TemporaryChangeSets {
    /// The name of this process's change sets. It has one at most in each stack.
    pub fn name(&self) -> String {
        format!("{PREFIX}{:08x}-{}", self.machine, self.process)
    }

    /// Whether `diff` created the change set, and will not delete it.
    fn is_abandoned(&self, change_set: &ChangeSetSummary) -> bool {
        let Some(mark) = change_set.name.strip_prefix(PREFIX) else { return false };
        let created = change_set.created.unwrap_or(self.now);
        let is_old = created.duration_until(self.now) > MAX_AGE;
        let process = mark.strip_prefix(&format!("{:08x}-", self.machine)).and_then(|process| process.parse().ok());
        is_old || process.is_some_and(|process| process != self.process && !(self.is_running)(process))
    }

    /// Deletes the change sets that interrupted diffs have left. Returns a note about one that a deploy has not executed. Errors are ignored:
    /// change sets concern none of the user's resources.
    pub(crate) async fn delete_abandoned(&self, aws: &Aws, stack: &Stack) -> Option<String> {
        let change_sets = aws.change_sets(&stack.arn).await.ok()?;
        let abandoned = change_sets.iter().filter(|change_set| self.is_abandoned(change_set));
        join_all(abandoned.map(|change_set| aws.delete_change_set(&change_set.arn))).await;
        let is_unexecuted = |change_set: &&ChangeSetSummary| {
            change_set.name == CHANGE_SET && change_set.execution_status == "AVAILABLE"
        };
        let unexecuted = change_sets.iter().find(is_unexecuted)?;
        let created = unexecuted.created.map(|time| format!(", created at {time:.0}")).unwrap_or_default();
        let name = &stack.name;
        Some(format!(
            "{name}: there is an unexecuted change set `{CHANGE_SET}`{created}; the next deploy that changes {name} replaces it"
        ))
    }

    /// Deletes this process's change sets of an interrupted comparison. Returns what failed.
    pub(crate) async fn delete_own(&self, aws: &Aws, stacks: &[&str]) -> Vec<OpsError> {
        let name = self.name();
        let deletions = join_all(stacks.iter().map(|stack| discard_unexecuted(aws, stack, &name))).await;
        deletions.into_iter().filter_map(std::result::Result::err).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_change_sets_of_ended_diffs_are_leftovers() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let own = TemporaryChangeSets { machine: 0xab, process: 7, is_running: |process| process == 8, now };
        for (name, minutes, is_abandoned) in [
            ("ecsws-diff-000000ab-7", 0, false),
            ("ecsws-diff-000000ab-8", 0, false),
            ("ecsws-diff-000000ab-9", 0, true),
            ("ecsws-diff-000000cd-9", 0, false),
            ("ecsws-diff-000000cd-9", 59, false),
            ("ecsws-diff-000000cd-9", 61, true),
            ("ecsws-diff-of-an-older-version", 61, true),
            ("ecsws-deploy", 61, false),
            ("foreign", 6100, false),
        ] {
            let created = now.checked_sub(SignedDuration::from_mins(minutes)).ok();
            let change_set = ChangeSetSummary {
                name: name.to_owned(),
                arn: String::new(),
                created,
                execution_status: String::new(),
            };
            assert_eq!(own.is_abandoned(&change_set), is_abandoned, "{name} {minutes}");
        }
    }
}
