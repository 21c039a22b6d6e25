//! RegisterTaskDefinition: a new revision, checked as ECS checks it and with the defaults that ECS fills in.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::validation;
use crate::base::tags::{Tag, lower_case};
use crate::core::OperationResult;
use crate::services::ecs::State;
use crate::services::ecs::faults::client_exception;
use crate::services::ecs::launch_settings::check_tags;
use crate::services::ecs::lookups::revision_key;
use crate::services::ecs::model::{ContainerDefinition, TaskDefinition};
use crate::services::ecs::{read_members, responses};
use crate::{Fault, Sandbox};

/// The members of a task definition, in addition to its family and tags (API reference of RegisterTaskDefinition).
const MEMBERS: [&str; 17] = [
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
    "trustedExecutionConfiguration",
];

type Default = (&'static str, fn() -> Value);

/// The members of a container that ECS always returns.
const CONTAINER_DEFAULTS: [Default; 7] = [
    ("cpu", || json!(0)),
    ("portMappings", || json!([])),
    ("essential", || json!(true)),
    ("environment", || json!([])),
    ("mountPoints", || json!([])),
    ("volumesFrom", || json!([])),
    ("systemControls", || json!([])),
];

#[derive(Deserialize)]
struct Tags(#[serde(with = "lower_case")] Vec<Tag>);

pub(in crate::services::ecs) fn run(sandbox: &Arc<Sandbox>, mut input: Map<String, Value>) -> OperationResult {
    let Some(Value::String(family)) = input.remove("family") else {
        return Err(client_exception("Family should not be null or empty."));
    };
    let Tags(tags) = read_members(input.remove("tags").unwrap_or_else(|| json!([])))?;
    check_tags(&tags)?;
    let mut content: Map<String, Value> =
        input.into_iter().filter(|(name, value)| MEMBERS.contains(&name.as_str()) && !value.is_null()).collect();
    normalise(&mut content);
    let containers = containers(&content)?;
    validation::names(&family, &containers)?;
    validation::task(&content, &containers)?;
    sandbox.store.write(|states| {
        let last = states.of::<State>().task_definitions.with_prefix(&format!("{family}:")).last();
        let revision = last.map_or(0, |(_, definition)| definition.revision) + 1;
        let key = revision_key(&family, revision);
        let definition = TaskDefinition {
            family,
            revision,
            registered_at: sandbox.clock.now(),
            deregistered_at: None,
            delete_requested_at: None,
            content,
            tags,
        };
        let definition_output = responses::task_definition(&sandbox.config, &definition);
        let tags = definition.tags.clone();
        states.of_mut::<State>().task_definitions.insert(key, definition);
        Ok(json!({ "taskDefinition": definition_output, "tags": lower_case::to_value(&tags) }))
    })
}

fn containers(content: &Map<String, Value>) -> Result<Vec<ContainerDefinition>, Fault> {
    let list = content.get("containerDefinitions").and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| client_exception("Container list cannot be empty."))?;
    let empty =
        |container: &Value, member: &str| container.get(member).and_then(Value::as_str).unwrap_or_default().is_empty();
    for member in ["name", "image"] {
        if list.iter().any(|container| empty(container, member)) {
            return Err(client_exception(format!("Container.{member} should not be null or empty.")));
        }
    }
    read_members(Value::Array(list.clone()))
}

/// Fills in the defaults that ECS returns, and converts sizes to plain numbers.
fn normalise(content: &mut Map<String, Value>) {
    for (member, default) in [("volumes", json!([])), ("placementConstraints", json!([]))] {
        content.entry(member).or_insert(default);
    }
    for member in ["cpu", "memory"] {
        let units = match content.get(member) {
            Some(Value::Number(number)) => Some(number.to_string()),
            // Sizes with a unit are stored as plain numbers.
            Some(Value::String(text)) => validation::parse_size(text, member).map(|size| size.to_string()),
            _ => None,
        };
        content.extend(units.map(|units| (member.to_owned(), Value::String(units))));
    }
    let for_fargate = content.get("requiresCompatibilities").is_some_and(|list| *list == json!(["FARGATE"]));
    if !for_fargate {
        content.entry("networkMode").or_insert_with(|| json!("bridge"));
    }
    let mode = content.get("networkMode").and_then(Value::as_str).unwrap_or_default().to_owned();
    for volume in objects(content, "volumes") {
        if let Some(files) = volume.get_mut("efsVolumeConfiguration").and_then(Value::as_object_mut) {
            files.entry("rootDirectory").or_insert_with(|| json!("/"));
        }
        if volume.len() == 1 {
            volume.insert("host".to_owned(), json!({}));
        }
    }
    for container in objects(content, "containerDefinitions") {
        normalise_container(container, &mode);
    }
}

fn objects<'a>(content: &'a mut Map<String, Value>, member: &str) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    content.get_mut(member).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn normalise_container(container: &mut Map<String, Value>, network_mode: &str) {
    container.retain(|_, value| !value.is_null());
    for (member, default) in CONTAINER_DEFAULTS {
        container.entry(member).or_insert_with(default);
    }
    let shares_port = matches!(network_mode, "awsvpc" | "host");
    for mapping in objects(container, "portMappings") {
        mapping.entry("protocol").or_insert_with(|| json!("tcp"));
        if let Some(port) = mapping.get("containerPort").cloned() {
            mapping.entry("hostPort").or_insert(if shares_port { port } else { json!(0) });
        }
    }
    if let Some(check) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        for (member, default) in [("interval", 30), ("timeout", 5), ("retries", 3)] {
            check.entry(member).or_insert_with(|| json!(default));
        }
    }
}
