//! What resources with custom names are called in messages, and where `ecsws.toml` has their names.

use super::StackUpdate;
use crate::stack::{ConflictCause, CustomName, NameConflict};

/// Resource type, what it is called, the key of `ecsws.toml` with its name, and whether AWS makes a name when that is left out.
const KINDS: &[(&str, &str, &str, bool)] = &[
    ("AWS::ECS::Cluster", "cluster", "`cluster_name` in [platform.stack]", false),
    ("AWS::ECS::Service", "service", "the service's `name`", true),
    ("AWS::Logs::LogGroup", "log group", "`group` in [services.KEY.logs]", true),
    ("AWS::ServiceDiscovery::PrivateDnsNamespace", "namespace", "`namespace` in [platform.stack]", false),
    ("AWS::ServiceDiscovery::Service", "Cloud Map service", "the service's `discovery`", false),
];

/// A resource in words: "log group `/ecs/api`".
pub(super) fn describe_resource(name: &CustomName) -> String {
    let kind = KINDS.iter().find(|row| row.0 == name.resource_type).map_or(name.resource_type.as_str(), |row| row.1);
    format!("{kind} `{}`", name.display_name())
}

/// How to change the name: "change X, or leave it out". `service` is the key of the stack's service.
pub(super) fn rename_advice(name: &CustomName, service: Option<&str>) -> String {
    let place = |place: &str| place.replace("KEY", service.unwrap_or("KEY"));
    match KINDS.iter().find(|row| row.0 == name.resource_type) {
        Some((_, _, key, true)) => format!("change {}, or leave it out", place(key)),
        Some((_, _, key, false)) => format!("change {}", place(key)),
        None => format!("change {}, or leave it out", name.property()),
    }
}

/// The message and the hint for a conflict within a stack.
pub(super) fn describe_conflict(update: &StackUpdate<'_>, conflict: &NameConflict) -> (String, String) {
    let NameConflict { logical_id, name, cause } = conflict;
    let (stack, what, rename) = (update.stack, describe_resource(name), rename_advice(name, update.service_key));
    match cause {
        ConflictCause::Replaced(replacement) => {
            let causes = match replacement.causes.as_slice() {
                [] => "this change".to_owned(),
                causes => causes.join(", "),
            };
            let message = format!(
                "{stack}: changing {causes} replaces {what}, and the replacement cannot be created, because the old one has the same name"
            );
            (message, format!("{rename}, or keep {causes} as it is deployed"))
        }
        ConflictCause::Deployed(holder) => {
            let message = format!(
                "{stack}: {what} cannot be created as {logical_id}, because {holder} of the same stack has the name"
            );
            (message, format!("keep the construct id that {holder} comes from; or {rename}"))
        }
        ConflictCause::Duplicate(first) => (format!("{stack}: {logical_id} and {first} are both {what}"), rename),
    }
}
