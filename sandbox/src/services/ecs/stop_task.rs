//! StopTask.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::model::{StopCode, TaskStatus};
use super::names::{self, invalid, key, last_part};
use super::show;
use crate::Sandbox;
use crate::core::Reply;
use crate::services::ecs::State;

/// API reference of StopTask.
const LONGEST_REASON: usize = 1024;

#[derive(Deserialize)]
pub(super) struct Input {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, Input { cluster, task, reason }: Input) -> Reply {
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        return Err(invalid(format!("reason must have at most {LONGEST_REASON} characters.")));
    }
    sandbox.world.write(|world| {
        let cluster = names::cluster(world, cluster.as_deref())?;
        let key = key(&cluster.name, last_part(&task));
        let mut row = world
            .of::<State>()
            .tasks
            .get(&key)
            .cloned()
            .ok_or_else(|| invalid("The referenced task was not found."))?;
        if row.desired_status != TaskStatus::Stopped {
            let reason =
                reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| "Task stopped by user".to_owned());
            row.ask_to_stop(StopCode::UserInitiated, reason, sandbox.clock.now());
            world.of_mut::<State>().tasks.insert(key, row.clone());
        }
        Ok(json!({ "task": show::task(&sandbox.config, world, &row, true) }))
    })
}
