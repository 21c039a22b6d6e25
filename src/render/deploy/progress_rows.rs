//! The rows of a deploy in progress, folded from its events and formatted as lines. No clock and no terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use owo_colors::OwoColorize as _;

use super::short_type;
use crate::model::{Deployment, StackStatus};
use crate::ops::{DeployEvent, Operation};
use crate::render::clean;

/// The maximum number of a stack's resources that have their own rows; the others are only counted.
const MAX_RESOURCES: usize = 8;
/// Width of a deployment's bar, in columns.
const BAR_WIDTH: u32 = 20;

/// Stacks, resources and deployments in progress.
#[derive(Debug, Clone, Default)]
pub struct ProgressRows {
    /// What is in progress until there are events.
    activity: Option<String>,
    stacks: BTreeMap<String, StackRow>,
    services: BTreeMap<String, Vec<Deployment>>,
    /// Stack names by the names of the services in resource events.
    stack_by_service: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
struct StackRow {
    operation: &'static str,
    since: Duration,
    done: usize,
    total: usize,
    resources: BTreeMap<String, ResourceRow>,
}

#[derive(Debug, Clone)]
struct ResourceRow {
    resource_type: String,
    status: StackStatus,
    since: Duration,
}

impl ProgressRows {
    /// Sets what is in progress until there are events.
    pub fn set_activity(&mut self, activity: Option<String>) {
        self.activity = activity;
    }

    /// Applies an event; `now` is the time since the view was created.
    pub fn apply(&mut self, event: &DeployEvent, now: Duration) {
        match event {
            DeployEvent::Started { stack, operation } => {
                self.activity = None;
                let row = StackRow { operation: present_tense(*operation), since: now, ..StackRow::default() };
                self.stacks.insert(stack.clone(), row);
            }
            DeployEvent::Resource { stack, done, total, resource } => {
                let row =
                    self.stacks.entry(stack.clone()).or_insert_with(|| StackRow { since: now, ..StackRow::default() });
                (row.done, row.total) = (*done, *total);
                if resource.logical_id == *stack && resource.status.is_rollback() {
                    row.operation = present_tense(Operation::RollBack);
                }
                if resource.resource_type == "AWS::ECS::Service"
                    && let Some((_, service)) = resource.physical_id.rsplit_once('/')
                {
                    self.stack_by_service.insert(service.to_owned(), stack.clone());
                }
                if resource.status.is_in_progress() && resource.logical_id != *stack {
                    let (resource_type, status) = (resource.resource_type.clone(), resource.status.clone());
                    let old = row.resources.get(&resource.logical_id).filter(|old| old.status == status);
                    let since = old.map_or(now, |old| old.since);
                    row.resources.insert(resource.logical_id.clone(), ResourceRow { resource_type, status, since });
                } else {
                    row.resources.remove(&resource.logical_id);
                    self.services.retain(|service, _| !resource.physical_id.ends_with(&format!("/{service}")));
                }
            }
            DeployEvent::Rollout { service, deployments } => {
                self.services.insert(service.clone(), deployments.clone());
            }
            DeployEvent::Finished { stack, .. } | DeployEvent::NoChanges { stack } => {
                self.activity = None;
                self.stacks.remove(stack);
                self.services
                    .retain(|service, _| self.stack_by_service.get(service).is_some_and(|owner| owner != stack));
            }
            DeployEvent::ChangeSetPrepared { .. }
            | DeployEvent::InProgress { .. }
            | DeployEvent::ServiceEvent { .. }
            | DeployEvent::TaskStopped { .. }
            | DeployEvent::TaskLog { .. }
            | DeployEvent::Stuck { .. }
            | DeployEvent::Note { .. } => {}
        }
    }

    /// Formats the rows.
    pub fn lines(&self, now: Duration) -> Vec<String> {
        let mut lines: Vec<String> = self.activity.iter().map(|what| clean(what, false).into_owned()).collect();
        for (name, row) in &self.stacks {
            let count = if row.total == 0 { String::new() } else { format!(" {}/{}", row.done, row.total) };
            let elapsed = elapsed(row.since, now);
            lines.push(format!("{} {}{count} {}", clean(name, false).bold(), row.operation, elapsed.dimmed()));
            for (id, resource) in row.resources.iter().take(MAX_RESOURCES) {
                let kind = clean(short_type(&resource.resource_type), false).into_owned();
                let elapsed = self::elapsed(resource.since, now);
                lines.push(format!(
                    "  {kind:<26} {} {} {}",
                    clean(id, false).cyan(),
                    clean(resource.status.as_str(), false),
                    elapsed.dimmed()
                ));
            }
            if let more @ 1.. = row.resources.len().saturating_sub(MAX_RESOURCES) {
                lines.push(format!("  and {more} more"));
            }
        }
        for (service, deployments) in &self.services {
            let name = clean(service, false);
            // The name comes last, because long names are cut off.
            let line = |deployment| format!("  {} {}", deployment_line(deployment, true), name.bold());
            lines.extend(deployments.iter().map(line));
        }
        lines
    }
}

pub(super) fn present_tense(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "creating",
        Operation::Update => "updating",
        Operation::RollBack => "rolling back",
        Operation::Delete => "deleting",
    }
}

/// `PRIMARY 1 of 3 running, 2 pending, 0 failed, TaskDef:2`, with or without a bar.
pub(super) fn deployment_line(deployment: &Deployment, with_bar: bool) -> String {
    let Deployment { status, task_definition, desired, running, pending, failed, rollout_state, .. } = deployment;
    let bar = if with_bar {
        let filled = (running * BAR_WIDTH).checked_div(*desired).unwrap_or(BAR_WIDTH).min(BAR_WIDTH);
        let (full, rest) = ("━".repeat(filled as usize), "─".repeat((BAR_WIDTH - filled) as usize));
        format!("{}{} ", full.green(), rest.dimmed())
    } else {
        String::new()
    };
    let failed_text = format!("{failed} failed");
    let failed_text = if *failed > 0 { failed_text.red().to_string() } else { failed_text };
    let state = match rollout_state.as_deref() {
        Some("FAILED") => format!(", {}", "FAILED".red().bold()),
        Some("COMPLETED") => format!(", {}", "COMPLETED".green()),
        _ => String::new(),
    };
    let (status, task_definition) = (clean(status, false), clean(task_definition, false));
    format!(
        "{status:<7} {bar}{running} of {desired} running, {pending} pending, {failed_text}{state}, {task_definition}"
    )
}

/// `12s`, `3m 5s`.
fn elapsed(since: Duration, now: Duration) -> String {
    let seconds = now.saturating_sub(since).as_secs();
    format!("{:#}", SignedDuration::from_secs(seconds.try_into().unwrap_or(i64::MAX)))
}
