//! A container definition as the arguments of an engine's `create`. Pure.
//!
//! Every member of a container definition is a row of [`MEMBERS`] or is refused by its name: a container never runs with
//! less than its definition asks for. Values from requests are always part of one argument with their flag (`--user=…`),
//! so that none can be taken for a flag.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::parameters::linux_parameters;
use crate::process::engine::{Facts, Kind};

/// What the definition does not say.
#[derive(Debug, Clone)]
pub(super) struct Given<'a> {
    pub(super) kind: Kind,
    pub(super) facts: &'a Facts,
    /// The container's name in the engine.
    pub(super) name: &'a str,
    /// The image as the engine knows it.
    pub(super) image: &'a str,
    /// The task's name for itself.
    pub(super) host_name: &'a str,
    /// The task's size, if it has one: CPU units and MiB.
    pub(super) task_cpu: Option<u32>,
    pub(super) task_memory: Option<u32>,
    pub(super) network: &'a Network,
    pub(super) labels: &'a [(&'a str, String)],
    /// The task's volumes that are empty at its start and in which only this container is interested.
    pub(super) scratch: &'a BTreeSet<String>,
}

/// A container's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Network {
    /// Its own, with ports of it published on this machine's loopback address.
    Own(Vec<Published>),
    /// That of another container of its task.
    Of(String),
    /// This machine's.
    Host,
    /// None at all.
    None,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) host: u16,
    pub(super) container: u16,
    pub(super) protocol: String,
}

/// What becomes of a member.
enum Member {
    /// Flags of its own.
    Flags(fn(&Value, Kind) -> Result<Vec<String>, String>),
    /// Flags that depend on more than the member: below.
    Below,
    /// It is no matter of the engine's.
    Elsewhere,
}

use Member::{Below, Elsewhere, Flags};

/// The members of a container definition that are honoured (ECS API reference, `ContainerDefinition`).
const MEMBERS: &[(&str, Member)] = &[
    ("name", Elsewhere),
    ("image", Below),
    ("cpu", Below),
    ("memory", Below),
    ("memoryReservation", Below),
    ("portMappings", Elsewhere),
    ("essential", Elsewhere),
    ("entryPoint", Below),
    ("command", Below),
    ("environment", Elsewhere),
    ("secrets", Elsewhere),
    ("mountPoints", Below),
    ("dependsOn", Elsewhere),
    ("startTimeout", Elsewhere),
    ("stopTimeout", Elsewhere),
    ("versionConsistency", Elsewhere),
    ("hostname", Below),
    ("disableNetworking", Below),
    ("logConfiguration", Elsewhere),
    ("healthCheck", Elsewhere),
    ("linuxParameters", Flags(|value, _| linux_parameters(value))),
    ("user", Flags(|value, _| one("--user", value))),
    ("workingDirectory", Flags(|value, _| one("--workdir", value))),
    ("readonlyRootFilesystem", Flags(|_, kind| Ok(read_only(kind)))),
    ("interactive", Flags(|_, _| Ok(vec!["--interactive".to_owned()]))),
    ("pseudoTerminal", Flags(|_, _| Ok(vec!["--tty".to_owned()]))),
    ("dnsServers", Flags(|value, _| each("--dns", value, String::clone))),
    ("dnsSearchDomains", Flags(|value, _| each("--dns-search", value, String::clone))),
    (
        "extraHosts",
        Flags(|value, _| each("--add-host", value, |host: &Host| format!("{}:{}", host.hostname, host.ip_address))),
    ),
    (
        "systemControls",
        Flags(|value, _| each("--sysctl", value, |one: &SystemControl| format!("{}={}", one.namespace, one.value))),
    ),
    ("dockerLabels", Flags(|value, _| labels(value))),
    (
        "ulimits",
        Flags(|value, _| {
            each("--ulimit", value, |one: &Ulimit| format!("{}={}:{}", one.name, one.soft_limit, one.hard_limit))
        }),
    ),
];

/// The arguments after `create`, up to and with the image and its command.
///
/// # Errors
/// Names the member that is not honoured, or cannot be read.
pub(super) fn arguments(definition: &Map<String, Value>, given: &Given<'_>) -> Result<Vec<String>, String> {
    let mut arguments = vec![format!("--name={}", given.name)];
    for (name, value) in definition.iter().filter(|(_, value)| asks_for_something(value)) {
        match MEMBERS.iter().find(|(known, _)| known == name) {
            Some((_, Flags(turn))) => {
                arguments.extend(turn(value, given.kind).map_err(|error| format!("{name}: {error}"))?);
            }
            Some((_, Below | Elsewhere)) => {}
            None => return Err(format!("{name} is not served with containers in the sandbox")),
        }
    }
    arguments.extend(given.labels.iter().map(|(name, value)| format!("--label={name}={value}")));
    arguments.extend(network(definition, given));
    arguments.extend(limits(definition, given)?);
    arguments.extend(volumes(definition, given)?);
    let entry_point: Vec<String> = member(definition, "entryPoint")?.unwrap_or_default();
    let (program, rest) = entry_point.split_first().map_or((None, &[][..]), |(program, rest)| (Some(program), rest));
    arguments.extend(program.map(|program| format!("--entrypoint={program}")));
    arguments.push(given.image.to_owned());
    arguments.extend_from_slice(rest);
    arguments.extend(member::<Vec<String>>(definition, "command")?.unwrap_or_default());
    Ok(arguments)
}

/// ECS shows members at their defaults too; these ask for nothing.
pub(super) fn asks_for_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => members.values().any(asks_for_something),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// A value as the type that it has in ECS's API.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

fn member<T: DeserializeOwned>(definition: &Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    let value = definition.get(name).filter(|value| !value.is_null());
    value.map(read).transpose().map_err(|error| format!("{name}: {error}"))
}

fn one(flag: &str, value: &Value) -> Result<Vec<String>, String> {
    Ok(vec![format!("{flag}={}", read::<String>(value)?)])
}

/// A flag for every item of a list.
pub(super) fn each<T: DeserializeOwned>(
    flag: &str,
    value: &Value,
    text: fn(&T) -> String,
) -> Result<Vec<String>, String> {
    Ok(read::<Vec<T>>(value)?.iter().map(|item| format!("{flag}={}", text(item))).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Host {
    hostname: String,
    ip_address: String,
}

#[derive(Deserialize)]
struct SystemControl {
    namespace: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ulimit {
    name: String,
    soft_limit: i64,
    hard_limit: i64,
}

/// Podman would leave /tmp and the like writable.
fn read_only(kind: Kind) -> Vec<String> {
    let mut flags = vec!["--read-only".to_owned()];
    flags.extend((kind == Kind::Podman).then(|| "--read-only-tmpfs=false".to_owned()));
    flags
}

fn labels(value: &Value) -> Result<Vec<String>, String> {
    let labels: Map<String, Value> = read(value)?;
    let flag = |(name, value): (&String, &Value)| {
        let reserved = ["ecsws.", "com.amazonaws.ecs."].iter().any(|prefix| name.starts_with(prefix));
        if reserved {
            return Err(format!("the label {name} is reserved"));
        }
        Ok(format!("--label={name}={}", read::<String>(value)?))
    };
    labels.iter().map(flag).collect()
}

fn network(definition: &Map<String, Value>, given: &Given<'_>) -> Vec<String> {
    let own_name = definition.get("hostname").and_then(Value::as_str).unwrap_or(given.host_name);
    let off = definition.get("disableNetworking") == Some(&Value::Bool(true));
    match given.network {
        _ if off => vec!["--network=none".to_owned()],
        Network::None => vec!["--network=none".to_owned()],
        Network::Host => vec!["--network=host".to_owned()],
        Network::Of(other) => vec![format!("--network=container:{other}")],
        Network::Own(published) => {
            let publish = |Published { host, container, protocol }: &Published| {
                format!("--publish=127.0.0.1:{host}:{container}/{protocol}")
            };
            let name = Some(own_name).filter(|name| !name.is_empty()).map(|name| format!("--hostname={name}"));
            name.into_iter().chain(published.iter().map(publish)).collect()
        }
    }
}

/// The least share of CPU time that Linux knows, which ECS gives a container that asks for none (`ContainerDefinition`, "cpu").
const LEAST_SHARES: u32 = 2;

/// CPU and memory as on Fargate: a container's `cpu` is its share among the task's containers, the task's size is what none
/// of them gets beyond; and the limits that every container has.
fn limits(definition: &Map<String, Value>, given: &Given<'_>) -> Result<Vec<String>, String> {
    let Given { facts, task_cpu, task_memory, .. } = given;
    let mut flags = Vec::new();
    if facts.limits_cpu {
        let shares = member::<u32>(definition, "cpu")?.unwrap_or_default().max(LEAST_SHARES);
        flags.push(format!("--cpu-shares={shares}"));
        #[expect(clippy::cast_precision_loss, reason = "a number of processors")]
        let most = facts.cpus as f64;
        flags.extend(task_cpu.map(|units| format!("--cpus={}", (f64::from(units) / 1024.0).min(most))));
    }
    if facts.limits_memory {
        let memory = member::<u32>(definition, "memory")?.or(*task_memory);
        // With as much swap as memory, which is none beside it: Fargate has no swap.
        flags.extend(
            memory.into_iter().flat_map(|memory| [format!("--memory={memory}m"), format!("--memory-swap={memory}m")]),
        );
        let reserved = member::<u32>(definition, "memoryReservation")?;
        flags.extend(reserved.map(|memory| format!("--memory-reservation={memory}m")));
    }
    let own: Vec<Ulimit> = member(definition, "ulimits")?.unwrap_or_default();
    let defaults = [("nofile", Some(facts.open_files)), ("nproc", facts.processes)];
    let missing = defaults.into_iter().filter(|(name, _)| !own.iter().any(|one| one.name == *name));
    flags.extend(missing.filter_map(|(name, limit)| limit.map(|limit| format!("--ulimit={name}={limit}:{limit}"))));
    Ok(flags)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MountPoint {
    source_volume: String,
    container_path: String,
    #[serde(default)]
    read_only: bool,
}

/// A volume that only this container sees is one that the engine makes with it and takes away with it.
fn volumes(definition: &Map<String, Value>, given: &Given<'_>) -> Result<Vec<String>, String> {
    let points: Vec<MountPoint> = member(definition, "mountPoints")?.unwrap_or_default();
    let flag = |MountPoint { source_volume, container_path, read_only }: MountPoint| {
        if read_only || !given.scratch.contains(&source_volume) {
            return Err(format!(
                "mountPoints: the volume {source_volume} is not served with containers in the sandbox: only one that is empty and \
                 written by one container is"
            ));
        }
        if !container_path.starts_with('/') || container_path.contains(':') {
            return Err(format!("mountPoints: {container_path} is no path"));
        }
        Ok(format!("--volume={container_path}"))
    };
    points.into_iter().map(flag).collect()
}
