//! RunTask.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::definitions::check_size;
use super::faults::invalid;
use super::launch_settings::{self, LaunchSettings};
use super::lookups::{self, key};
use super::model::{Task, TaskDefinition};
use super::{capacity_providers, responses, scheduler, task_placement};
use crate::base::ids;
use crate::base::tags::{Tag, lower_case};
use crate::core::OperationResult;
use crate::services::ecs::{State, read_members};
use crate::store::States;
use crate::{Fault, Sandbox};

/// The maximum length of `startedBy` (API reference of RunTask).
const MAX_STARTED_BY: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunTaskInput {
    cluster: Option<String>,
    task_definition: String,
    count: Option<i64>,
    client_token: Option<String>,
    group: Option<String>,
    started_by: Option<String>,
    overrides: Option<Value>,
    #[serde(default)]
    enable_execute_command: bool,
    #[serde(default, rename = "enableECSManagedTags")]
    enable_ecs_managed_tags: bool,
    propagate_tags: Option<String>,
    #[serde(default, with = "lower_case")]
    tags: Vec<Tag>,
    #[serde(skip)]
    rest: Map<String, Value>,
}

pub(super) async fn run(sandbox: Arc<Sandbox>, members: Map<String, Value>) -> OperationResult {
    let mut input: RunTaskInput = read_members(Value::Object(members.clone()))?;
    input.rest = members;
    let count = input.count.and_then(|count| usize::try_from(count).ok()).or(input.count.is_none().then_some(1));
    let count = count.filter(|count| (1..=10).contains(count));
    let count = count.ok_or_else(|| invalid("The count must be between 1 and 10."))?;
    check(&input)?;
    let network = launch_settings::network(&sandbox, input.rest.get("networkConfiguration")).await?;
    sandbox.store.write(|states| {
        let cluster = lookups::cluster(states, input.cluster.as_deref())?.clone();
        let definition = lookups::usable_task_definition(states, &input.task_definition)?.clone();
        let launch = LaunchSettings::of(&input.rest, &cluster)?;
        launch.check(&definition, network.as_ref())?;
        check_overrides(&input, &definition)?;
        if !launch.is_fargate() {
            return Err(invalid("No Container Instances were found in your cluster."));
        }
        let earlier: Vec<Value> = tasks_of_same_request(states, &cluster.name, &input)?
            .into_iter()
            .map(|task| responses::task(&sandbox.config, states, task, true))
            .collect();
        if !earlier.is_empty() {
            return Ok(json!({ "tasks": earlier, "failures": [] }));
        }
        let template = template(&sandbox, &input, &cluster.name, &definition);
        let providers = capacity_providers::choose(launch.strategy.as_ref(), |_| 0, count);
        let mut outputs = Vec::new();
        let free_task_slots = scheduler::free_task_slots(states);
        let failures: Vec<Value> =
            (0..count.saturating_sub(free_task_slots)).map(|_| json!({ "reason": scheduler::AT_LIMIT })).collect();
        for (index, capacity_provider) in providers.into_iter().take(free_task_slots).enumerate() {
            let subnet_id = task_placement::subnet(network.as_ref(), index);
            let mut task = Task { id: ids::hex(32), subnet_id, capacity_provider, ..template.clone() };
            task.containers.iter_mut().for_each(|container| container.id = ids::uuid());
            outputs.push(responses::task(&sandbox.config, states, &task, true));
            states.of_mut::<State>().tasks.insert(key(&cluster.name, &task.id), task);
        }
        Ok(json!({ "tasks": outputs, "failures": failures }))
    })
}

/// The tasks that an earlier request with the same token created. A different request is refused. Tasks of older versions, without a
/// checksum of their request, match any.
fn tasks_of_same_request<'a>(states: &'a States, cluster: &str, input: &RunTaskInput) -> Result<Vec<&'a Task>, Fault> {
    let Some(token) = &input.client_token else { return Ok(Vec::new()) };
    let prefix = key(cluster, "");
    let tasks = states.of::<State>().tasks.with_prefix(&prefix).map(|(_, task)| task);
    let tasks: Vec<&Task> = tasks.filter(|task| task.client_token.as_ref() == Some(token)).collect();
    let request = checksum(&input.rest);
    if tasks.iter().any(|task| task.client_request.as_ref().is_some_and(|earlier| *earlier != request)) {
        // The message is from the API reference of RunTask.
        let message = "The RunTask request could not be processed due to conflicts. The provided clientToken is already in use \
                       with a different RunTask request.";
        return Err(Fault::client("ConflictException", message));
    }
    Ok(tasks)
}

/// A checksum that does not depend on the order of members.
fn checksum(members: &Map<String, Value>) -> String {
    let mut all = Value::Object(members.clone());
    all.sort_all_objects();
    hex::encode(Sha256::digest(all.to_string()))
}

fn template(sandbox: &Sandbox, input: &RunTaskInput, cluster: &str, definition: &TaskDefinition) -> Task {
    let mut task = Task::new(cluster.to_owned(), definition, sandbox.clock.now());
    task.group = input.group.clone().unwrap_or(task.group);
    task.started_by.clone_from(&input.started_by);
    task.client_token.clone_from(&input.client_token);
    task.client_request = input.client_token.is_some().then(|| checksum(&input.rest));
    task.enable_execute_command = input.enable_execute_command;
    task.tags.clone_from(&input.tags);
    if input.propagate_tags.as_deref() == Some("TASK_DEFINITION") {
        let new = definition.tags.iter().filter(|tag| !input.tags.iter().any(|given| given.key == tag.key));
        task.tags.extend(new.cloned());
    }
    if input.enable_ecs_managed_tags {
        task.tags.push(Tag { key: "aws:ecs:clusterName".to_owned(), value: cluster.to_owned() });
    }
    if let Some(overrides) = &input.overrides {
        let text = |member: &str| overrides.get(member).and_then(Value::as_str).map(str::to_owned);
        task.cpu = text("cpu").or(task.cpu);
        task.memory = text("memory").or(task.memory);
        let storage = overrides.get("ephemeralStorage").and_then(|storage| storage.get("sizeInGiB")?.as_u64());
        task.ephemeral_storage = storage.or(task.ephemeral_storage);
        override_containers(&mut task, overrides);
        task.overrides = Some(overrides.clone());
    }
    task
}

fn override_containers(task: &mut Task, overrides: &Value) {
    let list = overrides.get("containerOverrides").and_then(Value::as_array);
    for container_override in list.into_iter().flatten() {
        let is_overridden =
            |container: &&mut super::model::Container| container_override.get("name") == Some(&json!(container.name));
        let Some(container) = task.containers.iter_mut().find(is_overridden) else { continue };
        let number = |member: &str| {
            container_override.get(member).and_then(Value::as_u64).and_then(|number| number.try_into().ok())
        };
        container.cpu = number("cpu").unwrap_or(container.cpu);
        container.memory = number("memory").or(container.memory);
        container.memory_reservation = number("memoryReservation").or(container.memory_reservation);
    }
}

fn check(input: &RunTaskInput) -> Result<(), Fault> {
    launch_settings::check_tags(&input.tags)?;
    launch_settings::refuse_unserved(&input.rest, &["volumeConfigurations"])?;
    if input.started_by.as_ref().is_some_and(|by| by.chars().count() > MAX_STARTED_BY) {
        return Err(invalid(format!("startedBy must have at most {MAX_STARTED_BY} characters.")));
    }
    if input.propagate_tags.as_deref() == Some("SERVICE") {
        return Err(invalid("propagateTags of SERVICE is only possible for the tasks of a service."));
    }
    Ok(())
}

fn check_overrides(input: &RunTaskInput, definition: &TaskDefinition) -> Result<(), Fault> {
    let Some(overrides) = &input.overrides else { return Ok(()) };
    let container_names: BTreeSet<String> =
        definition.containers().into_iter().map(|container| container.name).collect();
    let list = overrides.get("containerOverrides").and_then(Value::as_array);
    for container in list.into_iter().flatten() {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        if !container_names.contains(name) {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    let text = |member: &str| overrides.get(member).and_then(Value::as_str);
    if text("cpu").is_some() || text("memory").is_some() {
        let size = |member: &str| text(member).or_else(|| definition.text(member)).unwrap_or_default();
        check_size(size("cpu"), size("memory")).map_err(|fault| invalid(fault.message))?;
    }
    Ok(())
}
