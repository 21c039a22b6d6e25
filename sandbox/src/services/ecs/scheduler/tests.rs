//! Tasks whose driver cannot do its work: they never stay as they are.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{abandoned, driver, run_scheduler};
use crate::services::ecs::lookups::key;
use crate::services::ecs::model::{StopCode, Task, TaskDefinition, TaskStatus};
use crate::services::ecs::{State, TaskProcesses};
use crate::store::States;
use crate::{Config, Fault, Sandbox};

fn open(folder: &tempfile::TempDir) -> Arc<Sandbox> {
    crate::open(Config::for_test(folder.path(), 20.0), CancellationToken::new()).expect("a sandbox")
}

/// Stores a task of one container, with a driver or without, and returns its key.
fn store(sandbox: &Sandbox, is_driven: bool, change: impl FnOnce(&mut Task)) -> String {
    let definition: TaskDefinition = serde_json::from_value(json!({
        "family": "web", "revision": 1, "registered_at": "2026-01-01T00:00:00Z", "tags": [],
        "content": { "containerDefinitions": [{ "name": "a", "image": "a" }] },
    }))
    .expect("a definition");
    let mut task = Task::new("demo".to_owned(), &definition, sandbox.clock.now());
    change(&mut task);
    let key = key(&task.cluster, &task.id);
    if is_driven {
        sandbox.in_memory::<TaskProcesses>().running().entry(key.clone()).or_default();
    }
    let insert = |states: &mut States| {
        states.of_mut::<State>().tasks.insert(key.clone(), task);
        Ok(())
    };
    sandbox.store.write(insert).expect("it is stored");
    key
}

fn task(sandbox: &Sandbox, key: &str) -> Task {
    sandbox.store.read(|states| states.of::<State>().tasks.get(key).cloned()).expect("the row is there")
}

async fn stopped(sandbox: &Sandbox, key: &str) -> Task {
    let mut changes = sandbox.store.changes();
    let stopped = async {
        while task(sandbox, key).last_status != TaskStatus::Stopped {
            changes.changed().await.expect("the store is open");
        }
        task(sandbox, key)
    };
    tokio::time::timeout(Duration::from_secs(20), stopped).await.expect("it stops in time")
}

#[tokio::test]
async fn a_task_whose_driver_fails_is_stopped_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = open(&folder);
    let pending = |task: &mut Task| task.last_status = TaskStatus::Pending;
    let running = |task: &mut Task| {
        (task.last_status, task.started_at) = (TaskStatus::Running, Some(task.created_at));
    };
    run_scheduler(&sandbox);
    let (panics, is_refused) = (store(&sandbox, true, pending), store(&sandbox, true, running));
    abandoned::stop(&sandbox).expect("there is nothing to write");
    assert_eq!(task(&sandbox, &panics).last_status, TaskStatus::Pending, "it has a driver");

    let failed_write = async { Err(Fault::internal("no space left")) };
    driver::record_failure(&sandbox, &panics, async { panic!("not foreseen") }).await;
    driver::record_failure(&sandbox, &is_refused, failed_write).await;
    let expected = [
        (&panics, StopCode::TaskFailedToStart, "ResourceInitializationError: panic: not foreseen"),
        (&is_refused, StopCode::EssentialContainerExited, "Essential container in task exited: no space left"),
    ];
    for (key, code, reason) in expected {
        let task = stopped(&sandbox, key).await;
        assert_eq!((task.stop_code, task.stopped_reason.as_deref()), (Some(code), Some(reason)));
        assert_eq!(task.containers[0].last_status, TaskStatus::Stopped);
    }
    sandbox.shutdown.cancel();
}

#[tokio::test]
async fn a_task_that_waits_to_be_started_can_be_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = open(&folder);
    run_scheduler(&sandbox);
    let permits = sandbox.in_memory::<TaskProcesses>().start_permits.available_permits();
    let _all = sandbox
        .in_memory::<TaskProcesses>()
        .start_permits
        .acquire_many(u32::try_from(permits).expect("a few"))
        .await
        .expect("permits");
    let key = store(&sandbox, false, |_| {});
    let now = sandbox.clock.now();
    let stop = |states: &mut States| {
        let task = states.of_mut::<State>().tasks.get_mut(&key).ok_or_else(|| Fault::internal("no row"))?;
        task.request_stop(StopCode::UserInitiated, "enough".to_owned(), now);
        Ok(())
    };
    sandbox.store.write(stop).expect("it is stored");
    let task = stopped(&sandbox, &key).await;
    assert_eq!((task.stop_code, task.stopped_reason.as_deref()), (Some(StopCode::UserInitiated), Some("enough")));
    sandbox.shutdown.cancel();
}

#[tokio::test]
async fn a_task_that_shows_as_running_without_a_driver_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = open(&folder);
    run_scheduler(&sandbox);
    for last_status in [TaskStatus::Pending, TaskStatus::Activating, TaskStatus::Running, TaskStatus::Deprovisioning] {
        let key = store(&sandbox, false, |task| task.last_status = last_status);
        let reason = stopped(&sandbox, &key).await.stopped_reason.unwrap_or_default();
        assert!(reason.ends_with(driver::SANDBOX_STOPPED), "{last_status:?}: {reason}");
    }
    sandbox.shutdown.cancel();
}
