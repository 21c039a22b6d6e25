//! RunTask.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::model::{Tag, Task, TaskDefinition};
use super::names::{self, invalid, key};
use super::{network, show};
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    cluster: Option<String>,
    task_definition: String,
    count: Option<usize>,
    group: Option<String>,
    launch_type: Option<String>,
    started_by: Option<String>,
    network_configuration: Option<Value>,
    overrides: Option<Value>,
    #[serde(default)]
    enable_execute_command: bool,
    propagate_tags: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: Input) -> Reply {
    let count = input.count.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("The count must be between 1 and 10."));
    }
    sandbox.world.write(|world| {
        let cluster = names::cluster(world, input.cluster.as_deref())?.name.clone();
        let definition = names::usable_task_definition(world, &input.task_definition)?.clone();
        check(&input, &definition)?;
        let mut tags = input.tags.clone();
        if input.propagate_tags.as_deref() == Some("TASK_DEFINITION") {
            tags.extend(
                definition.tags.iter().filter(|tag| !input.tags.iter().any(|given| given.key == tag.key)).cloned(),
            );
        }
        let mut shown = Vec::new();
        for turn in 0..count {
            let mut task = Task::new(cluster.clone(), &definition, sandbox.clock.now());
            task.group = input.group.clone().unwrap_or(task.group);
            task.started_by.clone_from(&input.started_by);
            task.launch_type = input.launch_type.clone().unwrap_or(task.launch_type);
            task.overrides.clone_from(&input.overrides);
            task.enable_execute_command = input.enable_execute_command;
            task.subnet_id = network::subnet(input.network_configuration.as_ref(), turn);
            task.tags.clone_from(&tags);
            shown.push(show::task(&sandbox.config, world, &task, true));
            world.ecs.tasks.insert(key(&cluster, &task.id), task);
        }
        Ok(json!({ "tasks": shown, "failures": [] }))
    })
}

fn check(input: &Input, definition: &TaskDefinition) -> Result<(), Fault> {
    if definition.text("networkMode") == Some("awsvpc") && input.network_configuration.is_none() {
        return Err(invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."));
    }
    let overridden = input.overrides.as_ref().and_then(|overrides| overrides.get("containerOverrides")?.as_array());
    let known = definition.containers();
    for name in overridden.into_iter().flatten().filter_map(|container| container.get("name")?.as_str()) {
        if !known.iter().any(|container| container.name == name) {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    Ok(())
}
