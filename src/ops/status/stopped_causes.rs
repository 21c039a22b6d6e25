//! Why tasks of a service stopped, equal causes counted, with the last lines of the newest of each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::state_summary::is_recent;
use crate::aws::Aws;
use crate::model::{Deployment, LogDestination, Task};
use crate::ops::deploy::rollout::without_ids;

/// How many last lines of a container are shown.
const LOG_LINES: u16 = 5;
/// For how many causes lines are read.
const MAX_LOGS: usize = 3;

/// A cause for which tasks stopped unexpectedly within the last hour: ECS forgets older ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StoppedCause {
    /// ECS's reason, and the exit code and reason of each container, of the last of the tasks.
    pub cause: String,
    /// How many tasks.
    pub count: usize,
    /// How many of them within the last five minutes, of the PRIMARY deployment.
    pub recent: usize,
    /// When the last of them stopped.
    #[serde(serialize_with = "crate::model::serialize_optional_time")]
    pub last: Option<Timestamp>,
    /// The id of the last of them.
    pub task: String,
    /// The exit code of the container that ended it.
    pub exit_code: Option<i32>,
    /// The last lines of that container.
    pub lines: Vec<String>,
    #[serde(skip)]
    pub(super) container: Option<String>,
    #[serde(skip)]
    pub(super) task_definition: String,
}

impl StoppedCause {
    /// The causes of tasks that stopped unexpectedly, the latest first. Only tasks of the PRIMARY deployment count as recent.
    pub(super) fn of_tasks(tasks: &[Task], primary: Option<&Deployment>, now: Timestamp) -> Vec<Self> {
        let is_of_primary = |task: &Task| {
            primary.is_none_or(|primary| {
                task.task_definition == primary.task_definition && task.stopped >= primary.created
            })
        };
        let mut causes = BTreeMap::<String, Self>::new();
        let mut tasks: Vec<&Task> = tasks.iter().filter(|task| !task.was_stopped_on_purpose()).collect();
        tasks.sort_by_key(|task| task.stopped);
        for task in tasks {
            let cause = causes.entry(without_ids(&task.stop_cause())).or_default();
            let container = task.failed_container();
            *cause = Self {
                cause: task.stop_cause(),
                count: cause.count + 1,
                recent: cause.recent
                    + usize::from(is_of_primary(task) && task.stopped.is_none_or(|stopped| is_recent(stopped, now))),
                last: task.stopped,
                task: task.id.clone(),
                exit_code: container.and_then(|container| container.exit_code),
                lines: Vec::new(),
                container: container.map(|container| container.name.clone()),
                task_definition: task.task_definition.clone(),
            };
        }
        let mut causes: Vec<Self> = causes.into_values().collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.last));
        causes
    }

    /// "exit code 3", or the whole cause if the container has not failed.
    pub(super) fn short_cause(&self) -> String {
        match self.exit_code.filter(|code| *code != 0) {
            Some(code) => format!("exit code {code}"),
            None => self.cause.clone(),
        }
    }

    /// Reads the last lines of the containers. A failure leaves them out: the cause is known without them.
    pub(super) async fn read_lines(causes: &mut [Self], aws: &Aws) {
        let read = causes.iter_mut().take(MAX_LOGS).map(async |cause| {
            let destinations = aws.log_destinations(&cause.task_definition).await.unwrap_or_default();
            let is_failed =
                |logs: &&LogDestination| cause.container.as_ref().is_none_or(|name| logs.container == *name);
            if let Some(logs) = destinations.iter().find(is_failed) {
                let lines = aws.last_log_lines(&logs.group, &logs.stream(&cause.task), LOG_LINES).await;
                cause.lines = lines.unwrap_or_default();
            }
        });
        futures_util::future::join_all(read).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Container;

    #[test]
    fn equal_causes_are_counted_and_the_latest_is_first() {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().expect("a time");
        let task = |id: &str, stopped: &str, reason: &str, code: i32| Task {
            id: id.to_owned(),
            stopped: Some(format!("2026-01-01T{stopped}Z").parse().expect("a time")),
            stopped_reason: Some(reason.to_owned()),
            task_definition: if id == "0" { "web:1" } else { "web:2" }.to_owned(),
            containers: vec![Container { name: "web".to_owned(), exit_code: Some(code), ..Container::default() }],
            ..Task::default()
        };
        let primary = Deployment {
            task_definition: "web:2".to_owned(),
            created: Some("2026-01-01T11:57:00Z".parse().expect("a time")),
            ..Deployment::default()
        };
        let causes = StoppedCause::of_tasks(
            &[
                task("1", "11:58:00", "Essential container in task exited", 3),
                task("0", "11:59:00", "Essential container in task exited", 5),
                task("2", "11:10:00", "Essential container in task exited", 3),
                task("3", "11:59:00", "Scaling activity initiated by (deployment ecs-svc/1)", 0),
                task("4", "11:59:30", "Task failed ELB health checks in (target-group 0123456789abcdef)", 0),
            ],
            Some(&primary),
            now,
        );
        let summary: Vec<_> = causes.iter().map(|cause| (cause.task.as_str(), cause.count, cause.recent)).collect();
        assert_eq!(summary, [("4", 1, 1), ("0", 1, 0), ("1", 2, 1)]);
        assert_eq!(causes[2].short_cause(), "exit code 3");
        assert_eq!(causes[0].short_cause(), causes[0].cause);
    }
}
