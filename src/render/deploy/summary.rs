//! The summary after a deploy: outcomes of the stacks, outputs, addresses and suggested commands. Also the plan before a deletion.

use std::io;

use owo_colors::OwoColorize as _;
use serde_json::{Value, json};

use super::lines::past_tense;
use crate::hint::SuggestedCommand;
use crate::ops::{DeletionPlan, DeployResult, StackOutcome};
use crate::render::{Ui, clean};

/// Prints the last JSON event of a successful command.
pub(crate) fn print_done(ui: &mut Ui) -> io::Result<()> {
    print_last_event(ui, &json!({ "event": "done" }))
}

/// Prints the last JSON event of a failed command, with its exit code and the error.
pub(crate) fn print_failed(ui: &mut Ui, exit: u8, message: &str) -> io::Result<()> {
    print_last_event(ui, &json!({ "event": "failed", "exit": exit, "message": message }))
}

fn print_last_event(ui: &mut Ui, event: &Value) -> io::Result<()> {
    if ui.is_json() { ui.json_line(event) } else { Ok(()) }
}

/// The results of a deploy that are printed at its end.
#[derive(Debug)]
pub(crate) struct Summary<'a, E> {
    /// Every stack and its outcome; printed if there are several.
    pub stacks: Vec<(&'a str, &'a StackOutcome<E>)>,
    /// Stack, key and value of every output.
    pub outputs: Vec<(String, String, String)>,
    /// Services and their addresses: the local URL in the sandbox, and the Cloud Map name with its port.
    pub services: Vec<(String, Vec<String>)>,
    /// Commands to try next.
    pub next: Vec<SuggestedCommand>,
}

/// Prints the summary.
pub(crate) fn summary<E>(ui: &mut Ui, summary: &Summary<'_, E>) -> io::Result<()> {
    if summary.stacks.len() > 1 {
        let width = summary.stacks.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let lines = summary
            .stacks
            .iter()
            .map(|(name, outcome)| format!("  {} {name:<width$}  {}", outcome_symbol(outcome), outcome_text(outcome)));
        let lines: Vec<String> = lines.collect();
        ui.note(&format!("\n{}\n{}", "Stacks:".bold(), lines.join("\n")));
    }
    let out = ui.results();
    if !summary.outputs.is_empty() {
        writeln!(out, "\n{}", "Outputs:".bold())?;
        for (stack, key, value) in &summary.outputs {
            writeln!(out, "  {stack}.{} = {}", key.cyan(), clean(value, false))?;
        }
    }
    if summary.services.iter().any(|(_, addresses)| !addresses.is_empty()) {
        writeln!(out, "\n{}", "Services:".bold())?;
    }
    for (service, addresses) in summary.services.iter().filter(|(_, addresses)| !addresses.is_empty()) {
        let addresses: Vec<String> = addresses.iter().map(|address| address.underline().to_string()).collect();
        writeln!(out, "  {}: {}", service.cyan(), addresses.join(", "))?;
    }
    out.flush()?;
    if !summary.next.is_empty() {
        let commands: Vec<String> = summary.next.iter().map(|command| ui.command_text(command)).collect();
        ui.note(&format!("\n{}\n  {}", "Try next:".bold(), commands.join("\n  ")));
    }
    Ok(())
}

/// Prints what deleting these stacks deletes and retains.
pub(crate) fn deletion_plans(ui: &mut Ui, deletion_plans: &[DeletionPlan]) {
    for DeletionPlan { stack, deleted, retained, deleted_log_groups, .. } in deletion_plans {
        ui.note(&format!("{}: {} of {deleted} resources", stack.bold(), "deletion".red()));
        for id in deleted_log_groups {
            ui.note(&format!("  {} log group {} with its events", "deletes:".red(), clean(id, false)));
        }
        for (resource_type, id) in retained {
            ui.note(&format!("  {} {} {}", "retains:".green(), clean(resource_type, false), clean(id, false)));
        }
    }
}

fn outcome_symbol<E>(outcome: &StackOutcome<E>) -> String {
    match outcome {
        StackOutcome::Deployed(_) => "✓".green().to_string(),
        StackOutcome::Failed(_) => "✗".red().to_string(),
        StackOutcome::NotApproved(_)
        | StackOutcome::Rejected(_)
        | StackOutcome::Skipped(_)
        | StackOutcome::NotStarted => "-".yellow().to_string(),
    }
}

fn outcome_text<E>(outcome: &StackOutcome<E>) -> String {
    match outcome {
        StackOutcome::Deployed(deployed) => match deployed.result {
            DeployResult::NoChanges => "no changes".to_owned(),
            DeployResult::ChangeSetPrepared => "change set created".to_owned(),
            DeployResult::Done(operation, seconds) => format!("{} in {seconds:.1} s", past_tense(operation)),
        },
        StackOutcome::Failed(_) => "failed".to_owned(),
        StackOutcome::NotApproved(_) => "not approved, not changed".to_owned(),
        StackOutcome::Rejected(_) => "not changed".to_owned(),
        StackOutcome::NotStarted => "not started".to_owned(),
        StackOutcome::Skipped(failed) => format!("skipped: {failed} was not deployed"),
    }
}
