//! A deploy's events as lines of text.

use jiff::tz::TimeZone;
use owo_colors::OwoColorize as _;

use super::progress_rows::{deployment_line, doing};
use super::short_type;
use crate::ops::{DeployEvent, Operation, ResourceEvent};
use crate::render::clean;

/// The first of equal failures gets a line, and then every tenth one.
const EVERY: usize = 10;

/// Formats events as lines.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub zone: TimeZone,
    /// Rows show what is in progress, so lines are only for what has finished.
    pub has_rows: bool,
}

impl Lines {
    /// The lines of an event; none if the rows show it.
    pub fn format(&self, event: &DeployEvent) -> Vec<String> {
        match event {
            // The rows show these.
            DeployEvent::Started { .. } | DeployEvent::InProgress { .. } | DeployEvent::Rollout { .. }
                if self.has_rows =>
            {
                Vec::new()
            }
            DeployEvent::Started { stack, operation } => vec![format!("{stack}: {} …", doing(*operation))],
            DeployEvent::NoChanges { stack } => vec![format!("{}  {stack} (no changes)", "✓".green())],
            DeployEvent::Prepared { stack, change_set } => {
                vec![format!("{}  {stack}: change set created: {}", "✓".green(), clean(change_set, false))]
            }
            DeployEvent::Resource { stack, done, total, resource } => {
                // The rows show resources in progress.
                let is_news = !resource.status.ends_with("_IN_PROGRESS") || resource.status.contains("ROLLBACK");
                let line = (is_news || !self.has_rows).then(|| self.resource(stack, (*done, *total), resource));
                line.into_iter().collect()
            }
            DeployEvent::InProgress { stack, done, total, resources } => {
                let resources: Vec<_> = resources.iter().map(|resource| clean(resource, false)).collect();
                vec![format!("{stack} | {done}/{total} | Currently in progress: {}", resources.join(", "))]
            }
            DeployEvent::Rollout { service, deployments } => {
                deployments.iter().map(|one| format!("{service}: {}", deployment_line(one, false))).collect()
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
                (*count == 1 || count % EVERY == 0).then(line).into_iter().collect()
            }
            DeployEvent::TaskLog { service: _, task, container, lines } => {
                let (task, container) = (clean(task, false), clean(container, false));
                let head = format!("  last lines of container {container} in task {task}:");
                std::iter::once(head).chain(lines.iter().map(|line| log_line(line))).collect()
            }
            DeployEvent::Stuck { service, cause, cancellable } => vec![
                format!(
                    "{} {service}: tasks stop the same way again and again: {}",
                    "warning:".yellow().bold(),
                    clean(cause, false)
                ),
                if *cancellable {
                    "  waiting will not help: Ctrl-C offers to cancel, --timeout cancels by itself".to_owned()
                } else {
                    "  waiting will not help: ECS keeps starting tasks, and Ctrl-C stops only the waiting".to_owned()
                },
            ],
            DeployEvent::Note { message } => vec![clean(message, false).into_owned()],
            DeployEvent::Finished { stack, operation, seconds, .. } => {
                vec![format!("{}  {} {} in {seconds:.1} s", "✓".green(), stack.green(), done(*operation))]
            }
        }
    }

    /// cdk's line; on a terminal a shorter one.
    fn resource(&self, stack: &str, (done, total): (usize, usize), event: &ResourceEvent) -> String {
        let time = self.time(event.timestamp);
        let count = format!("{done:>width$}/{total}", width = total.to_string().len());
        let status = painted_status(&event.status);
        let reason =
            event.reason.as_deref().map(|reason| format!(" {}", clean(reason, false).bold())).unwrap_or_default();
        let (resource_type, logical_id) = (clean(&event.resource_type, false), clean(&event.logical_id, false));
        if self.has_rows {
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

pub(super) fn done(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "created",
        Operation::Update => "updated",
        Operation::RollBack => "rolled back",
        Operation::Delete => "deleted",
    }
}

/// A line of a container's log, indented.
pub(super) fn log_line(line: &str) -> String {
    format!("  {} {}", "│".dimmed(), clean(line.trim_end(), false))
}

/// Cut to the width of cdk's column, in cdk's colours.
fn painted_status(status: &str) -> String {
    let padded = format!("{:<20}", status.chars().take(20).collect::<String>());
    match status {
        status if status.ends_with("_FAILED") => padded.red().to_string(),
        status if status.contains("ROLLBACK") => padded.yellow().to_string(),
        status if status.ends_with("_COMPLETE") => padded.green().to_string(),
        _ => padded,
    }
}
