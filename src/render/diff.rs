//! Template diffs, in cdk's layout and colours, or as JSON.

use std::io;

use owo_colors::{OwoColorize as _, Style as Ansi};
use serde_json::{Value, json};

use super::{Ui, clean};
use crate::stack::TemplateDiff;
use crate::stack::diff::text::{self, Line, Style};
use crate::stack::diff::{Change, Impact, NamedChange, ResourceChange};

/// Writes the diffs of several stacks, and how many of them differ.
pub fn diffs(ui: &mut Ui, diffs: &[(String, TemplateDiff)]) -> io::Result<()> {
    if ui.is_json() {
        let stacks: Vec<Value> = diffs.iter().map(|(name, diff)| stack_json(name, diff)).collect();
        return ui.json_result(&json!({ "stacks": stacks }));
    }
    let columns = ui.columns();
    let different = diffs.iter().filter(|(_, diff)| !diff.is_empty()).count();
    let bodies = diffs.iter().flat_map(|(name, diff)| text::stack(name, diff, columns));
    for line in bodies.chain(text::footer(different)) {
        writeln!(ui.results(), "{}", painted(&line))?;
    }
    ui.results().flush()
}

/// Shows on stderr what a question is about: the changes of permissions and firewalls, or all when there are none of these.
pub fn security(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let columns = ui.columns();
    let lines = match text::security(diff, columns) {
        none if none.is_empty() => text::stack(stack, diff, columns),
        lines => lines,
    };
    for line in lines {
        ui.ask_about(&painted(&line));
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

fn stack_json(name: &str, diff: &TemplateDiff) -> Value {
    let sections = diff.before_resources.iter().chain(&diff.after_resources);
    let sections =
        sections.flat_map(|(section, changes)| changes.iter().map(|change| entry_json(section.title, change)));
    let header = diff.header.iter().map(|change| entry_json("Header", change));
    json!({
        "stack": name,
        "different": !diff.is_empty(),
        "broadens_permissions": diff.security.is_broadening(),
        "resources": diff.resources.iter().map(resource_json).collect::<Vec<_>>(),
        "other": header.chain(sections).collect::<Vec<_>>(),
    })
}

fn entry_json(section: &str, NamedChange { name, change: Change { old, new } }: &NamedChange) -> Value {
    json!({ "section": section, "name": name, "old": old, "new": new })
}

fn resource_json(resource: &ResourceChange) -> Value {
    let ResourceChange { logical_id, change, properties, impact } = resource;
    let of_type = |value: &Option<Value>| value.as_ref().and_then(|value| value.get("Type")).cloned();
    let properties = properties.iter().map(|property| {
        let Change { old, new } = &property.change;
        json!({ "name": property.name, "old": old, "new": new, "impact": impact_name(property.impact) })
    });
    json!({
        "logical_id": logical_id,
        "type": of_type(&change.new).or_else(|| of_type(&change.old)),
        "impact": impact_name(*impact),
        "properties": properties.collect::<Vec<_>>(),
    })
}

fn impact_name(impact: Impact) -> String {
    format!("{impact:?}").to_lowercase()
}
