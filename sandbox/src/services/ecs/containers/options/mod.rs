//! A container definition as the options that an engine creates a container with. Pure.
//!
//! Every member of a container definition is a row of [`MEMBERS`] or is refused by its name: a container never runs
//! without a part of its definition.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::overrides;
use crate::process::container_engine::{
    ContainerOptions, ContainerPort, NetworkMode, NetworkOptions, TaskNetwork, TaskOptions, Ulimit,
};
use crate::services::ecs::definitions::parse_size;
use crate::services::ecs::model::{ContainerDefinition, PortMapping, Task, TaskDefinition};

mod linux_parameters;
#[cfg(test)]
mod tests;

type Apply = fn(&Value, &mut ContainerOptions) -> Result<(), String>;

/// How a member of a container definition is used.
enum MemberUse {
    /// It sets an option.
    Sets(Apply),
    /// It is read elsewhere, or concerns something else than the engine.
    Elsewhere,
}

use MemberUse::{Elsewhere, Sets};

/// The members of a container definition that are honoured (ECS API reference, `ContainerDefinition`).
const MEMBERS: &[(&str, MemberUse)] = &[
    ("name", Elsewhere),
    ("image", Elsewhere),
    ("cpu", Sets(|value, options| set(value, &mut options.cpu_shares))),
    ("memory", Sets(|value, options| set(value, &mut options.memory))),
    ("memoryReservation", Sets(|value, options| set(value, &mut options.memory_reservation))),
    ("portMappings", Elsewhere),
    ("essential", Elsewhere),
    ("entryPoint", Sets(|value, options| replace(value, &mut options.entry_point))),
    ("command", Sets(|value, options| replace(value, &mut options.command))),
    ("environment", Elsewhere),
    ("secrets", Elsewhere),
    ("mountPoints", Elsewhere),
    ("dependsOn", Elsewhere),
    ("startTimeout", Elsewhere),
    ("stopTimeout", Elsewhere),
    ("versionConsistency", Elsewhere),
    ("hostname", Sets(|value, options| set(value, &mut options.host_name))),
    ("disableNetworking", Sets(|value, options| disable_networking(value, &mut options.network))),
    ("logConfiguration", Elsewhere),
    ("healthCheck", Elsewhere),
    ("linuxParameters", Sets(linux_parameters::parameters)),
    ("user", Sets(|value, options| set(value, &mut options.user))),
    ("workingDirectory", Sets(|value, options| set(value, &mut options.working_directory))),
    ("readonlyRootFilesystem", Sets(|value, options| replace(value, &mut options.read_only))),
    ("interactive", Sets(|value, options| replace(value, &mut options.interactive))),
    ("pseudoTerminal", Sets(|value, options| replace(value, &mut options.tty))),
    ("dnsServers", Sets(|value, options| replace(value, &mut options.dns_servers))),
    ("dnsSearchDomains", Sets(|value, options| replace(value, &mut options.dns_search))),
    ("extraHosts", Sets(extra_hosts)),
    ("systemControls", Sets(system_controls)),
    ("dockerLabels", Sets(labels)),
    ("ulimits", Sets(ulimits)),
];

/// Members of a task definition that would change what its containers run in.
const REFUSED: [&str; 3] = ["pidMode", "ipcMode", "proxyConfiguration"];

/// The options of a task's container, with what RunTask overrode. The containers of the task share `network`.
///
/// # Errors
/// Names the member that is not honoured, or cannot be read.
pub(super) fn container_options(
    task: &Task,
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    network: &Arc<OnceLock<TaskNetwork>>,
) -> Result<ContainerOptions, String> {
    if let Some(member) = REFUSED.iter().find(|name| definition.content.contains_key(**name)) {
        return Err(format!("{member} is not served with containers in the sandbox"));
    }
    let size = |member: &str| definition.text(member).and_then(|text| parse_size(text, member));
    let mut options = ContainerOptions {
        network: network_options(definition, container, network),
        cpu_limit: size("cpu"),
        ..ContainerOptions::default()
    };
    apply(&members(task, definition, container), &scratch_volumes(definition), &mut options)?;
    options.memory = options.memory.or_else(|| size("memory"));
    Ok(options)
}

/// Sets the options of a container definition; `scratch` are the volumes that it can mount.
fn apply(
    definition: &Map<String, Value>,
    scratch: &BTreeSet<String>,
    options: &mut ContainerOptions,
) -> Result<(), String> {
    for (name, value) in definition.iter().filter(|(_, value)| is_set(value)) {
        match MEMBERS.iter().find(|(known, _)| known == name) {
            Some((_, Sets(apply))) => apply(value, options).map_err(|error| format!("{name}: {error}"))?,
            Some((_, Elsewhere)) => {}
            None => return Err(format!("{name} is not served with containers in the sandbox")),
        }
    }
    let mounts = definition.get("mountPoints").filter(|value| !value.is_null());
    options.volumes = mounts.map_or(Ok(Vec::new()), |mounts| volumes(mounts, scratch))?;
    Ok(())
}

/// Whether a member differs from the defaults that ECS shows.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => members.values().any(is_set),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// A value as the type that it has in ECS's API.
fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

fn set<T: DeserializeOwned>(value: &Value, option: &mut Option<T>) -> Result<(), String> {
    read(value).map(|value| *option = Some(value))
}

fn replace<T: DeserializeOwned>(value: &Value, option: &mut T) -> Result<(), String> {
    read(value).map(|value| *option = value)
}

fn disable_networking(value: &Value, network: &mut NetworkOptions) -> Result<(), String> {
    if read(value)? {
        network.mode = NetworkMode::None;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostEntry {
    hostname: String,
    ip_address: String,
}

fn extra_hosts(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let hosts: Vec<HostEntry> = read(value)?;
    options.extra_hosts = hosts.into_iter().map(|host| (host.hostname, host.ip_address)).collect();
    Ok(())
}

#[derive(Deserialize)]
struct SystemControl {
    namespace: String,
    value: String,
}

fn system_controls(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let controls: Vec<SystemControl> = read(value)?;
    options.sysctls = controls.into_iter().map(|control| (control.namespace, control.value)).collect();
    Ok(())
}

fn labels(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let labels: Map<String, Value> = read(value)?;
    for (name, value) in &labels {
        if ["ecsws.", "com.amazonaws.ecs."].iter().any(|prefix| name.starts_with(prefix)) {
            return Err(format!("the label {name} is reserved"));
        }
        options.labels.push((name.clone(), read(value)?));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UlimitMember {
    name: String,
    soft_limit: i64,
    hard_limit: i64,
}

fn ulimits(value: &Value, options: &mut ContainerOptions) -> Result<(), String> {
    let limits: Vec<UlimitMember> = read(value)?;
    let ulimit = |UlimitMember { name, soft_limit, hard_limit }| Ulimit { name, soft: soft_limit, hard: hard_limit };
    options.ulimits = limits.into_iter().map(ulimit).collect();
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MountPoint {
    source_volume: String,
    container_path: String,
    #[serde(default)]
    read_only: bool,
}

/// The paths of mounted volumes. Only volumes that no other container sees are possible: the engine makes them with the container and
/// removes them with it.
fn volumes(mount_points: &Value, scratch: &BTreeSet<String>) -> Result<Vec<String>, String> {
    let points: Vec<MountPoint> = read(mount_points).map_err(|error| format!("mountPoints: {error}"))?;
    let path = |MountPoint { source_volume, container_path, read_only }: MountPoint| {
        if read_only || !scratch.contains(&source_volume) {
            return Err(format!(
                "mountPoints: the volume {source_volume} is not served with containers in the sandbox: only one that is empty and \
                 written by one container is"
            ));
        }
        if !container_path.starts_with('/') || container_path.contains(':') {
            return Err(format!("mountPoints: {container_path} is not a path"));
        }
        Ok(container_path)
    };
    points.into_iter().map(path).collect()
}

/// The container's definition as it was registered, with what RunTask overrode.
fn members(task: &Task, definition: &TaskDefinition, container: &ContainerDefinition) -> Map<String, Value> {
    let registered = list(definition.content.get("containerDefinitions")).iter();
    let registered = registered
        .filter_map(Value::as_object)
        .find(|candidate| candidate.get("name") == Some(&container.name.as_str().into()));
    let mut members = registered.cloned().unwrap_or_default();
    let overridden = overrides(task, container).next().and_then(Value::as_object).cloned().unwrap_or_default();
    members.extend(overridden.into_iter().filter(|(_, value)| !value.is_null()));
    members
}

/// The task's volumes that are empty at its start and that exactly one container mounts, once.
fn scratch_volumes(definition: &TaskDefinition) -> BTreeSet<String> {
    let containers = list(definition.content.get("containerDefinitions"));
    let mounted: Vec<&Value> = containers.iter().flat_map(|container| list(container.get("mountPoints"))).collect();
    let names = list(definition.content.get("volumes")).iter().filter_map(|volume| {
        let name = volume.get("name")?.as_str()?;
        let mut other_members = volume.as_object()?.iter().filter(|(member, _)| *member != "name");
        let is_empty = other_members.all(|(_, value)| !is_set(value));
        let mounts = mounted.iter().filter(|point| point["sourceVolume"] == name).count();
        (is_empty && mounts == 1).then(|| name.to_owned())
    });
    names.collect()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn network_options(
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    network: &Arc<OnceLock<TaskNetwork>>,
) -> NetworkOptions {
    let containers = definition.containers();
    NetworkOptions {
        mode: match definition.text("networkMode") {
            Some("none") => NetworkMode::None,
            Some("host") => NetworkMode::Host,
            Some("awsvpc") => NetworkMode::Task,
            _ => NetworkMode::Bridge,
        },
        main_port: container.main_port().map(port),
        ports: container.port_mappings.iter().map(port).collect(),
        task: TaskOptions {
            network: Arc::clone(network),
            can_own: container.essential,
            ports: containers.iter().flat_map(|container| &container.port_mappings).map(port).collect(),
            containers: containers.len(),
        },
    }
}

fn port(mapping: &PortMapping) -> ContainerPort {
    ContainerPort { port: mapping.container_port, protocol: mapping.protocol().to_owned() }
}
