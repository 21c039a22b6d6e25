//! Prints template diffs with the layout and colours of `cdk diff`, or as JSON.

use std::io;

use owo_colors::{OwoColorize as _, Style as Ansi};
use serde_json::{Value, json};

use super::{Ui, clean};
use crate::ops::StackDiff;
use crate::stack::TemplateDiff;

mod edit_script;
mod hunk;
mod json;
mod security_tables;
mod table;
pub mod text;
mod tree;

use json::stack_json;
use text::{Line, Style};

/// Prints the diffs of stacks and the number of stacks with differences. Notes are printed as warnings.
pub(crate) fn diffs(ui: &mut Ui, diffs: &[StackDiff]) -> io::Result<()> {
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
            ui.warn(&clean(&ui.hint_text(note), false));
        }
    }
    for line in text::footer(different) {
        writeln!(ui.results(), "{}", painted(&line))?;
    }
    ui.results().flush()
}

/// Prints to stderr the changes that need approval: those to permissions and security groups, or all changes if there are none.
pub(crate) fn show_pending_approval(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let columns = ui.columns();
    let lines = match text::security(diff, columns) {
        empty if empty.is_empty() && diff.is_empty() => {
            vec![Line::new(
                Style::Note,
                format!("{stack}: changes of tags, parameters or values that are resolved at deployment"),
            )]
        }
        empty if empty.is_empty() => text::stack(stack, diff, columns),
        lines => lines,
    };
    for line in lines {
        ui.print_question_context(&painted(&line));
    }
}

/// Prints to stderr all changes of a stack that needs approval.
pub(crate) fn show_all_changes(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let columns = ui.columns();
    for line in text::stack(stack, diff, columns) {
        ui.print_question_context(&painted(&line));
    }
}

/// Prints the changes of an existing stack. Those of a new stack are not printed, because everything is new.
pub(crate) fn show_changes(ui: &mut Ui, stack: &str, diff: &TemplateDiff) {
    let is_new = diff.resources.iter().all(|resource| resource.change.old.is_none());
    if is_new || ui.is_json() {
        return;
    }
    let columns = ui.columns();
    for line in text::stack(stack, diff, columns) {
        ui.note(&painted(&line));
    }
}

/// The line with cdk's colours. Control characters are removed, because values come from templates of unknown origin.
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
