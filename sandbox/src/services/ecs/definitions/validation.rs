//! ECS's checks of a task definition, with its messages where they are known.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::unsupported;
use crate::Fault;
use crate::services::ecs::containers::dependencies::is_unresolvable;
use crate::services::ecs::faults::client_exception;
use crate::services::ecs::model::{ContainerCondition, ContainerDefinition, HealthCheck};

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

/// Fargate's maximum stop timeout in seconds ("stopTimeout" in the API reference).
const MAX_STOP_TIMEOUT: u32 = 120;

/// Checks the family, and the names and number of the containers.
pub(super) fn names(family: &str, containers: &[ContainerDefinition]) -> Result<(), Fault> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if family.is_empty() {
        return Err(client_exception("Family should not be null or empty."));
    }
    if family.len() > 255 || !family.chars().all(allowed) {
        return Err(client_exception("Family contains invalid characters."));
    }
    let mut seen = BTreeSet::new();
    for ContainerDefinition { name, .. } in containers {
        if name.len() > 255 || !name.chars().all(allowed) {
            return Err(client_exception("Container.name contains invalid characters."));
        }
        if !seen.insert(name) {
            return Err(client_exception(format!("Container name '{name}' is used more than once.")));
        }
    }
    if containers.len() > 10 {
        return Err(client_exception("A task definition can have at most 10 containers."));
    }
    if !containers.iter().any(|container| container.essential) {
        return Err(client_exception("At least one essential container is required."));
    }
    Ok(())
}

/// Checks a definition for any launch type, and for Fargate if it requires Fargate.
pub(super) fn task(content: &Map<String, Value>, containers: &[ContainerDefinition]) -> Result<(), Fault> {
    let text = |member: &str| content.get(member).and_then(Value::as_str);
    let compatibilities = content.get("requiresCompatibilities").and_then(Value::as_array);
    let for_fargate = compatibilities.is_some_and(|list| list.contains(&json!("FARGATE")));
    ports(content, text("networkMode"))?;
    if let Some(without) = containers.iter().find(|container| memory_missing(content, container)) {
        return Err(client_exception(format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            without.name
        )));
    }
    for container in containers {
        memory(content, container)?;
        container.health_check.as_ref().map_or(Ok(()), health_check)?;
    }
    dependencies(containers)?;
    if text("executionRoleArn").is_none() && containers.iter().any(|container| !container.secrets.is_empty()) {
        return Err(client_exception(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    unsupported::check(content, for_fargate)?;
    if for_fargate { fargate(content, containers) } else { Ok(()) }
}

fn fargate(content: &Map<String, Value>, containers: &[ContainerDefinition]) -> Result<(), Fault> {
    let text = |member: &str| content.get(member).and_then(Value::as_str);
    if text("networkMode") != Some("awsvpc") {
        return Err(client_exception("Fargate only supports network mode \u{2018}awsvpc\u{2019}."));
    }
    if let Some(mode) = text("pidMode").filter(|mode| *mode != "task") {
        return Err(client_exception(format!(
            "Tasks using the Fargate launch type do not support pidMode '{mode}'. The supported value for pidMode is 'task'."
        )));
    }
    let Some(cpu) = text("cpu") else {
        return Err(client_exception("Fargate requires that 'cpu' be defined at the task level."));
    };
    let Some(memory) = text("memory") else {
        return Err(client_exception("Fargate requires that 'memory' be defined at the task level."));
    };
    check_size(cpu, memory)?;
    let storage = content.get("ephemeralStorage").and_then(|storage| storage.get("sizeInGiB")?.as_u64());
    if storage.is_some_and(|size| !(21..=200).contains(&size)) {
        return Err(client_exception("The ephemeral storage size must be between 21 and 200 GiB."));
    }
    let logs_to = |container: &ContainerDefinition, driver: &str| {
        container.log_configuration.as_ref().is_some_and(|configuration| configuration.log_driver == driver)
    };
    if text("executionRoleArn").is_none() && containers.iter().any(|container| logs_to(container, "awslogs")) {
        return Err(client_exception(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    for container in containers {
        let driver = container.log_configuration.as_ref().map(|configuration| configuration.log_driver.as_str());
        if let Some(other) = driver.filter(|driver| !["awslogs", "splunk", "awsfirelens"].contains(driver)) {
            return Err(client_exception(format!("Log driver {other} is not supported by Fargate.")));
        }
        if container.stop_timeout.is_some_and(|seconds| seconds > MAX_STOP_TIMEOUT) {
            return Err(client_exception(format!(
                "Invalid 'stopTimeout' setting for container '{}'. Fargate supports at most {MAX_STOP_TIMEOUT} seconds.",
                container.name
            )));
        }
    }
    Ok(())
}

/// Checks that Fargate has the combination of CPU and memory.
pub(in crate::services::ecs) fn check_size(cpu: &str, memory: &str) -> Result<(), Fault> {
    let is_match = |(units, from, to, step): &(u32, u32, u32, u32)| {
        parse_size(cpu, "cpu") == Some(*units)
            && parse_size(memory, "memory")
                .is_some_and(|memory| (*from..=*to).contains(&memory) && (memory - from).is_multiple_of(*step))
    };
    let known = FARGATE_SIZES.iter().any(is_match);
    if known { Ok(()) } else { Err(client_exception("No Fargate configuration exists for given values.")) }
}

/// `256`, `.25 vCPU`, `512`, `0.5 GB`: the number in CPU units or MiB.
pub(in crate::services::ecs) fn parse_size(text: &str, member: &str) -> Option<u32> {
    let unit = if member == "cpu" { "vcpu" } else { "gb" };
    let lower = text.to_lowercase();
    let Some(number) = lower.trim().strip_suffix(unit) else { return text.trim().parse().ok() };
    let units = number.trim().parse::<f64>().ok()? * 1024.0;
    // Sizes are at most six digits; anything else fits no row of the table.
    format!("{units:.0}").parse().ok()
}

fn memory_missing(content: &Map<String, Value>, container: &ContainerDefinition) -> bool {
    !content.contains_key("memory") && container.memory.is_none() && container.memory_reservation.is_none()
}

fn memory(content: &Map<String, Value>, container: &ContainerDefinition) -> Result<(), Fault> {
    let ContainerDefinition { name, cpu, memory, memory_reservation, .. } = container;
    if let (Some(hard), Some(soft)) = (memory, memory_reservation)
        && soft > hard
    {
        return Err(client_exception(format!(
            "Invalid setting for container '{name}'. 'memoryReservation' must be less than or equal to 'memory'."
        )));
    }
    let of_task = |member: &str| content.get(member).and_then(Value::as_str).and_then(|text| parse_size(text, member));
    for (member, own) in [("cpu", Some(*cpu)), ("memory", *memory), ("memory", *memory_reservation)] {
        if let (Some(own), Some(all)) = (own, of_task(member))
            && own > all
        {
            return Err(client_exception(format!(
                "Invalid '{member}' setting for container '{name}'. It is more than the {all} of the task."
            )));
        }
    }
    Ok(())
}

fn ports(content: &Map<String, Value>, mode: Option<&str>) -> Result<(), Fault> {
    let list = content.get("containerDefinitions").and_then(Value::as_array);
    let mappings =
        list.into_iter().flatten().filter_map(|container| container.get("portMappings")?.as_array()).flatten();
    let mut taken = BTreeSet::new();
    for mapping in mappings {
        let number = |member: &str| mapping.get(member).and_then(Value::as_u64);
        let (container, host) = (number("containerPort"), number("hostPort"));
        for port in [container, host].into_iter().flatten() {
            if port > 65_535 {
                return Err(client_exception(format!(
                    "Invalid port mapping: the port {port} is not between 0 and 65535."
                )));
            }
        }
        if !matches!(mode, Some("awsvpc" | "host")) {
            continue;
        }
        if host.is_some_and(|host| host != 0 && Some(host) != container) {
            let mode = mode.unwrap_or_default();
            return Err(client_exception(format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            )));
        }
        let protocol = mapping.get("protocol").and_then(Value::as_str).unwrap_or("tcp");
        if container.is_some_and(|port| !taken.insert((port, protocol))) {
            return Err(client_exception(format!(
                "The port {} is mapped more than once.",
                container.unwrap_or_default()
            )));
        }
    }
    Ok(())
}

/// Ranges of the API reference's `HealthCheck`.
fn health_check(check: &HealthCheck) -> Result<(), Fault> {
    let kind = check.command.first().map(String::as_str);
    if !matches!(kind, Some("CMD" | "CMD-SHELL" | "NONE")) {
        return Err(client_exception("Health check command must begin with CMD, CMD-SHELL or NONE."));
    }
    for (name, value, range) in [
        ("interval", check.interval, 5..=300),
        ("timeout", check.timeout, 2..=120),
        ("retries", check.retries, 1..=10),
        ("startPeriod", check.start_period, 0..=300),
    ] {
        if !range.contains(&value) {
            return Err(client_exception(format!(
                "Health check {name} must be between {} and {}.",
                range.start(),
                range.end()
            )));
        }
    }
    Ok(())
}

fn dependencies(containers: &[ContainerDefinition]) -> Result<(), Fault> {
    for container in containers {
        for dependency in &container.depends_on {
            let (name, on) = (&container.name, &dependency.container_name);
            let Some(other) = containers.iter().find(|other| other.name == *on) else {
                return Err(client_exception(format!(
                    "Container '{name}' depends on the container '{on}', which does not exist."
                )));
            };
            if matches!(dependency.condition, ContainerCondition::Complete | ContainerCondition::Success)
                && other.essential
            {
                return Err(client_exception(format!(
                    "Container '{name}' cannot wait for the end of the container '{on}', because that one is essential."
                )));
            }
            if dependency.condition == ContainerCondition::Healthy && other.health_check.is_none() {
                return Err(client_exception(format!(
                    "Container '{name}' cannot wait for the health of the container '{on}', which has no health check."
                )));
            }
        }
    }
    if is_unresolvable(containers) {
        return Err(client_exception("The dependencies of the containers are circular."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_numbers_or_have_a_unit() {
        assert_eq!(super::parse_size("256", "cpu"), Some(256));
        assert_eq!(super::parse_size(".25 vCPU", "cpu"), Some(256));
        assert_eq!(super::parse_size("0.5 GB", "memory"), Some(512));
        assert_eq!(super::parse_size("much", "memory"), None);
    }
}
