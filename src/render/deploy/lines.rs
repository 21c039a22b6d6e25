//! Formats deploy events as lines of text.

use jiff::tz::TimeZone;
use owo_colors::OwoColorize as _;

use super::progress_rows::{deployment_line, present_tense};
use super::short_type;
use crate::model::StackStatus;
use crate::ops::{DeployEvent, Operation, ResourceEvent};
use crate::render::clean;

/// Prints the first of equal task failures, and then every tenth.
const FAILURES_PER_LINE: usize = 10;

/// Formats events as lines.
#[derive(Debug, Clone)]
pub(super) struct LineFormat {
    /// The time zone of printed times.
    pub zone: TimeZone,
    /// Whether progress rows show what is in progress, so that lines are only needed for completed steps.
    pub has_progress_rows: bool,
}

impl LineFormat {
    /// The lines for an event; empty for an event that is not printed.
    pub(super) fn lines(&self, event: &DeployEvent) -> Vec<String> {
        match event {
            // The progress rows show these.
            DeployEvent::Started { .. } | DeployEvent::InProgress { .. } | DeployEvent::Rollout { .. }
                if self.has_progress_rows =>
            {
                Vec::new()
            }
            DeployEvent::Started { stack, operation } => vec![format!("{stack}: {} …", present_tense(*operation))],
            DeployEvent::NoChanges { stack } => vec![format!("{}  {stack} (no changes)", "✓".green())],
            DeployEvent::ChangeSetPrepared { stack, change_set } => {
                vec![format!("{}  {stack}: change set created: {}", "✓".green(), clean(change_set, false))]
            }
            DeployEvent::Resource { stack, done, total, resource } => {
                // Progress rows show resources in progress, but not that a rollback has started.
                let is_printed =
                    !self.has_progress_rows || !resource.status.is_in_progress() || resource.status.is_rollback();
                let line = is_printed.then(|| self.resource(stack, (*done, *total), resource));
                line.into_iter().collect()
            }
            DeployEvent::InProgress { stack, done, total, resources } => {
                let resources: Vec<_> = resources.iter().map(|resource| clean(resource, false)).collect();
                vec![format!("{stack} | {done}/{total} | Currently in progress: {}", resources.join(", "))]
            }
            DeployEvent::Rollout { service, deployments } => {
                let line = |deployment| format!("{service}: {}", deployment_line(deployment, false));
                deployments.iter().map(line).collect()
            }
            DeployEvent::ServiceEvent { service: _, timestamp, message } => {
                let time = timestamp.map(|timestamp| self.time(timestamp)).unwrap_or_default();
                vec![format!("{}", format!("{time} {}", clean(message, false)).dimmed())]
            }
            DeployEvent::TaskStopped { service, task, cause, count } => {
                let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
                let line = || {
                    let (task, cause) = (clean(task, false), clean(cause, false));
                    format!("{} {service}: task {task} stopped{times}: {cause}", "!".red().bold())
                };
                (*count == 1 || count % FAILURES_PER_LINE == 0).then(line).into_iter().collect()
            }
            DeployEvent::TaskLog { service: _, task, container, lines } => {
                let (task, container) = (clean(task, false), clean(container, false));
                let heading = format!("  last lines of container {container} in task {task}:");
                std::iter::once(heading).chain(lines.iter().map(|line| log_line(line))).collect()
            }
            DeployEvent::Stuck { service, cause, cancellable } => vec![
                format!(
                    "{} {service}: tasks keep stopping for the same reason: {}",
                    "warning:".yellow().bold(),
                    clean(cause, false)
                ),
                if *cancellable {
                    "  this will not recover by itself: Ctrl-C offers to cancel, --timeout cancels automatically"
                        .to_owned()
                } else {
                    "  this will not recover by itself: ECS keeps starting tasks, and Ctrl-C only stops waiting"
                        .to_owned()
                },
            ],
            DeployEvent::Note { message } => vec![clean(message, false).into_owned()],
            DeployEvent::Finished { stack, operation, seconds, .. } => {
                vec![format!("{}  {} {} in {seconds:.1} s", "✓".green(), stack.green(), past_tense(*operation))]
            }
        }
    }

    /// A resource's event in cdk's format, or shortened if there are progress rows.
    fn resource(&self, stack: &str, (done, total): (usize, usize), event: &ResourceEvent) -> String {
        let time = self.time(event.timestamp);
        let count = format!("{done:>width$}/{total}", width = total.to_string().len());
        let status = painted_status(&event.status);
        let reason =
            event.reason.as_deref().map(|reason| format!(" {}", clean(reason, false).bold())).unwrap_or_default();
        let (resource_type, logical_id) = (clean(&event.resource_type, false), clean(&event.logical_id, false));
        if self.has_progress_rows {
            return format!("{count} {time} {status} {:<26} {}{reason}", short_type(&resource_type), logical_id.cyan());
        }
        let named = match &event.path {
            Some(path) => format!("{} ({})", clean(path, false), logical_id.cyan()),
            None => logical_id.cyan().to_string(),
        };
        format!("{stack} | {count} | {time} | {status} | {resource_type:<30} | {named}{reason}")
    }

    fn time(&self, timestamp: jiff::Timestamp) -> String {
        timestamp.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }
}

pub(super) fn past_tense(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "created",
        Operation::Update => "updated",
        Operation::RollBack => "rolled back",
        Operation::Delete => "deleted",
    }
}

/// A line of a container's log, indented below the failure that it explains.
pub(super) fn log_line(line: &str) -> String {
    format!("  {} {}", "│".dimmed(), clean(line.trim_end(), false))
}

/// The status, cut to the width of cdk's column and in cdk's colours.
fn painted_status(status: &StackStatus) -> String {
    let padded = format!("{status:<20.20}");
    match status {
        status if status.is_failed() => padded.red().to_string(),
        status if status.is_rollback() => padded.yellow().to_string(),
        status if status.is_complete() => padded.green().to_string(),
        _ => padded,
    }
}
