//! The quota of all log groups together, so that a task that prints endlessly does not fill the disk. When it is
//! reached, the oldest events of the largest group are deleted.

use super::events;
use crate::services::logs::State;
use crate::store::States;
use crate::{Fault, Sandbox};

/// The size of all log groups together.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// How much is deleted in one transaction: other transactions have to wait for it.
const DELETE_BATCH_BYTES: u64 = 16 * 1024 * 1024;

/// The size of all log groups.
pub(crate) fn stored_bytes(states: &States) -> u64 {
    states.of::<State>().groups.values().map(|group| group.stored_bytes).sum()
}

/// Deletes events until there is space for new ones.
pub(super) fn free_space(sandbox: &Sandbox) -> Result<(), Fault> {
    delete_down_to(sandbox, MAX_BYTES, DELETE_BATCH_BYTES)
}

fn delete_down_to(sandbox: &Sandbox, limit: u64, step: u64) -> Result<(), Fault> {
    loop {
        let largest = sandbox.store.read(|states| {
            let groups = states.of::<State>().groups.values();
            groups.max_by_key(|group| group.stored_bytes).filter(|_| stored_bytes(states) > limit).cloned()
        });
        let Some(group) = largest else { return Ok(()) };
        sandbox.log.write("the quota of log groups is reached: the oldest events are deleted");
        events::remove_oldest(sandbox, &group, |_, removed| removed >= step)?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::Config;

    async fn messages(sandbox: &Arc<Sandbox>, group: &str) -> Vec<Value> {
        let response = sandbox.call("logs", "FilterLogEvents", json!({ "logGroupName": group })).await.expect("events");
        response["events"].as_array().expect("a list").iter().map(|event| event["message"].clone()).collect()
    }

    #[tokio::test]
    async fn the_oldest_events_of_the_largest_group_are_deleted_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = crate::open(Config::for_test(folder.path(), 1.0), CancellationToken::new()).expect("a sandbox");
        for (group, count) in [("small", 1), ("large", 10)] {
            let stream = json!({ "logGroupName": group, "logStreamName": "s" });
            sandbox.call("logs", "CreateLogGroup", json!({ "logGroupName": group })).await.expect("a group");
            sandbox.call("logs", "CreateLogStream", stream.clone()).await.expect("a stream");
            let now = sandbox.clock.now().as_millisecond();
            let event = |number: i64| json!({ "timestamp": now + number, "message": number.to_string() });
            let mut input = stream;
            input["logEvents"] = (0..count).map(event).collect();
            sandbox.call("logs", "PutLogEvents", input).await.expect("they are taken");
        }
        // Each event counts as 27 bytes.
        delete_down_to(&sandbox, 8 * 27, 2 * 27).expect("there is room");
        assert_eq!(messages(&sandbox, "small").await, ["0"]);
        assert_eq!(messages(&sandbox, "large").await, ["4", "5", "6", "7", "8", "9"]);
        assert_eq!(sandbox.store.read(stored_bytes), 7 * 27);
    }
}
