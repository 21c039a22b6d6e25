//! The log groups that a command reads, with the names under which their events are shown.

use super::args::TargetArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::ops::{self, AwsPages, LogSource};
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
    let named = |name: String| ReadGroup { name, streams: Vec::new() };
    let mut groups: Vec<ReadGroup> = group.iter().cloned().map(named).collect();
    if let Some(prefix) = group_prefix {
        groups.extend(ops::log_groups(aws, Some(prefix)).await?.into_iter().map(|group| named(group.name)));
        if groups.is_empty() {
            return Err(CliError::failed(format!("no log group has a name that starts with `{prefix}`")));
        }
    }
    let Some(project) = project.filter(|_| groups.is_empty()) else { return Ok(groups) };
    let services = if service.is_empty() { project.spec.services.keys().cloned().collect() } else { service.clone() };
    for key in services {
        let stack = &project.service(&key)?.spec.stack;
        for LogSource { group, stream_prefix } in LogSource::of_service(aws, stack, container.as_deref(), watch).await?
        {
            let entry = (stream_prefix, key.clone());
            match groups.iter_mut().find(|known| known.name == group) {
                Some(known) => known.streams.push(entry),
                None => groups.push(ReadGroup { name: group, streams: vec![entry] }),
            }
        }
    }
    if groups.is_empty() {
        return Err(CliError::usage("ecsws.toml has no service").hint("name a log group with --group"));
    }
    Ok(groups)
}

impl TargetArgs {
    /// The project whose services are read; `None` if log groups are named and there is none.
    pub(super) fn project(&self, ctx: &mut Context) -> Result<Option<Project>, CliError> {
        let is_named = !self.group.is_empty() || self.group_prefix.is_some();
        if is_named { ctx.project_if_any() } else { ctx.project().map(Some) }
    }
}
