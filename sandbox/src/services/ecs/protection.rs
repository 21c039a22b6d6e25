//! Task protection: a service's task can be protected from scaling in and deployments for some time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::arns::Arns as _;
use super::clusters::missing;
use super::faults::invalid;
use super::lookups::{self, key, last_part};
use super::model::Task;
use crate::base::clock::epoch_seconds;
use crate::core::OperationResult;
use crate::services::ecs::State;
use crate::store::States;
use crate::{Config, Sandbox};

/// The default and the maximum number of minutes (API reference of UpdateTaskProtection).
const DEFAULT_MINUTES: i64 = 120;
const MAX_MINUTES: i64 = 2880;
const MAX_TASKS: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateTaskProtectionInput {
    cluster: String,
    tasks: Vec<String>,
    protection_enabled: bool,
    expires_in_minutes: Option<i64>,
}

pub(super) fn update(sandbox: &Arc<Sandbox>, input: UpdateTaskProtectionInput) -> OperationResult {
    let UpdateTaskProtectionInput { cluster, tasks, protection_enabled, expires_in_minutes } = input;
    let minutes = expires_in_minutes.unwrap_or(DEFAULT_MINUTES);
    if !(1..=MAX_MINUTES).contains(&minutes) {
        return Err(invalid(format!("expiresInMinutes must be between 1 and {MAX_MINUTES}.")));
    }
    if tasks.is_empty() || tasks.len() > MAX_TASKS {
        return Err(invalid(format!("tasks must have between 1 and {MAX_TASKS} elements.")));
    }
    let now = sandbox.clock.now();
    let until = now.checked_add(SignedDuration::from_mins(minutes)).ok().filter(|_| protection_enabled);
    sandbox.store.write(|states| {
        let cluster = lookups::cluster(states, Some(&cluster))?.name.clone();
        for id in &tasks {
            if let Some(task) = states
                .of_mut::<State>()
                .tasks
                .get_mut(&key(&cluster, last_part(id)))
                .filter(|task| task.service.is_some())
            {
                task.protected_until = until;
            }
        }
        Ok(to_output(&sandbox.config, states, &cluster, &tasks, now))
    })
}

#[derive(Deserialize)]
pub(super) struct GetTaskProtectionInput {
    cluster: String,
    #[serde(default)]
    tasks: Vec<String>,
}

pub(super) fn get(
    sandbox: &Arc<Sandbox>,
    GetTaskProtectionInput { cluster, tasks }: GetTaskProtectionInput,
) -> OperationResult {
    let now = sandbox.clock.now();
    sandbox.store.read(|states| {
        let cluster = lookups::cluster(states, Some(&cluster))?.name.clone();
        let all = || {
            let prefix = key(&cluster, "");
            let rows = states.of::<State>().tasks.with_prefix(&prefix).map(|(_, task)| task);
            rows.filter(|task| task.service.is_some() && task.stopped_at.is_none())
                .map(|task| task.id.clone())
                .collect()
        };
        let tasks = if tasks.is_empty() { all() } else { tasks };
        Ok(to_output(&sandbox.config, states, &cluster, &tasks, now))
    })
}

fn to_output(config: &Config, states: &States, cluster: &str, tasks: &[String], now: Timestamp) -> Value {
    let (mut protected, mut failures) = (Vec::new(), Vec::new());
    for id in tasks {
        let key = key(cluster, last_part(id));
        let arn = config.arn("ecs", &format!("task/{key}"));
        match states.of::<State>().tasks.get(&key) {
            Some(task) if task.service.is_some() => protected.push(protection(config, task, now)),
            Some(_) => failures.push(json!({ "arn": arn, "reason": "TASK_NOT_VALID" })),
            None => failures.push(missing(&arn)),
        }
    }
    json!({ "protectedTasks": protected, "failures": failures })
}

fn protection(config: &Config, task: &Task, now: Timestamp) -> Value {
    let until = task.protected_until.filter(|until| *until > now);
    json!({
        "taskArn": config.task_arn(task),
        "protectionEnabled": until.is_some(),
        "expirationDate": until.map(epoch_seconds),
    })
}
