//! Reads `[services.NAME.container]`.

use indexmap::IndexMap;
use toml::de::DeValue;

use super::{CdkVersion, ContainerDefinition, HealthCheck, Port, port, secret};
use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::{Table, Validated};

/// ECS's minimum memory of a container, in MiB.
const MIN_MEMORY: u32 = 4;
/// Construct ids that the task definition uses itself.
const RESERVED_IDS: &[&str] = &["Default", "ExecutionRole", "Resource", "TaskRole"];

/// `key` is the service's, `task_memory` the task's in MiB.
pub(super) fn read(
    table: Table<'_, '_>,
    key: &str,
    task_memory: Option<u32>,
    cdk_version: CdkVersion,
) -> Option<ContainerDefinition> {
    if !table.contains_key("id")
        && let Some(diagnostic) = reserved_id(key)
    {
        table.report("id", diagnostic);
    }
    let id = table.optional("id", container_id(cdk_version)).unwrap_or_else(|| key.to_owned());
    let name = table.optional("name", |value| check::CONTAINER_NAME.rule(value));
    if name.is_none()
        && let Err(diagnostic) = check::CONTAINER_NAME.check(&id)
    {
        table.report("id", diagnostic.hint("give the container a `name` of letters, digits, hyphens and underscores"));
    }
    let image = table.required("image", "add image = \"nginx\"", check::image);
    let ports = ports(&table);
    let command = table.optional("command", check::list(check::string));
    let environment = variables(&table, "environment", check::string);
    let secrets = variables(&table, "secrets", secret::rule);
    for duplicate in secrets.keys().filter(|name| environment.contains_key(*name)) {
        table.report(
            "secrets",
            Diagnostic::new(format!("has {duplicate}, which is in `environment` too")).hint("remove one of them"),
        );
    }
    let memory = memory_limits(&table, task_memory);
    let health_check = table.table("health_check").map(health_check);
    table.finish();
    Some(ContainerDefinition {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        image: image?,
        ports,
        command,
        environment,
        secrets,
        memory: memory.0,
        memory_reservation: memory.1,
        health_check: match health_check {
            Some(health_check) => Some(health_check?),
            None => None,
        },
    })
}

fn container_id(cdk_version: CdkVersion) -> impl Fn(&DeValue<'_>) -> Validated<String> {
    move |value| {
        let id = check::construct_id(cdk_version)(value)?;
        reserved_id(&id).map_or(Ok(id), Err)
    }
}

fn reserved_id(id: &str) -> Option<Diagnostic> {
    RESERVED_IDS.contains(&id).then(|| {
        Diagnostic::new(format!("is {}, which the task definition already uses", check::quoted(id)))
            .hint("choose another id; `name` can stay")
    })
}

fn ports(table: &Table<'_, '_>) -> Vec<Port> {
    let one = table.optional("port", port::read);
    let several = table.optional("ports", check::unique_list(port::read));
    if table.contains_key("port") && table.contains_key("ports") {
        table.report("ports", Diagnostic::new("and `port` are both given").hint("remove one of them"));
    }
    several.or_else(|| one.map(|port| vec![port])).unwrap_or_default()
}

fn variables<T>(
    table: &Table<'_, '_>,
    key: &'static str,
    rule: impl Fn(&DeValue<'_>) -> Validated<T>,
) -> IndexMap<String, T> {
    let Some(variables) = table.table(key) else { return IndexMap::new() };
    let mut entries = variables.entries();
    // CDK apps have the variables in a JavaScript object, which enumerates array indices first.
    entries.sort_by_key(|entry| array_index(entry.key).map_or((true, 0), |index| (false, index)));
    entries
        .into_iter()
        .filter_map(|entry| {
            if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
                variables.report_key(
                    &entry,
                    Diagnostic::new("is not a valid variable name").hint("a name is not empty and has no `=`"),
                );
            }
            Some((entry.key.to_owned(), variables.validate(entry.key, entry.value, &rule)?))
        })
        .collect()
}

/// Parses a JavaScript array index: an integer below 2³²-1 without leading zeros.
fn array_index(name: &str) -> Option<u32> {
    name.parse().ok().filter(|index: &u32| *index < u32::MAX && index.to_string() == name)
}

/// The hard and the soft memory limit, in MiB.
fn memory_limits(table: &Table<'_, '_>, task_memory: Option<u32>) -> (Option<u32>, Option<u32>) {
    let limit = |key| table.optional(key, check::integer("a container's memory", MIN_MEMORY..=u32::MAX));
    let (hard, soft) = (limit("memory"), limit("memory_reservation"));
    for (key, limit) in [("memory", hard), ("memory_reservation", soft)] {
        if let (Some(limit), Some(task)) = (limit, task_memory)
            && limit > task
        {
            let diagnostic = Diagnostic::new(format!("is {limit}, more than the task's memory, {task}"));
            table.report(key, diagnostic.hint("lower it, or raise the service's `memory`"));
        }
    }
    if let (Some(hard), Some(soft)) = (hard, soft)
        && soft > hard
    {
        let diagnostic = Diagnostic::new(format!("is {soft}, more than the hard limit, `memory` = {hard}"));
        table.report("memory_reservation", diagnostic.hint("the reservation is at most the limit"));
    }
    (hard, soft)
}

/// The ranges are those of ECS, the defaults those of the CDK.
fn health_check(table: Table<'_, '_>) -> Option<HealthCheck> {
    let hint = "add command = [\"CMD-SHELL\", \"curl -f http://localhost/ || exit 1\"]";
    let command = table.required("command", hint, |value| check::list(check::string)(value).map(health_command));
    if let Some([first]) = command.as_deref()
        && first.starts_with("CMD")
    {
        table.report(
            "command",
            Diagnostic::new(format!("has {first} and no command to run"))
                .hint(format!("add the command: [\"{first}\", \"…\"]")),
        );
    }
    let interval = table.optional("interval", check::duration("an interval", 5..=300));
    let timeout = table.optional("timeout", check::duration("a timeout", 2..=120));
    let retries = table.optional("retries", check::integer("a number of retries", 1..=10));
    let start_period = table.optional("start_period", check::duration("a start period", 0..=300));
    table.finish();
    Some(HealthCheck {
        command: command?,
        interval: interval.unwrap_or(30),
        timeout: timeout.unwrap_or(5),
        retries: retries.unwrap_or(3),
        start_period,
    })
}

/// Adds the prefix like the CDK: a single string is a shell command, several strings are a program and its arguments.
fn health_command(mut words: Vec<String>) -> Vec<String> {
    let first = words[0].as_str();
    if first != "CMD" && first != "CMD-SHELL" {
        let runner = if words.len() == 1 { "CMD-SHELL" } else { "CMD" };
        words.insert(0, runner.to_owned());
    }
    words
}
