//! How much all log groups may hold together: what prints without end must not fill its user's disk, so the oldest events of the
//! largest group make room for new ones.

use super::events;
use crate::services::logs::State;
use crate::store::World;
use crate::{Fault, Sandbox};

/// What all groups may hold together.
pub const MOST_BYTES: u64 = 1024 * 1024 * 1024;
/// How much goes at a time: others wait for the disk meanwhile.
const STEP_BYTES: u64 = 16 * 1024 * 1024;

/// What all groups hold.
pub fn stored_bytes(world: &World) -> u64 {
    world.of::<State>().groups.values().map(|group| group.stored_bytes).sum()
}

/// Makes room for what comes.
pub(super) fn make_room(sandbox: &Sandbox) -> Result<(), Fault> {
    keep_within(sandbox, MOST_BYTES, STEP_BYTES)
}

fn keep_within(sandbox: &Sandbox, most: u64, step: u64) -> Result<(), Fault> {
    loop {
        let largest = sandbox.world.read(|world| {
            let groups = world.of::<State>().groups.values();
            groups.max_by_key(|group| group.stored_bytes).filter(|_| stored_bytes(world) > most).cloned()
        });
        let Some(group) = largest else { return Ok(()) };
        sandbox.log.write("log groups hold all that a sandbox keeps: the oldest events go");
        events::remove_oldest(sandbox, &group, |_, gone| gone >= step)?;
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
        let answer = sandbox.call("logs", "FilterLogEvents", json!({ "logGroupName": group })).await.expect("events");
        answer["events"].as_array().expect("a list").iter().map(|event| event["message"].clone()).collect()
    }

    #[tokio::test]
    async fn the_oldest_events_of_the_largest_group_go_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = crate::open(Config::for_test(folder.path(), 1.0), CancellationToken::new()).expect("a sandbox");
        for (group, count) in [("calm", 1), ("flooded", 10)] {
            let stream = json!({ "logGroupName": group, "logStreamName": "s" });
            sandbox.call("logs", "CreateLogGroup", json!({ "logGroupName": group })).await.expect("a group");
            sandbox.call("logs", "CreateLogStream", stream.clone()).await.expect("a stream");
            let now = sandbox.clock.now().as_millisecond();
            let event = |number: i64| json!({ "timestamp": now + number, "message": number.to_string() });
            let mut input = stream;
            input["logEvents"] = (0..count).map(event).collect();
            sandbox.call("logs", "PutLogEvents", input).await.expect("they are taken");
        }
        // Each event counts 27 bytes.
        keep_within(&sandbox, 8 * 27, 2 * 27).expect("there is room");
        assert_eq!(messages(&sandbox, "calm").await, ["0"]);
        assert_eq!(messages(&sandbox, "flooded").await, ["4", "5", "6", "7", "8", "9"]);
        assert_eq!(sandbox.world.read(stored_bytes), 7 * 27);
    }
}
