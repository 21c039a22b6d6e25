//! RegisterTaskDefinition: a new revision, checked as ECS checks it and with the defaults that ECS fills in.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::model::{ContainerDefinition, Tag, TaskDefinition};
use super::names::{client, read, revision_key};
use super::show;
use crate::sandbox::services::Reply;
use crate::sandbox::{Fault, Sandbox};

/// What a task definition is made of, besides its family and tags (API reference of RegisterTaskDefinition).
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

/// Memory in MiB that Fargate has for CPU units: from, to, in steps of (ECS developer guide, "Task size").
const FARGATE_SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 512),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

pub(super) fn run(sandbox: &Arc<Sandbox>, mut input: Map<String, Value>) -> Reply {
    let Some(Value::String(family)) = input.remove("family") else {
        return Err(client("Family should not be null or empty."));
    };
    let tags: Vec<Tag> = read(input.remove("tags").unwrap_or_else(|| json!([])))?;
    let mut content: Map<String, Value> =
        input.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str())).collect();
    normalise(&mut content);
    let containers = containers(&content)?;
    check_names(&family, &containers)?;
    check_fargate(&content, &containers)?;
    sandbox.world.write(|world| {
        let last = world.ecs.task_definitions.with_prefix(&format!("{family}:")).last();
        let revision = last.map_or(0, |(_, definition)| definition.revision) + 1;
        let registered_at = sandbox.clock.now();
        let key = revision_key(&family, revision);
        let definition = TaskDefinition { family, revision, registered_at, deregistered_at: None, content, tags };
        let shown = show::task_definition(&sandbox.config, &definition);
        let tags = definition.tags.clone();
        world.ecs.task_definitions.insert(key, definition);
        Ok(json!({ "taskDefinition": shown, "tags": tags }))
    })
}

fn containers(content: &Map<String, Value>) -> Result<Vec<ContainerDefinition>, Fault> {
    let list = content.get("containerDefinitions").and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| client("Container list cannot be empty."))?;
    let empty =
        |container: &Value, member: &str| container.get(member).and_then(Value::as_str).unwrap_or_default().is_empty();
    for member in ["name", "image"] {
        if list.iter().any(|container| empty(container, member)) {
            return Err(client(format!("Container.{member} should not be null or empty.")));
        }
    }
    read(Value::Array(list.clone()))
}

/// Fills in what ECS answers even when it was not given, and turns numbers given as text into numbers.
fn normalise(content: &mut Map<String, Value>) {
    for (member, default) in [("volumes", json!([])), ("placementConstraints", json!([]))] {
        content.entry(member).or_insert(default);
    }
    for member in ["cpu", "memory"] {
        if let Some(number @ Value::Number(_)) = content.get(member) {
            let text = number.to_string();
            content.insert(member.to_owned(), Value::String(text));
        }
    }
    let awsvpc = content.get("networkMode").and_then(Value::as_str) == Some("awsvpc");
    let list = content.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    for container in list.into_iter().flatten().filter_map(Value::as_object_mut) {
        for (member, default) in [
            ("cpu", json!(0)),
            ("portMappings", json!([])),
            ("essential", json!(true)),
            ("environment", json!([])),
            ("mountPoints", json!([])),
            ("volumesFrom", json!([])),
            ("systemControls", json!([])),
        ] {
            container.entry(member).or_insert(default);
        }
        let mappings = container.get_mut("portMappings").and_then(Value::as_array_mut);
        for mapping in mappings.into_iter().flatten().filter_map(Value::as_object_mut) {
            mapping.entry("protocol").or_insert_with(|| json!("tcp"));
            if awsvpc && let Some(port) = mapping.get("containerPort").cloned() {
                mapping.entry("hostPort").or_insert(port);
            }
        }
    }
}

fn check_names(family: &str, containers: &[ContainerDefinition]) -> Result<(), Fault> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if family.is_empty() {
        return Err(client("Family should not be null or empty."));
    }
    if family.len() > 255 || !family.chars().all(allowed) {
        return Err(client("Family contains invalid characters."));
    }
    let mut seen = BTreeSet::new();
    for ContainerDefinition { name, .. } in containers {
        if name.len() > 255 || !name.chars().all(allowed) {
            return Err(client("Container.name contains invalid characters."));
        }
        if !seen.insert(name) {
            return Err(client(format!("Container name '{name}' is used more than once.")));
        }
    }
    if !containers.iter().any(|container| container.essential) {
        return Err(client("At least one essential container is required."));
    }
    Ok(())
}

fn check_fargate(content: &Map<String, Value>, containers: &[ContainerDefinition]) -> Result<(), Fault> {
    let text = |member: &str| content.get(member).and_then(Value::as_str);
    let mode = text("networkMode");
    check_ports(content, mode)?;
    if let Some(without) = containers.iter().find(|container| memory_missing(content, container)) {
        return Err(client(format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            without.name
        )));
    }
    let compatibilities = content.get("requiresCompatibilities").and_then(Value::as_array);
    if !compatibilities.is_some_and(|list| list.contains(&json!("FARGATE"))) {
        return Ok(());
    }
    if mode != Some("awsvpc") {
        return Err(client("Fargate only supports network mode \u{2018}awsvpc\u{2019}."));
    }
    let (Some(cpu), Some(memory)) = (text("cpu"), text("memory")) else {
        return Err(client("Fargate requires that 'cpu' be defined at the task level."));
    };
    let fits = |(units, from, to, step): &(u32, u32, u32, u32)| {
        parse_size(cpu, "vcpu") == Some(*units)
            && parse_size(memory, "gb")
                .is_some_and(|memory| (*from..=*to).contains(&memory) && (memory - from).is_multiple_of(*step))
    };
    if !FARGATE_SIZES.iter().any(fits) {
        return Err(client("No Fargate configuration exists for given values."));
    }
    let awslogs = |container: &ContainerDefinition| {
        container.log_configuration.as_ref().is_some_and(|configuration| configuration.log_driver == "awslogs")
    };
    if text("executionRoleArn").is_none() && containers.iter().any(awslogs) {
        return Err(client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    Ok(())
}

/// `256`, `.25 vCPU`, `512`, `0.5 GB`: the number in CPU units or MiB.
pub(super) fn parse_size(text: &str, unit: &str) -> Option<u32> {
    let lower = text.to_lowercase();
    let Some(number) = lower.trim().strip_suffix(unit) else { return text.trim().parse().ok() };
    let units = number.trim().parse::<f64>().ok()? * 1024.0;
    // Sizes are at most six digits; anything else fits no row of the table.
    format!("{units:.0}").parse().ok()
}

fn memory_missing(content: &Map<String, Value>, container: &ContainerDefinition) -> bool {
    let list = content.get("containerDefinitions").and_then(Value::as_array);
    let raw = list.into_iter().flatten().find(|raw| raw.get("name").and_then(Value::as_str) == Some(&container.name));
    let reserved = raw.is_some_and(|raw| raw.get("memoryReservation").is_some());
    !content.contains_key("memory") && container.memory.is_none() && !reserved
}

fn check_ports(content: &Map<String, Value>, mode: Option<&str>) -> Result<(), Fault> {
    let list = content.get("containerDefinitions").and_then(Value::as_array);
    let mappings =
        list.into_iter().flatten().filter_map(|container| container.get("portMappings")?.as_array()).flatten();
    let differs = |mapping: &Value| {
        mapping.get("hostPort").is_some_and(|host| host != &json!(0) && Some(host) != mapping.get("containerPort"))
    };
    if mode == Some("awsvpc") && mappings.into_iter().any(differs) {
        return Err(client("When networkMode=awsvpc, the host ports and container ports in port mappings must match."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_numbers_or_have_a_unit() {
        assert_eq!(super::parse_size("256", "vcpu"), Some(256));
        assert_eq!(super::parse_size(".25 vCPU", "vcpu"), Some(256));
        assert_eq!(super::parse_size("0.5 GB", "gb"), Some(512));
        assert_eq!(super::parse_size("much", "gb"), None);
    }
}
