//! The log groups that a command reads, with the names under which their events are shown.

use super::args::TargetArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::ops::{self, AwsPages, LogSource, OpsError};
use crate::project::Project;

/// A log group, and which of its streams are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReadGroup {
    pub name: String,
    /// What the names of the streams begin with, and the service that they are of; empty for all streams.
    streams: Vec<(String, String)>,
}

impl ReadGroup {
    /// The service of a stream, or the group; `None` if the stream is not read.
    pub(super) fn source_of(&self, stream: &str) -> Option<&str> {
        if self.streams.is_empty() {
            return Some(&self.name);
        }
        self.streams.iter().find(|(prefix, _)| stream.starts_with(prefix)).map(|(_, service)| service.as_str())
    }

    /// Adds the streams of `other`. Those of tasks that are being replaced remain.
    pub(super) fn merge(&mut self, other: Self) {
        let added = other.streams.into_iter().filter(|entry| !self.streams.contains(entry));
        self.streams.extend(added.collect::<Vec<_>>());
    }

    /// Whether it has events of several services.
    pub(super) fn is_shared(&self) -> bool {
        self.streams.iter().any(|(_, service)| *service != self.streams[0].1)
    }

    /// The sources in it.
    pub(super) fn sources(&self) -> Vec<LogSource> {
        let source =
            |stream_prefix: &str| LogSource { group: self.name.clone(), stream_prefix: stream_prefix.to_owned() };
        if self.streams.is_empty() {
            vec![source("")]
        } else {
            self.streams.iter().map(|(prefix, _)| source(prefix)).collect()
        }
    }
}

/// The groups that the arguments name, or those of the project's services. A watch waits until AWS can be reached.
pub(super) async fn find(
    targets: &TargetArgs,
    project: Option<&Project>,
    AwsPages { aws, .. }: &AwsPages,
    watch: bool,
) -> Result<Vec<ReadGroup>, CliError> {
    let TargetArgs { service, container, group, group_prefix } = targets;
    let mut names: Vec<String> = group.iter().map(|name| name.trim_end_matches(":*").to_owned()).collect();
    if let Some(prefix) = group_prefix {
        names.extend(ops::log_groups(aws, Some(prefix)).await?.into_iter().map(|group| group.name));
        if names.is_empty() {
            return Err(CliError::failed(format!("no log group has a name that starts with `{prefix}`")));
        }
    }
    let mut groups: Vec<ReadGroup> = Vec::new();
    for name in names {
        let is_known = |known: &ReadGroup| group_name(&known.name) == group_name(&name);
        if !groups.iter().any(is_known) {
            groups.push(ReadGroup { name, streams: Vec::new() });
        }
    }
    let Some(project) = project.filter(|_| groups.is_empty()) else { return Ok(groups) };
    let keys = if service.is_empty() { project.spec.services.keys().cloned().collect() } else { service.clone() };
    let mut missing = None;
    for key in keys {
        let stack = &project.service(&key)?.spec.stack;
        let sources = match LogSource::of_service(aws, stack, container.as_deref(), watch).await {
            // The other services are read.
            Err(error @ (OpsError::Missing { .. } | OpsError::UnknownContainer { .. })) if service.is_empty() => {
                missing = Some(error);
                continue;
            }
            sources => sources?,
        };
        for LogSource { group, stream_prefix } in sources {
            let entry = (stream_prefix, key.clone());
            match groups.iter_mut().find(|known| known.name == group) {
                Some(known) => known.streams.push(entry),
                None => groups.push(ReadGroup { name: group, streams: vec![entry] }),
            }
        }
    }
    match missing.filter(|_| groups.is_empty()) {
        Some(error) => Err(error.into()),
        None if groups.is_empty() => {
            Err(CliError::usage("ecsws.toml has no service").hint("name a log group with --group"))
        }
        None => Ok(groups),
    }
}

/// `NAME` of `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`. A name is returned unchanged.
fn group_name(name: &str) -> &str {
    name.split_once(":log-group:").map_or(name, |(_, name)| name)
}

impl TargetArgs {
    /// The project whose services are read; `None` if log groups are named and there is none.
    pub(super) fn project(&self, ctx: &mut Context) -> Result<Option<Project>, CliError> {
        if !self.group.is_empty() || self.group_prefix.is_some() {
            return ctx.project_if_any();
        }
        let project = ctx.project()?;
        // Before anything is called, for the error.
        self.service.iter().try_for_each(|key| project.service(key).map(drop))?;
        Ok(Some(project))
    }
}
