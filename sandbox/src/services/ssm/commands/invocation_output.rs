//! Output of commands: its beginning is stored, and all of it goes to a log stream if the command has one.

use std::sync::Arc;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::Sandbox;
use crate::process::LineSplitter;
use crate::services::ecs::TaskProcesses;
use crate::services::logs::events::LogEvent;
use crate::services::logs::log_writer::{LogDestination, LogEntry};

/// The end of a truncated output (agent, `pluginutil`).
const TRUNCATED: &str = "--output truncated--";
const CHUNK_BYTES: usize = 16 * 1024;

/// Creates the log stream for one of an invocation's two outputs.
pub(super) async fn stream(
    sandbox: &Arc<Sandbox>,
    group: &str,
    command: &str,
    instance: &str,
    name: &str,
) -> LogDestination {
    let stream = format!("{command}/{instance}/aws-runShellScript/{name}");
    let creations = [
        ("CreateLogGroup", json!({ "logGroupName": group })),
        ("CreateLogStream", json!({ "logGroupName": group, "logStreamName": stream })),
    ];
    for (operation, input) in creations {
        // It may exist already. Without it the output is not logged, but the command runs, as with the agent.
        let _ = sandbox.call("logs", operation, input).await;
    }
    (Arc::from(group), Arc::from(stream))
}

/// Reads an output to its end, and returns its first `max_characters` characters.
pub(super) async fn read(
    sandbox: Arc<Sandbox>,
    mut from: Receiver,
    max_characters: usize,
    stream: Option<LogDestination>,
) -> String {
    let (mut bytes, mut splitter, mut chunk) = (Vec::new(), LineSplitter::default(), vec![0; CHUNK_BYTES]);
    loop {
        let count = from.read(&mut chunk).await.unwrap_or(0);
        // A character has at most four bytes. One more than fits shows that the text has to be truncated.
        let room = (4 * (max_characters + 1)).saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..count.min(room)]);
        if let Some(stream) = &stream {
            let lines = if count == 0 { splitter.finish() } else { splitter.push(&chunk[..count]) };
            send(&sandbox, stream, lines).await;
        }
        if count == 0 {
            return truncate(&String::from_utf8_lossy(&bytes), max_characters);
        }
    }
}

async fn send(sandbox: &Sandbox, (group, stream): &LogDestination, lines: Vec<String>) {
    let Some(entries) = sandbox.in_memory::<TaskProcesses>().log_entries() else { return };
    let timestamp = sandbox.clock.now().as_millisecond();
    for message in lines.into_iter().filter(|line| !line.is_empty()) {
        let event = LogEvent { timestamp, message };
        entries.send(LogEntry { group: Arc::clone(group), stream: Arc::clone(stream), event }).await;
    }
}

/// Truncates a text to `max_characters` characters, with a note at its end.
pub(super) fn truncate(text: &str, max_characters: usize) -> String {
    if text.chars().count() <= max_characters {
        return text.to_owned();
    }
    text.chars().take(max_characters - TRUNCATED.len()).chain(TRUNCATED.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::{TRUNCATED, truncate};

    #[test]
    fn only_long_texts_are_truncated() {
        assert_eq!(truncate("abc", 30), "abc");
        let long = "é".repeat(31);
        assert_eq!(truncate(&long, 31), long);
        assert_eq!(truncate(&long, 30), format!("{}{TRUNCATED}", "é".repeat(10)));
    }
}
