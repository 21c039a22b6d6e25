//! `[services.NAME.logs]`: the log settings of a service.

use toml::de::DeValue;

use super::CdkVersion;
use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::{Table, Validated};

/// The awslogs driver's options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// awslogs-stream-prefix.
    pub prefix: String,
    pub group: LogGroupSpec,
}

/// The log group of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogGroupSpec {
    /// Created with the container definition; its events never expire.
    Implicit,
    /// A resource of the stack itself.
    Explicit {
        id: String,
        /// LogGroupName; CloudFormation generates one if it is `None`.
        name: Option<String>,
        /// The retention period; `None` if events never expire.
        retention_days: Option<u32>,
        /// What happens to it when it is removed from the stack.
        removal: RemovalPolicy,
    },
}

/// What happens to a resource that is removed from its stack, or whose stack is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalPolicy {
    Retain,
    Destroy,
}

/// The default construct id of an explicit log group.
const LOG_GROUP_ID: &str = "Logs";
/// The CDK's default retention period of a log group.
const CDK_RETENTION_DAYS: u32 = 731;

const REMOVALS: &[(&str, RemovalPolicy)] = &[("retain", RemovalPolicy::Retain), ("destroy", RemovalPolicy::Destroy)];

/// `table` is `None` if the file has no such table.
pub(super) fn read(table: Option<Table<'_, '_>>, stack: &str, cdk_version: CdkVersion) -> Logs {
    let Some(table) = table else { return Logs { prefix: stack.to_owned(), group: LogGroupSpec::Implicit } };
    let prefix = table.optional("prefix", stream_prefix).unwrap_or_else(|| stack.to_owned());
    let id = table.optional("id", check::leading_construct_id(cdk_version));
    let name = table.optional("group", group_name);
    let retention_days = table.optional("retention_days", check::retention_days);
    if let Some(name) = &name {
        table.claim_unique("log group", "group", name);
    }
    let removal = table.optional("removal", check::one_of(REMOVALS));
    let is_explicit = id.is_some() || name.is_some() || retention_days.is_some() || removal.is_some();
    table.finish();
    let group = if is_explicit {
        LogGroupSpec::Explicit {
            id: id.unwrap_or_else(|| LOG_GROUP_ID.to_owned()),
            name,
            retention_days: retention_days.unwrap_or(Some(CDK_RETENTION_DAYS)),
            removal: removal.unwrap_or(RemovalPolicy::Retain),
        }
    } else {
        LogGroupSpec::Implicit
    };
    Logs { prefix, group }
}

fn group_name(value: &DeValue<'_>) -> Validated<String> {
    let name = check::LOG_GROUP_NAME.rule(value)?;
    if name.starts_with("aws/") {
        return Err(Diagnostic::new("starts with `aws/`, which is reserved for AWS").hint("choose another name"));
    }
    Ok(name)
}

/// A prefix of streams, which are named `PREFIX/CONTAINER/TASK`, at most 512 characters.
fn stream_prefix(value: &DeValue<'_>) -> Validated<String> {
    let prefix = check::non_empty(value)?;
    if prefix.contains([':', '*']) {
        return Err(Diagnostic::new(format!("is {}", check::quoted(&prefix)))
            .hint("a log stream's name cannot contain `:` or `*`"));
    }
    if prefix.len() > 220 {
        return Err(Diagnostic::new("is too long").hint("a prefix is at most 220 characters long"));
    }
    Ok(prefix)
}
