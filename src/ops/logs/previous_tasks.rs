//! The tasks of a service that stopped most recently, and their logs.

use jiff::Timestamp;

use super::events::EventRef;
use crate::aws::{Aws, AwsErrorKind};
use crate::model::{LogDestination, LogEvent, LogQuery, Task};
use crate::ops::{AwsPages, OpsError, PageReader, Result, last_events, locate_service};

/// How far back the logs of a task are looked for, in milliseconds.
const WEEK: i64 = 7 * 24 * 3600 * 1000;

/// A task that has stopped.
#[derive(Debug, Clone)]
pub(crate) struct PreviousTask {
    pub task: Task,
    /// The log group and the log stream of each container.
    pub streams: Vec<(String, String)>,
}

/// Which of the tasks of a service are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PreviousTasks<'a> {
    /// The beginning of the task's id.
    pub task: Option<&'a str>,
    /// The only container whose logs are read.
    pub container: Option<&'a str>,
    /// How many tasks.
    pub count: usize,
}

impl PreviousTasks<'_> {
    /// The last tasks of a stack's service that have stopped, the newest last. ECS forgets a task an hour after it has stopped.
    ///
    /// # Errors
    /// The stack has no service, or no task of it had such a container.
    pub(crate) async fn find(&self, aws: &Aws, stack: &str) -> Result<Vec<PreviousTask>> {
        let service = locate_service(aws, stack).await?;
        let mut tasks = aws.stopped_tasks(&service).await?;
        tasks.retain(|task| self.task.is_none_or(|id| task.id.starts_with(id)));
        tasks.sort_by_key(|task| task.stopped);
        tasks.drain(..tasks.len().saturating_sub(self.count));
        let mut previous_tasks = Vec::new();
        for task in tasks {
            let destinations = aws.log_destinations(&task.task_definition).await?;
            let is_read = |logs: &&LogDestination| self.container.is_none_or(|container| container == logs.container);
            let streams: Vec<_> =
                destinations.iter().filter(is_read).map(|logs| (logs.group.clone(), logs.stream(&task.id))).collect();
            if let (Some(container), true) = (self.container, streams.is_empty()) {
                let names = destinations.into_iter().map(|logs| logs.container).collect();
                return Err(OpsError::UnknownContainer {
                    stack: stack.to_owned(),
                    container: container.to_owned(),
                    names,
                });
            }
            previous_tasks.push(PreviousTask { task, streams });
        }
        Ok(previous_tasks)
    }
}

impl PreviousTask {
    /// Its last events that are accepted, in order.
    pub(crate) async fn last_events(
        &self,
        reader: &PageReader<AwsPages>,
        count: usize,
        accepts: impl Fn(&LogEvent<'_>) -> bool,
    ) -> Result<Vec<EventRef>> {
        let stopped = self.task.stopped.map_or_else(|| reader.now(), Timestamp::as_millisecond);
        let mut last = Vec::new();
        for (group, stream) in &self.streams {
            let query = LogQuery {
                group: group.clone(),
                streams: vec![stream.clone()],
                start: stopped - WEEK,
                ..LogQuery::default()
            };
            match last_events(reader, &query, count, &accepts).await {
                Ok(events) => last.extend(events),
                // The container has written nothing.
                Err(error) if error.kind == AwsErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        last.sort_by_key(EventRef::order);
        last.drain(..last.len().saturating_sub(count));
        Ok(last)
    }
}
