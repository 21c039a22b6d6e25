//! The summary after a deploy: outcomes of the stacks, outputs, addresses and suggested commands. Also the plan before a deletion.

use std::io;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::lines::past_tense;
use crate::error::CliError;
use crate::hint::Command;
use crate::ops::{DeletionPlan, Operation};
use crate::render::{Ui, clean};

/// Writes the last event of a command with JSON events: `done`, or `failed` with the error. Writes nothing for text output.
pub fn ended(ui: &mut Ui, error: Option<&CliError>) -> io::Result<()> {
    if !ui.is_json() {
        return Ok(());
    }
    ui.json_line(&match error {
        None => json!({ "event": "done" }),
        Some(error) => json!({ "event": "failed", "exit": error.exit.code(), "message": error.summary() }),
    })
}

/// The outcome of a stack's deploy.
#[derive(Debug, Clone, PartialEq)]
pub enum StackEnd {
    /// The stack is up to date.
    NoChanges,
    /// A change set was created, but not executed.
    Prepared,
    /// The operation succeeded; its duration in seconds.
    Done(Operation, f64),
    /// The operation failed.
    Failed,
    /// The user declined, so nothing was changed.
    NotApproved,
    /// The deploy was rejected before anything changed.
    NotChanged,
    /// The stack was skipped, because this stack was not deployed.
    Skipped(String),
}

/// The results of a deploy that are printed at its end.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Every stack and its outcome; printed if there are several.
    pub stacks: Vec<(String, StackEnd)>,
    /// Stack, key and value of every output.
    pub outputs: Vec<(String, String, String)>,
    /// Services and their addresses: the local URL in the sandbox, and the Cloud Map name with its port.
    pub services: Vec<(String, Vec<String>)>,
    /// Commands to try next.
    pub next: Vec<Command>,
}

/// Prints the summary.
pub fn summary(ui: &mut Ui, summary: &Summary) -> io::Result<()> {
    if summary.stacks.len() > 1 {
        let width = summary.stacks.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let lines =
            summary.stacks.iter().map(|(name, end)| format!("  {} {name:<width$}  {}", mark(end), describe(end)));
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
        writeln!(out, "  {} answers at {}", service.cyan(), addresses.join(" and as "))?;
    }
    out.flush()?;
    if !summary.next.is_empty() {
        let commands: Vec<String> = summary.next.iter().map(|command| ui.command_text(command)).collect();
        ui.note(&format!("\n{}\n  {}", "Try next:".bold(), commands.join("\n  ")));
    }
    Ok(())
}

/// Prints what deleting these stacks deletes and keeps.
pub fn deletion_plans(ui: &mut Ui, deletion_plans: &[DeletionPlan]) {
    for DeletionPlan { stack, deleted, kept, deleted_log_groups, .. } in deletion_plans {
        ui.note(&format!("{}: {} of {deleted} resources", stack.bold(), "deletion".red()));
        for id in deleted_log_groups {
            ui.note(&format!("  {} log group {} with its events", "deletes:".red(), clean(id, false)));
        }
        for (resource_type, id) in kept {
            ui.note(&format!("  {} {} {}", "keeps:".green(), clean(resource_type, false), clean(id, false)));
        }
    }
}

fn mark(end: &StackEnd) -> String {
    match end {
        StackEnd::NoChanges | StackEnd::Prepared | StackEnd::Done(..) => "✓".green().to_string(),
        StackEnd::Failed => "✗".red().to_string(),
        StackEnd::NotApproved | StackEnd::NotChanged | StackEnd::Skipped(_) => "-".yellow().to_string(),
    }
}

fn describe(end: &StackEnd) -> String {
    match end {
        StackEnd::NoChanges => "no changes".to_owned(),
        StackEnd::Prepared => "change set created".to_owned(),
        StackEnd::Done(operation, seconds) => format!("{} in {seconds:.1} s", past_tense(*operation)),
        StackEnd::Failed => "failed".to_owned(),
        StackEnd::NotApproved => "not approved, not changed".to_owned(),
        StackEnd::NotChanged => "not changed".to_owned(),
        StackEnd::Skipped(needed) => format!("skipped: {needed} was not deployed"),
    }
}
