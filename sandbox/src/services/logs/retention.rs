//! Retention of log events, and the loop that deletes expired ones.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{LogGroup, events, invalid_parameter, not_found};
use crate::base::supervisor;
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::{Fault, Sandbox};

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Expired events are not shown, so this only determines how long they use disk space.
const EXPIRY_INTERVAL: Duration = Duration::from_hours(1);

/// The values that AWS accepts (API reference of PutRetentionPolicy).
const DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PutRetentionPolicyInput {
    log_group_name: String,
    retention_in_days: u32,
}

pub(super) fn put(
    sandbox: &Arc<Sandbox>,
    PutRetentionPolicyInput { log_group_name, retention_in_days: days }: PutRetentionPolicyInput,
) -> OperationResult {
    if !DAYS.contains(&days) {
        let known: Vec<String> = DAYS.iter().map(u32::to_string).collect();
        return Err(invalid_parameter(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            known.join(", ")
        )));
    }
    change(sandbox, &log_group_name, |group| group.retention_in_days = Some(days))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeleteRetentionPolicyInput {
    log_group_name: String,
}

pub(super) fn delete(
    sandbox: &Arc<Sandbox>,
    DeleteRetentionPolicyInput { log_group_name }: DeleteRetentionPolicyInput,
) -> OperationResult {
    change(sandbox, &log_group_name, |group| group.retention_in_days = None)
}

fn change(sandbox: &Sandbox, name: &str, change: impl FnOnce(&mut LogGroup)) -> Result<Value, Fault> {
    sandbox.store.write(|states| {
        change(states.of_mut::<State>().groups.get_mut(name).ok_or_else(|| not_found("group"))?);
        Ok(Value::Null)
    })
}

/// Events of a group before this time, in milliseconds since 1970, have expired.
pub(super) fn oldest_visible(sandbox: &Sandbox, group: &LogGroup) -> i64 {
    let oldest =
        group.retention_in_days.map(|days| sandbox.clock.now().as_millisecond() - i64::from(days) * DAY_MILLIS);
    oldest.unwrap_or(0)
}

/// Starts the loop that deletes expired events, and those of deleted groups.
pub(crate) fn delete_expired_events(sandbox: &Arc<Sandbox>) {
    sandbox.spawn_loop("log retention", |shared| async move {
        loop {
            let sandbox = Arc::clone(&shared);
            // A failed deletion is retried in the next hourly pass.
            let _ = supervisor::blocking(move || delete_expired(&sandbox)).await;
            tokio::time::sleep(EXPIRY_INTERVAL).await;
        }
    });
}

fn delete_expired(sandbox: &Sandbox) -> Result<(), Fault> {
    let groups: Vec<LogGroup> = sandbox.store.read(|states| states.of::<State>().groups.values().cloned().collect());
    for group in groups.iter().filter(|group| group.retention_in_days.is_some()) {
        events::remove_oldest(sandbox, group, |key, _| key.timestamp >= oldest_visible(sandbox, group))?;
    }
    events::remove_orphaned(sandbox)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::Config;

    #[tokio::test]
    async fn events_that_an_interrupted_deletion_has_left_are_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = crate::open(Config::for_test(folder.path(), 1.0), CancellationToken::new()).expect("a sandbox");
        let now = sandbox.clock.now().as_millisecond();
        for group in ["a", "b", "c"] {
            let stream = json!({ "logGroupName": group, "logStreamName": "s" });
            sandbox.call("logs", "CreateLogGroup", json!({ "logGroupName": group })).await.expect("a group");
            sandbox.call("logs", "CreateLogStream", stream.clone()).await.expect("a stream");
            let mut input = stream;
            input["logEvents"] = json!([{ "timestamp": now, "message": group }]);
            sandbox.call("logs", "PutLogEvents", input).await.expect("they are taken");
        }
        let removed = sandbox.store.write(|states| Ok(states.of_mut::<State>().groups.remove("b")));
        assert_eq!(removed.expect("it is written").map(|group| group.name).as_deref(), Some("b"));
        delete_expired(&sandbox).expect("it is written");
        assert_eq!(events::all_messages(&sandbox), ["a", "c"]);
    }
}
