//! Checks for members of a task definition that `awsvpc` networks or Fargate do not support, and for contradictions.
//!
//! Members and where they are not supported: API reference, `ContainerDefinition`, `HostVolumeProperties`, `Secret` and
//! `LogConfiguration`. Sentences are ECS's where they are known: <https://github.com/aws-cloudformation/cfn-lint/issues/1787>.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Fault;
use crate::base::arn::{Arn, is_account};
use crate::services::ecs::faults::client_exception;

/// The condition under which a member of a container is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RejectedWhen {
    Awsvpc,
    Fargate,
}

/// Members of containers, when they are refused, and the message.
const CONTAINER: [(&str, RejectedWhen, &str); 6] = [
    ("links", RejectedWhen::Awsvpc, "Links are not supported when networkMode=awsvpc."),
    ("hostname", RejectedWhen::Awsvpc, "hostname is not supported on container when networkMode=awsvpc."),
    ("dnsServers", RejectedWhen::Awsvpc, "DNS servers are not supported on container when networkMode=awsvpc."),
    (
        "dnsSearchDomains",
        RejectedWhen::Awsvpc,
        "DNS search domains are not supported on container when networkMode=awsvpc.",
    ),
    ("extraHosts", RejectedWhen::Awsvpc, "Extra hosts are not supported on container when networkMode=awsvpc."),
    ("privileged", RejectedWhen::Fargate, "Fargate compatible task definitions do not support privileged"),
];

/// The required options of the log driver awslogs, in the order of ECS's message.
const AWSLOGS: [&str; 2] = ["awslogs-region", "awslogs-group"];

pub(super) fn check(content: &Map<String, Value>, for_fargate: bool) -> Result<(), Fault> {
    let awsvpc = content.get("networkMode").is_some_and(|mode| mode == "awsvpc");
    let applies = |place: RejectedWhen| if place == RejectedWhen::Awsvpc { awsvpc } else { for_fargate };
    for container in objects(content, "containerDefinitions") {
        let given = |member: &str| container.get(member).is_some_and(is_set);
        if let Some((.., sentence)) = CONTAINER.iter().find(|(member, place, _)| applies(*place) && given(member)) {
            return Err(client_exception(*sentence));
        }
        variables(container)?;
        log_options(container)?;
    }
    if for_fargate && objects(content, "volumes").any(|volume| source_path(volume).is_some()) {
        return Err(client_exception("Fargate compatible task definitions do not support sourcePath"));
    }
    match content.get("executionRoleArn").and_then(Value::as_str) {
        Some(role) if !is_role(role) => Err(client_exception("Role is not valid")),
        _ => Ok(()),
    }
}

fn objects<'a>(object: &'a Map<String, Value>, member: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    object.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

fn source_path(volume: &Map<String, Value>) -> Option<&str> {
    volume.get("host")?.get("sourcePath")?.as_str().filter(|path| !path.is_empty())
}

/// Checks that a variable is either a secret or a plain one, and a secret only once.
fn variables(container: &Map<String, Value>) -> Result<(), Fault> {
    let names = |member| objects(container, member).filter_map(|variable| variable.get("name")?.as_str());
    let mut taken: BTreeSet<&str> = names("environment").collect();
    match names("secrets").find(|name| !taken.insert(name)) {
        None => Ok(()),
        Some(name) => Err(client_exception(format!(
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, \
             such as '{name}'."
        ))),
    }
}

fn log_options(container: &Map<String, Value>) -> Result<(), Fault> {
    let Some(logs) = container.get("logConfiguration").filter(|logs| logs["logDriver"] == "awslogs") else {
        return Ok(());
    };
    let missing: Vec<&str> =
        AWSLOGS.into_iter().filter(|option| !logs["options"].get(option).is_some_and(is_set)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(client_exception(format!("Log driver awslogs requires options: {}", missing.join(", "))))
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
fn is_role(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|Arn { service, region, account, resource, .. }| {
        let is_named_role = resource.strip_prefix("role/").is_some_and(|name| !name.is_empty());
        service == "iam" && region.is_empty() && is_account(account) && is_named_role
    })
}
