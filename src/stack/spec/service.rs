//! Reads `[services.NAME]`.

use indexmap::IndexMap;
use toml::de::DeValue;

use super::{
    CdkVersion, ContainerDefinition, LogGroupSpec, Service, autoscaling, container, deployment, logs, task_policy,
};
use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::construct::pascal_case;
use crate::stack::reader::{Entry, Invalid, Table, Validated};

/// Subcommands of `ecsws logs`.
const RESERVED_KEYS: &[&str] = &["groups", "streams", "tail"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Compatibility {
    Ec2,
    Fargate,
}

const COMPATIBILITIES: &[(&str, Compatibility)] = &[("EC2", Compatibility::Ec2), ("FARGATE", Compatibility::Fargate)];

/// Fargate's platform versions for Linux.
const PLATFORM_VERSIONS: &[(&str, &str)] = &[
    ("LATEST", "LATEST"),
    ("1.4.0", "1.4.0"),
    ("1.3.0", "1.3.0"),
    ("1.2.0", "1.2.0"),
    ("1.1.0", "1.1.0"),
    ("1.0.0", "1.0.0"),
];

pub(super) fn read_all(services: &Table<'_, '_>, cdk_version: CdkVersion) -> IndexMap<String, Service> {
    let entries = services.entries();
    if entries.is_empty() {
        services.report_table(Diagnostic::new("has no service").hint("add a [services.NAME] table"));
    }
    let read = |entry: Entry<'_, '_>| {
        check_key(services, &entry);
        let table = services.table_of(services.join(entry.key), entry.value)?;
        Some((entry.key.to_owned(), service(table, entry.key, cdk_version)?))
    };
    entries.into_iter().filter_map(read).collect()
}

fn check_key(services: &Table<'_, '_>, entry: &Entry<'_, '_>) {
    if RESERVED_KEYS.contains(&entry.key) {
        let diagnostic = Diagnostic::new(format!("cannot be a service: `ecsws logs {}` is a subcommand", entry.key));
        services.report_key(entry, diagnostic.hint("choose another key; `stack` and `name` can stay"));
    } else if let Err(diagnostic) = check::SERVICE_KEY.check(entry.key) {
        services.report_key(entry, diagnostic);
    }
}

fn service(table: Table<'_, '_>, key: &str, cdk_version: CdkVersion) -> Option<Service> {
    let stack = stack_name(&table, key);
    let id = construct_id(&table, "id", cdk_version, || format!("{}FargateService", pascal_case(key)));
    let task_id = construct_id(&table, "task_id", cdk_version, || "TaskDef".to_owned());
    let name = table.optional("name", |value| check::SERVICE_NAME.rule(value));
    let (cpu, memory) = size(&table);
    let ec2_compatible = table.optional("compatibility", compatibility);
    let discovery = table.optional("discovery", discovery_name);
    let public_ip = table.optional("public_ip", check::boolean);
    let platform_version = table.optional("platform_version", check::one_of(PLATFORM_VERSIONS));
    let exec = table.optional("exec", check::boolean);
    let container = container(&table, key, memory, cdk_version);
    let logs = logs::read(table.table("logs"), &stack, cdk_version);
    let deployment = deployment::read(table.table("deployment"));
    let task_policy = task_policy::read(table.tables("task_policy"), exec.unwrap_or(false), cdk_version);
    let autoscaling = table.table("autoscaling").map(autoscaling::read);
    let count = count(&table, autoscaling.as_ref().and_then(Option::as_ref));
    for (what, key, name) in [("service", "name", &name), ("Cloud Map service", "discovery", &discovery)] {
        if let Some(name) = name {
            table.claim_unique(what, key, name);
        }
    }
    distinct_ids(&table, &id, &task_id, &logs.group);
    table.finish();
    Some(Service {
        stack,
        id,
        task_id,
        name,
        cpu: cpu?,
        memory: memory?,
        count,
        ec2_compatible: ec2_compatible.unwrap_or(false),
        discovery,
        public_ip: public_ip.unwrap_or(false),
        platform_version: platform_version.map(str::to_owned),
        exec: exec.unwrap_or(false),
        container: container?,
        logs,
        deployment,
        task_policy,
        autoscaling: autoscaling.flatten(),
    })
}

fn stack_name(table: &Table<'_, '_>, key: &str) -> String {
    let default = format!("ecsworkshop-{key}");
    let stack = if table.contains_key("stack") {
        table.optional("stack", |value| check::STACK_NAME.rule(value)).unwrap_or(default)
    } else {
        if check::SERVICE_KEY.check(key).is_ok() && check::STACK_NAME.check(&default).is_err() {
            let diagnostic =
                Diagnostic::new(format!("would be {}, which is not a stack name", check::quoted(&default)));
            table.report("stack", diagnostic.hint("give the service a `stack` of letters, digits and hyphens"));
        }
        default
    };
    table.claim_unique("stack", "stack", &stack);
    stack
}

fn construct_id(
    table: &Table<'_, '_>,
    key: &'static str,
    cdk_version: CdkVersion,
    default: impl Fn() -> String,
) -> String {
    if table.contains_key(key) {
        return table.optional(key, check::leading_construct_id(cdk_version)).unwrap_or_else(default);
    }
    let id = default();
    if !id.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        let diagnostic =
            Diagnostic::new(format!("would be {}, and a logical id starts with a letter", check::quoted(&id)));
        table.report(key, diagnostic.hint(format!("give the service an `{key}`")));
    }
    id
}

/// CPU units and memory in MiB, a combination that Fargate offers.
fn size(table: &Table<'_, '_>) -> (Option<u32>, Option<u32>) {
    let cpu = table.required("cpu", "add cpu = 256", check::cpu);
    let memory = table.required("memory", "add memory = 512", check::integer("memory", 1..=u32::MAX));
    if let (Some(cpu), Some(memory)) = (cpu, memory)
        && let Some((_, sizes)) = check::FARGATE_SIZES.iter().find(|(size, _)| *size == cpu)
        && !sizes.contains(&memory)
    {
        let diagnostic = Diagnostic::new(format!("is {memory}, which Fargate does not offer with cpu {cpu}"));
        table.report("memory", diagnostic.hint(format!("with cpu {cpu}, memory is {}", check::memory_choices(sizes))));
    }
    (cpu, memory)
}

/// Whether the task definition is also compatible with EC2. It must be compatible with Fargate.
fn compatibility(value: &DeValue<'_>) -> Result<bool, Invalid> {
    let kinds = check::list(check::one_of(COMPATIBILITIES))(value)?;
    let hint = "write [\"FARGATE\"] or [\"EC2\", \"FARGATE\"]";
    if !kinds.contains(&Compatibility::Fargate) {
        return Err(Diagnostic::new("lacks FARGATE, which the service runs on").hint(hint).into());
    }
    if kinds.len() > COMPATIBILITIES.len() || kinds == [Compatibility::Fargate; 2] {
        return Err(Diagnostic::new("has the same value twice").hint(hint).into());
    }
    Ok(kinds.contains(&Compatibility::Ec2))
}

fn discovery_name(value: &DeValue<'_>) -> Validated<String> {
    let name = check::DISCOVERY_NAME.rule(value)?;
    if check::is_dns_name(&name) { Ok(name) } else { Err(check::not_a_dns_name(&name)) }
}

fn container(
    table: &Table<'_, '_>,
    key: &str,
    task_memory: Option<u32>,
    cdk_version: CdkVersion,
) -> Option<ContainerDefinition> {
    if !table.contains_key("container") {
        let diagnostic =
            Diagnostic::new("is missing").hint(format!("add a [{}] table with an image", table.join("container")));
        table.report("container", diagnostic);
        return None;
    }
    container::read(table.table("container")?, key, task_memory, cdk_version)
}

/// The desired count: 1 by default, or `None` with autoscaling.
fn count(table: &Table<'_, '_>, autoscaling: Option<&super::Autoscaling>) -> Option<u32> {
    let count = table.optional("count", check::integer("a count", 0..=super::MAX_TASKS_PER_SERVICE));
    if let (Some(count), Some(super::Autoscaling { min, max, .. })) = (count, autoscaling)
        && !(*min..=*max).contains(&count)
    {
        let warning = Diagnostic::new(format!("is {count}, outside of autoscaling's {min} to {max}"));
        table.warn(
            "count",
            warning.hint("autoscaling will correct it after the deploy; leave count out to let it decide"),
        );
    }
    count.or(if table.contains_key("autoscaling") { None } else { Some(1) })
}

/// Sibling constructs must have distinct ids.
fn distinct_ids(table: &Table<'_, '_>, id: &str, task_id: &str, group: &LogGroupSpec) {
    let log_id = match group {
        LogGroupSpec::Explicit { id, .. } => Some(id.as_str()),
        LogGroupSpec::Implicit => None,
    };
    if id == task_id {
        table.report(
            "task_id",
            Diagnostic::new(format!("is {}, the same as the service's `id`", check::quoted(task_id)))
                .hint("choose another one"),
        );
    }
    if log_id == Some(id) || log_id == Some(task_id) {
        let message = format!(
            "has the id {}, which another construct of the service already uses",
            check::quoted(log_id.unwrap_or_default())
        );
        table.report("logs", Diagnostic::new(message).hint("give the log group its own `id`"));
    }
}
