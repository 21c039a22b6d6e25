//! A container as the arguments of an engine's `create`. Pure.
//!
//! Values are always part of one argument with their flag (`--user=…`), so that none can be taken for a flag.

use super::network::PublishedPort;
use super::{Capabilities, EngineKind, Network, NetworkOptions};

/// The minimum of Linux's CPU shares. ECS uses it for containers without `cpu` (API reference, `ContainerDefinition`).
const MIN_SHARES: u32 = 2;

/// What a container is created with, in addition to its image, its environment and what every container gets.
#[derive(Debug, Clone, Default)]
pub(crate) struct ContainerOptions {
    /// What replaces the image's entry point.
    pub entry_point: Vec<String>,
    /// What replaces the image's command.
    pub command: Vec<String>,
    /// The user, and after a colon the group.
    pub user: Option<String>,
    pub working_directory: Option<String>,
    /// Whether the root file system is read-only.
    pub read_only: bool,
    /// Whether standard input stays open.
    pub interactive: bool,
    /// Whether it gets a terminal.
    pub tty: bool,
    /// Whether an init process collects orphans.
    pub init: bool,
    /// The host name; the task's if left out.
    pub host_name: Option<String>,
    pub network: NetworkOptions,
    /// Name servers.
    pub dns_servers: Vec<String>,
    /// Domains that host names are looked up in.
    pub dns_search: Vec<String>,
    /// Host names and their addresses.
    pub extra_hosts: Vec<(String, String)>,
    /// Kernel parameters and their values.
    pub sysctls: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
    /// Limits of its processes.
    pub ulimits: Vec<Ulimit>,
    /// The size of `/dev/shm` in MiB.
    pub shared_memory: Option<u32>,
    /// Mounts in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// Capabilities that it gets in addition to the engine's defaults.
    pub added_capabilities: Vec<String>,
    /// Capabilities of the engine's defaults that it does not get.
    pub dropped_capabilities: Vec<String>,
    /// The paths of its volumes, which are empty at its start and removed with it.
    pub volumes: Vec<String>,
    /// Its share of CPU time relative to others, in CPU units.
    pub cpu_shares: Option<u32>,
    /// The CPU time that it gets at most, in CPU units.
    pub cpu_limit: Option<u32>,
    /// The memory that it gets at most, in MiB.
    pub memory: Option<u32>,
    /// The memory that it is guaranteed, in MiB.
    pub memory_reservation: Option<u32>,
}

/// A limit of a container's processes.
#[derive(Debug, Clone)]
pub(crate) struct Ulimit {
    /// Such as `nofile`.
    pub name: String,
    /// The soft limit.
    pub soft: i64,
    /// The hard limit.
    pub hard: i64,
}

/// A mount in memory.
#[derive(Debug, Clone)]
pub(crate) struct Tmpfs {
    /// Where.
    pub path: String,
    /// Its size in MiB.
    pub size: u32,
    /// Mount options.
    pub options: Vec<String>,
}

/// The arguments after `create`, up to and including the image and its command. The names are those of the container, of its image and of
/// the task's host.
pub(crate) fn create_arguments(
    options: &ContainerOptions,
    engine: EngineKind,
    capabilities: &Capabilities,
    (name, image, host_name): (&str, &str, &str),
    network: &Network,
) -> Vec<String> {
    let mut arguments = vec![format!("--name={name}")];
    arguments.extend(process_flags(options, engine));
    arguments.extend(system_flags(options));
    arguments.extend(network_flags(network, options.host_name.as_deref().unwrap_or(host_name)));
    arguments.extend(limit_flags(options, capabilities));
    arguments.extend(options.volumes.iter().map(|path| format!("--volume={path}")));
    let (program, rest) = match options.entry_point.split_first() {
        Some((program, rest)) => (Some(program), rest),
        None => (None, &[][..]),
    };
    arguments.extend(program.map(|program| format!("--entrypoint={program}")));
    arguments.push(image.to_owned());
    arguments.extend_from_slice(rest);
    arguments.extend_from_slice(&options.command);
    arguments
}

fn process_flags(options: &ContainerOptions, engine: EngineKind) -> Vec<String> {
    let mut flags = Vec::new();
    flags.extend(options.user.as_ref().map(|user| format!("--user={user}")));
    flags.extend(options.working_directory.as_ref().map(|path| format!("--workdir={path}")));
    if options.read_only {
        flags.extend(engine.read_only_flags().iter().map(|flag| (*flag).to_owned()));
    }
    let switches = [(options.interactive, "--interactive"), (options.tty, "--tty"), (options.init, "--init")];
    flags.extend(switches.into_iter().filter(|(is_on, _)| *is_on).map(|(_, flag)| flag.to_owned()));
    flags
}

fn system_flags(options: &ContainerOptions) -> Vec<String> {
    let mut flags = Vec::new();
    flags.extend(options.dns_servers.iter().map(|address| format!("--dns={address}")));
    flags.extend(options.dns_search.iter().map(|domain| format!("--dns-search={domain}")));
    flags.extend(options.extra_hosts.iter().map(|(name, address)| format!("--add-host={name}:{address}")));
    flags.extend(options.sysctls.iter().map(|(name, value)| format!("--sysctl={name}={value}")));
    flags.extend(options.labels.iter().map(|(name, value)| format!("--label={name}={value}")));
    flags.extend(options.ulimits.iter().map(|Ulimit { name, soft, hard }| format!("--ulimit={name}={soft}:{hard}")));
    flags.extend(options.shared_memory.map(|size| format!("--shm-size={size}m")));
    flags.extend(options.added_capabilities.iter().map(|name| format!("--cap-add={name}")));
    flags.extend(options.dropped_capabilities.iter().map(|name| format!("--cap-drop={name}")));
    flags.extend(options.tmpfs.iter().map(|Tmpfs { path, size, options }| {
        let options: String = options.iter().flat_map(|option| [",", option]).collect();
        format!("--tmpfs={path}:size={size}m{options}")
    }));
    flags
}

fn network_flags(network: &Network, host_name: &str) -> Vec<String> {
    match network {
        Network::None => vec!["--network=none".to_owned()],
        Network::Host => vec!["--network=host".to_owned()],
        Network::Of(other) => vec![format!("--network=container:{other}")],
        Network::Own(published) => {
            let publish = |PublishedPort { host, container }: &PublishedPort| {
                format!("--publish=127.0.0.1:{host}:{}/{}", container.port, container.protocol)
            };
            let name = Some(host_name).filter(|name| !name.is_empty()).map(|name| format!("--hostname={name}"));
            name.into_iter().chain(published.iter().map(publish)).collect()
        }
    }
}

/// The limits that the engine can enforce here, and those that every container has.
fn limit_flags(options: &ContainerOptions, capabilities: &Capabilities) -> Vec<String> {
    let mut flags = Vec::new();
    if capabilities.limits_cpu {
        flags.push(format!("--cpu-shares={}", options.cpu_shares.unwrap_or_default().max(MIN_SHARES)));
        #[expect(clippy::cast_precision_loss, reason = "a number of processors")]
        let processors = capabilities.cpus as f64;
        flags.extend(options.cpu_limit.map(|units| format!("--cpus={}", (f64::from(units) / 1024.0).min(processors))));
    }
    if capabilities.limits_memory {
        // The limit of memory and swap together equals that of memory: Fargate has no swap.
        let limits = |memory: u32| [format!("--memory={memory}m"), format!("--memory-swap={memory}m")];
        flags.extend(options.memory.into_iter().flat_map(limits));
        flags.extend(options.memory_reservation.map(|memory| format!("--memory-reservation={memory}m")));
    }
    let defaults = [("nofile", Some(capabilities.open_files)), ("nproc", capabilities.processes)];
    let missing = defaults.into_iter().filter(|(name, _)| !options.ulimits.iter().any(|own| own.name == *name));
    flags.extend(missing.filter_map(|(name, limit)| limit.map(|limit| format!("--ulimit={name}={limit}:{limit}"))));
    flags
}
