//! Tasks: describe, list, stop.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::arns::Arns as _;
use super::clusters::{limit, missing};
use super::faults::{self, invalid};
use super::lookups::{self, key, last_part};
use super::model::{StopCode, Task, TaskStatus};
use super::responses;
use crate::Sandbox;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ecs::State;

#[derive(Deserialize)]
pub(super) struct DescribeTasksInput {
    cluster: Option<String>,
    tasks: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

pub(super) fn describe(
    sandbox: &Arc<Sandbox>,
    DescribeTasksInput { cluster, tasks, include }: DescribeTasksInput,
) -> OperationResult {
    let tags = include.iter().any(|name| name == "TAGS");
    sandbox.store.read(|states| {
        let cluster = lookups::cluster(states, cluster.as_deref())?;
        if tasks.is_empty() {
            return Err(invalid("Tasks cannot be empty."));
        }
        if tasks.len() > 100 {
            return Err(invalid("Tasks cannot have more than 100 elements."));
        }
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for given in &tasks {
            let key = key(&cluster.name, last_part(given));
            match states.of::<State>().tasks.get(&key) {
                Some(task) => described.push(responses::task(&sandbox.config, states, task, tags)),
                // An ARN is repeated as it was given.
                None if given.starts_with("arn:") => failures.push(missing(given)),
                None => failures.push(missing(&sandbox.config.arn("ecs", &format!("task/{key}")))),
            }
        }
        Ok(json!({ "tasks": described, "failures": failures }))
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTasksInput {
    cluster: Option<String>,
    family: Option<String>,
    service_name: Option<String>,
    started_by: Option<String>,
    desired_status: Option<String>,
    launch_type: Option<String>,
    container_instance: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl ListTasksInput {
    fn matches(&self, task: &Task) -> bool {
        let is =
            |filter: &Option<String>, value: Option<&str>| filter.as_ref().is_none_or(|filter| value == Some(filter));
        let desired = if task.desired_status == TaskStatus::Stopped { "STOPPED" } else { "RUNNING" };
        // As documented, PENDING never has results: the desired status is RUNNING or STOPPED.
        self.desired_status.as_deref().unwrap_or("RUNNING") == desired
            && self.container_instance.is_none()
            && is(&self.family, task.task_definition.split(':').next())
            && is(&self.started_by, task.started_by.as_deref())
            && is(&self.launch_type, Some(&task.launch_type))
            && self.service_name.as_deref().is_none_or(|name| task.service.as_deref() == Some(last_part(name)))
    }
}

pub(super) fn list(sandbox: &Arc<Sandbox>, mut input: ListTasksInput) -> OperationResult {
    let next_token = input.next_token.take();
    let limit = limit(input.max_results)?;
    let query = format!("ListTasks {input:?}");
    let page = sandbox.store.read(|states| {
        let cluster = lookups::cluster(states, input.cluster.as_deref())?;
        if let Some(name) = &input.service_name {
            lookups::service(states, Some(&cluster.name), name)?;
        }
        let prefix = key(&cluster.name, "");
        let rows = states.of::<State>().tasks.with_prefix(&prefix).filter(|(_, task)| input.matches(task));
        let arns = rows.map(|(key, task)| (key.to_owned(), sandbox.config.task_arn(task)));
        paging::page(arns, &query, next_token.as_deref(), limit).map_err(|_| faults::bad_token())
    })?;
    Ok(json!({ "taskArns": page.items, "nextToken": page.next_token }))
}

/// The maximum length of a reason (API reference of StopTask).
const MAX_REASON: usize = 1024;

#[derive(Deserialize)]
pub(super) struct StopTaskInput {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

pub(super) fn stop(sandbox: &Arc<Sandbox>, StopTaskInput { cluster, task, reason }: StopTaskInput) -> OperationResult {
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        return Err(invalid(format!("reason must have at most {MAX_REASON} characters.")));
    }
    sandbox.store.write(|states| {
        let cluster = lookups::cluster(states, cluster.as_deref())?;
        let key = key(&cluster.name, last_part(&task));
        let mut task = states
            .of::<State>()
            .tasks
            .get(&key)
            .cloned()
            .ok_or_else(|| invalid("The referenced task was not found."))?;
        if task.desired_status != TaskStatus::Stopped {
            let reason =
                reason.filter(|reason| !reason.is_empty()).unwrap_or_else(|| "Task stopped by user".to_owned());
            task.request_stop(StopCode::UserInitiated, reason, sandbox.clock.now());
            states.of_mut::<State>().tasks.insert(key, task.clone());
        }
        Ok(json!({ "task": responses::task(&sandbox.config, states, &task, true) }))
    })
}
