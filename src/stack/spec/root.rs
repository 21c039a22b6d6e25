//! Reads the top level: `cdk`, `[target]`, `[tags]`, and the tables of the other modules.

use indexmap::IndexMap;

use super::{CdkVersion, Platform, Port, Service, Spec, Target, platform, sandbox, service};
use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::{Entry, Table, Validated, join_words};

pub(super) fn read(root: &Table<'_, '_>) -> Option<Spec> {
    let cdk = match root.optional("cdk", check::integer("the CDK generation", 1..=2)) {
        Some(1) => CdkVersion::V1,
        _ => CdkVersion::V2,
    };
    let target = read_target(root);
    let tags = root.table("tags").map(|table| tags(&table)).unwrap_or_default();
    let platform = platform::read(root.table("platform"));
    let services = root.table("services").map(|table| service::read_all(&table, cdk));
    if let (Some(platform), Some(services)) = (&platform, &services) {
        warn_of_closed_ports(root, platform, services);
    }
    let sandbox = root.table("sandbox").map(sandbox::read).unwrap_or_default();
    if !root.contains_key("services") && platform.as_ref().is_some_and(|platform| platform.stack.is_none()) {
        root.report_at(0, Diagnostic::new("there is no stack in this file").hint("add a [services.NAME] table"));
    }
    root.report_unknown_keys();
    Some(Spec { cdk, target, tags, platform: platform?, services: services.unwrap_or_default(), sandbox })
}

/// Warns about ports of services that the security group of the project's platform does not allow.
fn warn_of_closed_ports(root: &Table<'_, '_>, platform: &Platform, services: &IndexMap<String, Service>) {
    let Some(open) = platform.own_group_ports() else { return };
    let Some(tables) = root.table("services") else { return };
    for entry in tables.entries() {
        let Some(service) = services.get(entry.key) else { continue };
        let closed: Vec<Port> = service.container.ports.iter().copied().filter(|port| !open.contains(port)).collect();
        let container = tables.table_of(tables.join(entry.key), entry.value).and_then(|table| table.table("container"));
        let (Some(container), false) = (container, closed.is_empty()) else { continue };
        let key = if container.contains_key("ports") { "ports" } else { "port" };
        let all = open.iter().chain(&closed).copied().map(Port::to_toml).collect::<Vec<_>>().join(", ");
        let warning = Diagnostic::new(format!(
            "is not allowed by the security group of `platform.stack`: {}",
            join_words(closed.iter().map(ToString::to_string), "and")
        ));
        container.warn(key, warning.hint(format!("write ports = [{all}] in [platform.stack]")));
    }
}

/// Reads only `[target]`.
pub(super) fn read_target(root: &Table<'_, '_>) -> Target {
    root.table("target").map(target).unwrap_or_default()
}

fn target(table: Table<'_, '_>) -> Target {
    let target =
        Target { account: table.optional("account", check::account), region: table.optional("region", check::region) };
    table.finish();
    target
}

/// AWS's maximum number of tags of a resource.
const MAX_TAGS: usize = 50;

fn tag_key(key: &str) -> Validated<()> {
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(Diagnostic::new("starts with `aws:`, which is reserved for AWS").hint("choose another key"));
    }
    check::TAG_KEY.check(key)
}

/// Why CloudFormation would reject these tags or their number; `None` if it accepts them.
pub fn tags_error<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut count = 0;
    for (key, value) in tags {
        count += 1;
        let checked = tag_key(key).and_then(|()| {
            if value.is_empty() { Err(Diagnostic::new("is empty")) } else { check::TAG_VALUE.check(value) }
        });
        if let Err(diagnostic) = checked {
            return Some(format!("tag `{key}`: {}", diagnostic.message));
        }
    }
    (count > MAX_TAGS).then(|| format!("{count} tags are more than CloudFormation's maximum of {MAX_TAGS}"))
}

fn tags(table: &Table<'_, '_>) -> IndexMap<String, String> {
    let entries = table.entries();
    if entries.len() > MAX_TAGS {
        table.report_at(
            entries[MAX_TAGS].key_start,
            Diagnostic::new(format!("`tags` has more than {MAX_TAGS} tags"))
                .hint("that is CloudFormation's maximum; remove some"),
        );
    }
    let tag = |entry: Entry<'_, '_>| {
        if let Err(diagnostic) = tag_key(entry.key) {
            table.report_key(&entry, diagnostic);
        }
        // Unlike other services, CloudFormation rejects empty values.
        let non_empty = |value: &_| check::non_empty(value).and_then(|_| check::TAG_VALUE.rule(value));
        let value = table.validate(entry.key, entry.value, non_empty)?;
        Some((entry.key.to_owned(), value))
    };
    entries.into_iter().filter_map(tag).collect()
}
