//! Prints a service's status: the full report, or one line per change for `status --watch` without a terminal.

use std::io;

use jiff::{SpanRound, Timestamp, Unit};
use owo_colors::OwoColorize as _;

use super::{Ui, clean};
use crate::model::ScalableTarget;
use crate::ops::StatusReport;

/// Writes the whole report.
pub(crate) fn status(ui: &mut Ui, report: &StatusReport, now: Timestamp) -> io::Result<()> {
    if ui.is_json() {
        return ui.json_result(report);
    }
    for line in lines(report, now) {
        writeln!(ui.results(), "{line}")?;
    }
    ui.results().flush()
}

/// Writes the counts on one line, in the format of the workshop's `aws … | jq` command.
pub(crate) fn status_line(ui: &mut Ui, report: &StatusReport) -> io::Result<()> {
    if ui.is_json() {
        return ui.json_line(report);
    }
    let StatusReport { desired, running, pending, .. } = report;
    let rollout =
        report.deployments.first().and_then(|deployment| deployment.rollout_state.clone()).unwrap_or_default();
    writeln!(ui.results(), "Tasks Desired: {desired} vs Tasks Running: {running} (pending {pending}) {rollout}")?;
    ui.results().flush()
}

/// The report as coloured lines.
fn lines(report: &StatusReport, now: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    let state = if report.steady { "steady".green().to_string() } else { "not steady".yellow().to_string() };
    lines.push(format!("{} in {}  {}  {state}", report.service.bold(), report.cluster, report.status));
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
        lines.push(format!(
            "  rollout    {} {} {}  {} of {} running{failed}",
            deployment.status,
            deployment.task_definition,
            deployment.rollout_state.as_deref().unwrap_or("-"),
            deployment.running,
            deployment.desired,
        ));
    }
    if let Some(scaling) = &report.scaling {
        lines.push(format!("  scaling    {} to {} tasks{}", scaling.min, scaling.max, policies_text(scaling)));
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

/// The scaling policies: `, METRIC at TARGET` for each.
pub(super) fn policies_text(scaling: &ScalableTarget) -> String {
    let targets = scaling.policies.iter().map(|policy| format!(", {} at {}", policy.metric, policy.target));
    targets.collect::<Vec<_>>().concat()
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
