//! Sends a container's output to the log stream of its `awslogs` configuration.

use std::sync::Arc;

use serde_json::json;

use super::LaunchFailure;
use crate::Sandbox;
use crate::process::{OutputLine, ProcessOutput};
use crate::services::ecs::model::{ContainerDefinition, LogConfiguration, Task};
use crate::services::logs::events::LogEvent;
use crate::services::logs::log_writer::{Entries, LogDestination, LogEntry};

/// Creates the stream `prefix/container/task` of an awslogs configuration; none for other log drivers.
pub(super) async fn stream(
    sandbox: &Arc<Sandbox>,
    task: &Task,
    container: &ContainerDefinition,
    index: usize,
) -> Result<Option<LogDestination>, LaunchFailure> {
    let awslogs = container.log_configuration.as_ref().filter(|configuration| configuration.log_driver == "awslogs");
    let Some(LogConfiguration { options, .. }) = awslogs else { return Ok(None) };
    let group = options
        .get("awslogs-group")
        .ok_or_else(|| LaunchFailure::resources("failed to validate logger args: awslogs-group is missing"))?;
    let stream = match options.get("awslogs-stream-prefix") {
        Some(prefix) => format!("{prefix}/{}/{}", container.name, task.id),
        None => task.containers.get(index).map(|container| container.id.clone()).unwrap_or_default(),
    };
    if options.get("awslogs-create-group").is_some_and(|value| value == "true") {
        // The group may exist already; any other error shows when the stream is created.
        let _ = sandbox.call("logs", "CreateLogGroup", json!({ "logGroupName": group })).await;
    }
    let created =
        sandbox.call("logs", "CreateLogStream", json!({ "logGroupName": group, "logStreamName": stream })).await;
    created.map_err(|fault| {
        LaunchFailure::resources(format!(
            "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: \
             {}: {}",
            fault.code, fault.message
        ))
    })?;
    Ok(Some((Arc::from(group.as_str()), Arc::from(stream))))
}

/// Forwards a container's output to its stream, as the awslogs driver does: line by line, without empty lines.
pub(super) async fn forward(mut output: ProcessOutput, stream: Option<LogDestination>, entries: Option<Entries>) {
    while let Some(OutputLine { at, text }) = output.recv().await {
        if let (Some((group, stream)), Some(entries), false) = (&stream, &entries, text.is_empty()) {
            let event = LogEvent { timestamp: at.as_millisecond(), message: text };
            // Fails when the sandbox is ending. The output is still read, so that the process does not wait.
            entries.send(LogEntry { group: Arc::clone(group), stream: Arc::clone(stream), event }).await;
        }
    }
}
