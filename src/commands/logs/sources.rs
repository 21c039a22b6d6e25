//! The log groups that a command reads, with the names under which their events are shown.

use std::time::Duration;

use tokio::time::sleep;

use super::args::TargetArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::model::log_group_name;
use crate::ops::{self, AwsPages, LogSource, OpsError};
use crate::project::Project;

/// How often a watch looks for a service that is not deployed yet.
const CREATION_INTERVAL: Duration = Duration::from_secs(5);

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
        if !other.streams.is_empty() && other.streams.iter().all(|(prefix, _)| !prefix.is_empty()) {
            // The containers were not known before.
            self.streams.retain(|(prefix, _)| !prefix.is_empty());
        }
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

/// The groups that the arguments name, or those of the project's services. A watch waits until AWS can be reached, and until one of the
/// services is deployed.
pub(super) async fn find(
    targets: &TargetArgs,
    project: Option<&Project>,
    pages: &AwsPages,
    watch: bool,
) -> Result<Vec<ReadGroup>, CliError> {
    let (aws, mut wait) = (&pages.aws, None);
    let TargetArgs { service, container, group, group_prefix } = targets;
    let mut names: Vec<String> = group.iter().map(|name| name.trim_end_matches(":*").to_owned()).collect();
    if let Some(prefix) = group_prefix {
        loop {
            names.extend(ops::log_groups(aws, Some(prefix)).await?.into_iter().map(|group| group.name));
            match names.is_empty() {
                true if watch => {
                    wait.get_or_insert_with(|| aws.waits().begin(format!("a log group `{prefix}…` to be created")));
                    sleep(CREATION_INTERVAL).await;
                }
                true => {
                    let message = format!("no log group has a name that starts with `{prefix}`");
                    return Err(CliError::failed(message));
                }
                false => break,
            }
        }
    }
    let mut groups: Vec<ReadGroup> = Vec::new();
    for name in names {
        let is_known = |known: &ReadGroup| log_group_name(&known.name) == log_group_name(&name);
        if !groups.iter().any(is_known) {
            groups.push(ReadGroup { name, streams: Vec::new() });
        }
    }
    let Some(project) = project.filter(|_| groups.is_empty()) else { return Ok(groups) };
    if project.spec.services.is_empty() {
        return Err(CliError::usage("ecsws.toml has no service").hint("name a log group with --group"));
    }
    let mut stacks = Vec::new();
    for key in targets.services(project) {
        stacks.push((project.service(&key)?.spec.stack.clone(), key));
    }
    let is_optional = watch || service.is_empty();
    loop {
        match find_of_services(&stacks, container.as_deref(), is_optional, pages, watch).await {
            Err(error @ OpsError::Missing { .. }) if watch => {
                let begin = || aws.waits().begin(format!("stack `{}` to be deployed", stacks[0].0));
                wait.get_or_insert_with(begin).set_error(error.to_string());
                sleep(CREATION_INTERVAL).await;
            }
            groups => return Ok(groups?),
        }
    }
}

/// The groups of services, which are given by stack and key. If they are optional, those without logs are left out unless all of them are.
async fn find_of_services(
    stacks: &[(String, String)],
    container: Option<&str>,
    is_optional: bool,
    AwsPages { aws, .. }: &AwsPages,
    watch: bool,
) -> Result<Vec<ReadGroup>, OpsError> {
    let (mut groups, mut missing) = (Vec::<ReadGroup>::new(), None);
    for (stack, key) in stacks {
        let sources = match LogSource::of_service(aws, stack, container, watch).await {
            Err(error @ (OpsError::Missing { .. } | OpsError::UnknownContainer { .. })) if is_optional => {
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
        Some(error) => Err(error),
        None => Ok(groups),
    }
}

impl TargetArgs {
    /// The keys of the services: those that are named, or all.
    pub(super) fn services(&self, project: &Project) -> Vec<String> {
        if self.service.is_empty() { project.spec.services.keys().cloned().collect() } else { self.service.clone() }
    }

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
