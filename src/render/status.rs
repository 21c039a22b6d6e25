//! Prints the status of services: full reports, a table, or one line per change for `status --watch` without a terminal.

use std::io;

use jiff::{SpanRound, Timestamp, Unit};
use owo_colors::OwoColorize as _;
use serde_json::json;

use super::{Ui, clean};
use crate::model::{ScalableTarget, ScalingActivity, Stack, json_time};
use crate::ops::{ServicePhase, StatusReport, StoppedCause};

/// How many of the last scaling activities are shown.
const SHOWN_ACTIVITIES: usize = 5;

/// Writes the whole report of each service.
pub(crate) fn status(ui: &mut Ui, reports: &[StatusReport], now: Timestamp) -> io::Result<()> {
    match reports {
        [report] if ui.is_json() => return ui.json_result(report),
        _ if ui.is_json() => return ui.json_result(&json!({ "services": reports })),
        _ => {}
    }
    let reports: Vec<String> = reports.iter().map(|report| lines(report, now).join("\n")).collect();
    writeln!(ui.results(), "{}", reports.join("\n\n"))?;
    ui.results().flush()
}

/// Writes one line for each service: its counts and its summary.
pub(crate) fn status_table(ui: &mut Ui, services: &[(String, StatusReport)]) -> io::Result<()> {
    if ui.is_json() {
        let reports: Vec<&StatusReport> = services.iter().map(|(_, report)| report).collect();
        return ui.json_result(&json!({ "services": reports }));
    }
    let width = services.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default().max("SERVICE".len());
    writeln!(ui.results(), "{}", format!("{:<width$}  RUNNING  STATE", "SERVICE").bold())?;
    for (key, report) in services {
        let counts = format!("{}/{}", report.running, report.desired);
        writeln!(ui.results(), "{key:<width$}  {counts:<7}  {}", summary(report))?;
    }
    ui.results().flush()
}

/// A stack of the project.
#[derive(Debug)]
pub(crate) struct ListedStack {
    pub name: String,
    /// The stack in CloudFormation, if it exists.
    pub deployed: Option<Stack>,
    /// The key and the report of its service, if it has one and exists.
    pub service: Option<(String, StatusReport)>,
}

/// Writes one line for each stack: its status and its service.
pub(crate) fn stack_list(ui: &mut Ui, stacks: &[ListedStack], now: Timestamp) -> io::Result<()> {
    if ui.is_json() {
        let stacks = stacks.iter().map(|ListedStack { name, deployed, service }| {
            json!({
                "name": name,
                "status": deployed.as_ref().map(|stack| stack.status.to_string()),
                "updated": deployed.as_ref().and_then(|stack| stack.updated).map(json_time),
                "service": service.as_ref().map(|(_, report)| report),
            })
        });
        return ui.json_result(&json!({ "stacks": stacks.collect::<Vec<_>>() }));
    }
    let width = stacks.iter().map(|stack| stack.name.len()).max().unwrap_or_default();
    let head = format!("{:<width$}  {:<24}{:<10}{:<9}{}", "STACK", "STATUS", "UPDATED", "RUNNING", "SERVICE");
    writeln!(ui.results(), "{}", head.bold())?;
    for ListedStack { name, deployed, service } in stacks {
        let status = deployed.as_ref().map_or_else(|| "not deployed".to_owned(), |stack| stack.status.to_string());
        let updated = deployed.as_ref().and_then(|stack| stack.updated);
        let updated = updated.map(|updated| age(updated, now)).unwrap_or_default();
        let line = match service {
            Some((key, report)) => {
                let counts = format!("{}/{}", report.running, report.desired);
                format!("{name:<width$}  {status:<24}{updated:<10}{counts:<9}{key}: {}", summary(report))
            }
            None => format!("{name:<width$}  {status:<24}{updated}"),
        };
        writeln!(ui.results(), "{}", line.trim_end())?;
    }
    ui.results().flush()
}

/// The formats of a line of `status --watch`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum StatusLineFormat {
    /// `2026-11-23T10:15:03Z nodejs 2/3 running, 1 pending, rollout IN_PROGRESS`
    #[default]
    Line,
    /// `Tasks Desired: 3 vs Tasks Running: 1`, as the workshop's command prints it
    Workshop,
}

/// Writes the counts on one line.
pub(crate) fn status_line(
    ui: &mut Ui,
    report: &StatusReport,
    format: StatusLineFormat,
    now: Timestamp,
) -> io::Result<()> {
    if ui.is_json() {
        return ui.json_line(report);
    }
    let StatusReport { service, desired, running, pending, .. } = report;
    match format {
        StatusLineFormat::Workshop => writeln!(ui.results(), "Tasks Desired: {desired} vs Tasks Running: {running}")?,
        StatusLineFormat::Line => {
            let now = now.strftime("%Y-%m-%dT%H:%M:%SZ");
            let rollout = report.deployments.first().and_then(|deployment| deployment.rollout_state.as_deref());
            let rollout = rollout.map_or_else(String::new, |state| format!(", rollout {state}"));
            let failing = match report.summary.phase {
                ServicePhase::Failing => format!(", {}", clean(&report.summary.text, false)),
                _ => String::new(),
            };
            writeln!(ui.results(), "{now} {service} {running}/{desired} running, {pending} pending{rollout}{failing}")?;
        }
    }
    ui.results().flush()
}

/// The summary in the colour of its phase.
fn summary(report: &StatusReport) -> String {
    let text = clean(&report.summary.text, false);
    match report.summary.phase {
        ServicePhase::Steady => text.green().to_string(),
        ServicePhase::Failing => text.red().to_string(),
        _ => text.yellow().to_string(),
    }
}

/// The report as coloured lines.
fn lines(report: &StatusReport, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(format!("{}  {}", report.service.bold(), summary(report)));
    lines.push(format!("  cluster    {}, service {}", report.cluster, report.status));
    lines.push(format!(
        "  tasks      {} desired, {} running, {} pending",
        report.desired, report.running, report.pending
    ));
    for deployment in &report.deployments {
        let failed = if deployment.failed > 0 {
            format!(", {} failed", deployment.failed).red().to_string()
        } else {
            String::new()
        };
        let created = deployment.created.map(|created| format!(", {} ago", age(created, now))).unwrap_or_default();
        lines.push(format!(
            "  rollout    {} {} {}  {} of {} running{failed}{created}",
            deployment.status,
            deployment.task_definition,
            deployment.rollout_state.as_deref().unwrap_or("-"),
            deployment.running,
            deployment.desired,
        ));
    }
    if let Some(scaling) = &report.scaling {
        lines.push(format!("  scaling    {}", scaling_text(scaling)));
    }
    for service in &report.discovery {
        lines.push(format!("  discovery  {}  {}", service.name, service.addresses()));
    }
    lines.extend(report.url.iter().map(|url| format!("  url        {}", url.underline())));
    lines.extend(report.notes.iter().map(|note| format!("  {}       {}", "note".yellow(), clean(note, false))));
    if !report.tasks.is_empty() {
        lines.push(String::new());
        lines.push(
            format!("  {:<34}{:<14}{:<11}{:<10}{}", "TASK", "STATUS", "HEALTH", "AGE", "ADDRESS").bold().to_string(),
        );
    }
    for task in &report.tasks {
        let age = task.started.map(|started| age(started, now)).unwrap_or_default();
        let address = task.private_ip.as_deref().unwrap_or("-");
        lines.push(format!("  {:<34}{:<14}{:<11}{age:<10}{address}", task.id, task.last_status, task.health));
    }
    if !report.stopped.is_empty() {
        lines.push(String::new());
        lines.push(format!("  {:<7}{:<10}{}", "TIMES", "LAST", "TASKS STOPPED BECAUSE").bold().to_string());
    }
    for StoppedCause { cause, count, last, lines: log, .. } in &report.stopped {
        let age = last.map(|last| age(last, now)).unwrap_or_default();
        lines.push(format!("  {count:<7}{age:<10}{}", clean(cause, false)));
        lines.extend(log.iter().map(|line| format!("                   {}", clean(line, false).dimmed())));
    }
    let activities = report.scaling.iter().flat_map(|scaling| &scaling.activities).take(SHOWN_ACTIVITIES);
    for (number, ScalingActivity { started, status, description, cause }) in activities.enumerate() {
        if number == 0 {
            lines.extend([String::new(), format!("  {:<10}{:<12}{}", "AGE", "SCALING", "ACTIVITY").bold().to_string()]);
        }
        let age = started.map(|started| age(started, now)).unwrap_or_default();
        lines.push(format!("  {age:<10}{status:<12}{} {}", clean(description, false), clean(cause, false)));
    }
    if !report.events.is_empty() {
        lines.push(String::new());
        lines.push(format!("  {:<10}{}", "AGE", "EVENT").bold().to_string());
    }
    for event in &report.events {
        let age = event.timestamp.map(|timestamp| age(timestamp, now)).unwrap_or_default();
        lines.push(format!("  {age:<10}{}", clean(&event.message, false)));
    }
    lines
}

/// `1 to 10 tasks, METRIC at TARGET, scaling in suspended`
pub(super) fn scaling_text(ScalableTarget { min, max, suspended, policies, .. }: &ScalableTarget) -> String {
    let policies = policies.iter().map(|policy| format!("{} at {}", policy.metric, policy.target));
    let suspended = suspended.iter().map(|process| format!("{process} suspended"));
    let parts: Vec<String> =
        std::iter::once(format!("{min} to {max} tasks")).chain(policies).chain(suspended).collect();
    parts.join(", ")
}

/// `3s`, `5m 12s`, `2h 5m`, `3d`.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let rounded = (now - since).round(SpanRound::new().largest(Unit::Hour).smallest(Unit::Second));
    let Ok(span) = rounded else { return "?".to_owned() };
    match (span.get_hours(), span.get_minutes(), span.get_seconds()) {
        (0, 0, seconds) => format!("{}s", seconds.max(0)),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours @ 0..48, minutes, _) => format!("{hours}h {minutes}m"),
        (hours, ..) => format!("{}d", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() -> Result<(), jiff::Error> {
        let since: Timestamp = "2026-01-01T00:00:00Z".parse()?;
        for (now, text) in [
            ("2026-01-01T00:00:03.4Z", "3s"),
            ("2026-01-01T00:05:12Z", "5m 12s"),
            ("2026-01-01T02:05:12Z", "2h 5m"),
            ("2026-01-04T02:05:12Z", "3d"),
            ("2025-12-31T23:59:59Z", "0s"),
        ] {
            assert_eq!(age(since, now.parse()?), text);
        }
        Ok(())
    }
}
