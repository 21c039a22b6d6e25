//! Reads `[platform]` and `[platform.stack]`.

use toml::de::DeValue;

use super::{Platform, PlatformStack, Port, Protocol, Reference, network, port};
use crate::diagnostic::Diagnostic;
use crate::stack::check::{self, Pattern};
use crate::stack::reader::{Table, Validated, type_name};

/// The name of the workshop's base stack.
const WORKSHOP_STACK: &str = "ecsworkshop-base";
/// The port of the workshop's services.
const WORKSHOP_PORT: Port = Port { number: 3000, protocol: Protocol::Tcp };
/// Construct id of the VPC in the platform stack; its Name tag is the construct path.
pub(crate) const VPC_ID: &str = "BaseVPC";

/// `table` is `None` if the file has no such table.
pub(super) fn read(table: Option<Table<'_, '_>>) -> Option<Platform> {
    let Some(table) = table else {
        return Some(Platform {
            vpc: vpc_name(WORKSHOP_STACK),
            cluster: Reference::Import("ECSClusterName".to_owned()),
            namespace: Reference::Import("NSID".to_owned()),
            security_group: Reference::Import("ServicesSecGrp".to_owned()),
            subnets: None,
            stack: None,
        });
    };
    let stack = table.table("stack").map(stack);
    let vpc = table.optional("vpc", check::non_empty);
    let cluster = reference(&table, "cluster", "ECSClusterName", |value| check::CLUSTER_NAME.rule(value));
    let namespace = reference(&table, "namespace", "NSID", check::resource_id("ns"));
    let security_group = reference(&table, "security_group", "ServicesSecGrp", check::resource_id("sg"));
    let subnets = table.optional("subnets", check::unique_list(check::resource_id("subnet")));
    if subnets.as_ref().is_some_and(|subnets| subnets.len() > MAX_SUBNETS) {
        table.report(
            "subnets",
            Diagnostic::new(format!("has more than {MAX_SUBNETS} subnets, ECS's maximum")).hint("remove some"),
        );
    }
    if subnets.is_some() && vpc.is_some() {
        table.warn("vpc", Diagnostic::new("is not used, because `platform.subnets` names the subnets"));
    }
    table.finish();
    let stack_name = stack.as_ref().and_then(Option::as_ref).map_or(WORKSHOP_STACK, |stack| &stack.name);
    Some(Platform {
        vpc: vpc.unwrap_or_else(|| vpc_name(stack_name)),
        cluster: cluster?,
        namespace: namespace?,
        security_group: security_group?,
        subnets,
        stack: match stack {
            Some(stack) => Some(stack?),
            None => None,
        },
    })
}

/// The maximum number of subnets of an ECS service.
const MAX_SUBNETS: usize = 16;

/// The Name tag of the VPC of the platform stack `stack`.
fn vpc_name(stack: &str) -> String {
    format!("{stack}/{VPC_ID}")
}

fn stack(table: Table<'_, '_>) -> Option<PlatformStack> {
    let text = |key: &'static str, default: &str, pattern: &Pattern| {
        if table.contains_key(key) {
            table.optional(key, |value| pattern.rule(value))
        } else {
            Some(default.to_owned())
        }
    };
    let name = text("name", WORKSHOP_STACK, &check::STACK_NAME);
    let cluster_name = text("cluster_name", "container-demo", &check::CLUSTER_NAME);
    let namespace = text("namespace", "service", &check::NAMESPACE_NAME);
    let cidr =
        if table.contains_key("cidr") { table.optional("cidr", network::vpc_cidr) } else { Some(network::WORKSHOP) };
    let container_insights = table.optional("container_insights", check::boolean).unwrap_or(true);
    let stress_tool = table.optional("stress_tool", check::boolean).unwrap_or(true);
    let ports = table.optional("ports", check::unique_list(port::read)).unwrap_or_else(|| vec![WORKSHOP_PORT]);
    if let Some(namespace) = &namespace
        && !check::is_dns_name(namespace)
    {
        table.report("namespace", check::not_a_dns_name(namespace));
    }
    if let Some(name) = &name {
        table.claim_unique("stack", "name", name);
    }
    table.finish();
    Some(PlatformStack {
        name: name?,
        cidr: cidr?,
        cluster_name: cluster_name?,
        container_insights,
        namespace: namespace?,
        stress_tool,
        ports,
    })
}

fn reference(
    table: &Table<'_, '_>,
    key: &'static str,
    export: &str,
    literal: impl Fn(&DeValue<'_>) -> Validated<String>,
) -> Option<Reference> {
    if !table.contains_key(key) {
        return Some(Reference::Import(export.to_owned()));
    }
    if table.is_table(key) {
        let import = table.table(key)?;
        let name = import.required("import", "add import = \"EXPORT\"", |value| check::EXPORT_NAME.rule(value));
        import.finish();
        return name.map(Reference::Import);
    }
    let rule = |value: &DeValue<'_>| match value {
        DeValue::String(_) => literal(value).map(Reference::Literal),
        other => {
            Err(Diagnostic::new(format!("must be a string or {{ import = \"EXPORT\" }}, not {}", type_name(other)))
                .hint("a string is used as is; an import is the name of a CloudFormation export"))
        }
    };
    table.optional(key, rule)
}
