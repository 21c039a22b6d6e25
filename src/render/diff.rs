//! Template diffs, in cdk's layout and colours, or as JSON.

use std::collections::BTreeMap;
use std::io;

use owo_colors::{OwoColorize as _, Style as Ansi};
use serde_json::{Value, json};

use super::{Ui, clean};
use crate::hint::Hint;
use crate::stack::TemplateDiff;
use crate::stack::diff::text::{self, Line, Style};
use crate::stack::diff::{Change, Impact, NamedChange, ResourceChange};
use crate::stack::security::{Changes, ManagedPolicy, Rule, SecurityChanges, Statement};

/// A stack's diff.
#[derive(Debug, Clone, PartialEq)]
pub struct StackDiff {
    /// The stack's name.
    pub name: String,
    /// What deploying it would change.
    pub diff: TemplateDiff,
    /// What the templates do not show.
    pub notes: Vec<Hint>,
}

/// Writes the diffs of several stacks, and how many of them differ. What the templates do not show is a warning.
pub fn diffs(ui: &mut Ui, diffs: &[StackDiff]) -> io::Result<()> {
    if ui.is_json() {
        let stacks: Vec<Value> = diffs.iter().map(|diff| stack_json(diff, ui)).collect();
        return ui.json_result(&json!({ "stacks": stacks }));
    }
    let columns = ui.columns();
    let different = diffs.iter().filter(|stack| !stack.diff.is_empty()).count();
    for StackDiff { name, diff, notes } in diffs {
        for line in text::stack(name, diff, columns) {
            writeln!(ui.results(), "{}", painted(&line))?;
        }
        for note in notes {
            ui.warn(&clean(&ui.text(note), false));
        }
    }
    for line in text::footer(different) {
        writeln!(ui.results(), "{}", painted(&line))?;
    }
    ui.results().flush()
}

/// Shows on stderr what a question is about: the changes of permissions and firewalls, or all when there are none of these.
pub fn asked_about(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let columns = ui.columns();
    let lines = match text::security(diff, columns) {
        none if none.is_empty() && diff.is_empty() => {
            vec![Line::new(
                Style::Note,
                format!("{stack}: tags, parameters or values that are decided at deployment change"),
            )]
        }
        none if none.is_empty() => text::stack(stack, diff, columns),
        lines => lines,
    };
    for line in lines {
        ui.ask_about(&painted(&line));
    }
}

/// Shows all changes of a stack that a question is about.
pub fn all_changes(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let columns = ui.columns();
    for line in text::stack(stack, diff, columns) {
        ui.ask_about(&painted(&line));
    }
}

/// Notes the changes of a stack that exists; of a new one everything is new.
pub fn changes(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let is_new = diff.resources.iter().all(|resource| resource.change.old.is_none());
    if is_new || ui.is_json() {
        return;
    }
    let columns = ui.columns();
    for line in text::stack(stack, diff, columns) {
        ui.note(&painted(&line));
    }
}

/// The line with cdk's colours. Values in it come from templates, which others may have written.
fn painted(line: &Line) -> String {
    line.0.iter().map(|segment| clean(&segment.text, false).style(ansi(segment.style)).to_string()).collect()
}

fn ansi(style: Style) -> Ansi {
    let plain = Ansi::new();
    match style {
        Style::Plain => plain,
        Style::StackName => plain.bold(),
        Style::Unchanged | Style::Addition => plain.green(),
        Style::Title => plain.bold().underline(),
        Style::Removal => plain.red(),
        Style::Update | Style::Note => plain.yellow(),
        Style::Dim => plain.bright_black(),
        Style::AddedLine => plain.bold().green(),
        Style::RemovedLine => plain.bold().red(),
        Style::Type => plain.cyan(),
        Style::Key => plain.blue(),
        Style::Hunk => plain.magenta(),
        Style::Caution => plain.italic().yellow(),
        Style::Danger => plain.italic().bold().red(),
    }
}

fn stack_json(StackDiff { name, diff, notes }: &StackDiff, ui: &Ui) -> Value {
    let notes: Vec<String> = notes.iter().map(|note| ui.text(note)).collect();
    let sections = diff.before_resources.iter().chain(&diff.after_resources);
    let sections =
        sections.flat_map(|(section, changes)| changes.iter().map(|change| entry_json(section.title, change)));
    let header = diff.header.iter().map(|change| entry_json("Header", change));
    json!({
        "stack": name,
        "different": !diff.is_empty(),
        "broadens_permissions": diff.security.is_broadening(),
        "resources": diff.resources.iter().map(|change| resource_json(change, &diff.paths)).collect::<Vec<_>>(),
        "other": header.chain(sections).collect::<Vec<_>>(),
        "security": security_json(&diff.security),
        "notes": notes,
    })
}

fn security_json(security: &SecurityChanges) -> Value {
    let SecurityChanges { statements, managed_policies, ingress, egress } = security;
    let statement = |one: &Statement| {
        json!({
            "sid": one.id,
            "effect": one.effect.name(),
            "actions": one.actions.values,
            "not_actions": one.actions.not,
            "resources": one.resources.values,
            "not_resources": one.resources.not,
            "principals": one.principals.values,
            "not_principals": one.principals.not,
            "condition": one.condition,
        })
    };
    let policy = |one: &ManagedPolicy| json!({ "identity": one.identity, "arn": one.arn });
    let rule = |one: &Rule| json!({ "group": one.group, "protocol": one.protocol_text(), "peer": one.peer_text() });
    json!({
        "statements": changes_json(statements, statement),
        "managed_policies": changes_json(managed_policies, policy),
        "ingress": changes_json(ingress, rule),
        "egress": changes_json(egress, rule),
    })
}

fn changes_json<T>(changes: &Changes<T>, one: impl Fn(&T) -> Value) -> Value {
    let list = |these: &[T]| these.iter().map(&one).collect::<Vec<_>>();
    json!({ "added": list(&changes.added), "removed": list(&changes.removed) })
}

fn entry_json(section: &str, NamedChange { name, change: Change { old, new } }: &NamedChange) -> Value {
    json!({ "section": section, "name": name, "old": old, "new": new })
}

fn resource_json(resource: &ResourceChange, paths: &BTreeMap<String, String>) -> Value {
    let ResourceChange { logical_id, change, properties, impact } = resource;
    let of_type = |value: &Option<Value>| value.as_ref().and_then(|value| value.get("Type")).cloned();
    let properties = properties.iter().map(|property| {
        let Change { old, new } = &property.change;
        json!({ "name": property.name, "old": old, "new": new, "impact": impact_name(property.impact) })
    });
    json!({
        "logical_id": logical_id,
        "path": paths.get(logical_id),
        "type": of_type(&change.new).or_else(|| of_type(&change.old)),
        "impact": impact_name(*impact),
        "old": change.old,
        "new": change.new,
        "properties": properties.collect::<Vec<_>>(),
    })
}

fn impact_name(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "none",
        Impact::Update => "update",
        Impact::Create => "create",
        Impact::Orphan => "orphan",
        Impact::MayReplace => "may_replace",
        Impact::Replace => "replace",
        Impact::Destroy => "destroy",
    }
}
