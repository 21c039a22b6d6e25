//! Unified hunks of two JSON values, with three lines of context.

use serde_json::Value;

use super::edit_script::{LineEdit, script};

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// A hunk: the header, and the lines without their common indentation.
pub(super) struct Hunk {
    pub header: String,
    pub lines: Vec<(LineEdit, String)>,
}

/// The hunks between two values written as JSON with an indentation of two.
pub(super) fn hunks(old: &Value, new: &Value) -> Vec<Hunk> {
    let (old, new) = (format!("{old:#}"), format!("{new:#}"));
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let edits = script(&old, &new);
    groups(&edits).into_iter().map(|(from, to)| hunk(&edits, from, to, &old, &new)).collect()
}

/// The ranges of edits of each hunk: changes with their context, merged if the contexts touch.
fn groups(edits: &[LineEdit]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, _) in edits.iter().enumerate().filter(|(_, edit)| **edit != LineEdit::Keep) {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + 1 + CONTEXT).min(edits.len()));
        match groups.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => groups.push((from, to)),
        }
    }
    groups
}

fn hunk(edits: &[LineEdit], from: usize, to: usize, old: &[&str], new: &[&str]) -> Hunk {
    let count = |edits: &[LineEdit], other: LineEdit| edits.iter().filter(|edit| **edit != other).count();
    let (mut old_at, mut new_at) = (count(&edits[..from], LineEdit::Add), count(&edits[..from], LineEdit::Remove));
    let (old_lines, new_lines) = (count(&edits[from..to], LineEdit::Add), count(&edits[from..to], LineEdit::Remove));
    let header = format!("@@ -{},{old_lines} +{},{new_lines} @@", old_at + 1, new_at + 1);
    let mut lines = Vec::new();
    for edit in &edits[from..to] {
        let line = if *edit == LineEdit::Add { new[new_at] } else { old[old_at] };
        lines.push((*edit, line.trim_end_matches('\n')));
        old_at += usize::from(*edit != LineEdit::Add);
        new_at += usize::from(*edit != LineEdit::Remove);
    }
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let common = lines.iter().map(|(_, line)| indentation(line)).min().unwrap_or_default();
    Hunk { header, lines: lines.into_iter().map(|(edit, line)| (edit, line[common..].to_owned())).collect() }
}
