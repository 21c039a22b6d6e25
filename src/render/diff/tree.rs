//! Lays out the changes within a resource as a tree: maps key by key, other values as old and new or as hunks.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::hunk::hunks;
use super::text::{Line, Segment, Style, hunk_lines, tag};
use crate::stack::diff::{Change, Impact, PropertyChange, equal};

/// A value on one line: strings as is, other values as JSON.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The lines of one property; `last` is whether it is the resource's last.
pub(super) fn property(property: &PropertyChange, last: bool) -> Vec<Line> {
    let PropertyChange { name, change, impact } = property;
    let info = match impact {
        Impact::MayReplace => " (may cause replacement)",
        Impact::Replace => " (requires replacement)",
        _ => "",
    };
    let line = tag(Line::new(Style::Plain, format!(" {}─ ", branch(last))), change);
    let mut lines = vec![line.with(Style::Plain, format!(" {name}{info}"))];
    if !change.is_undisplayable() {
        lines.extend(values(change, &format!(" {}", stem(last))));
    }
    lines
}

fn branch(last: bool) -> char {
    if last { '└' } else { '├' }
}

fn stem(last: bool) -> char {
    if last { ' ' } else { '│' }
}

/// The changes between two values, each line after `prefix`.
fn values(change: &Change, prefix: &str) -> Vec<Line> {
    let line = |text: &str| Line::new(Style::Plain, format!("{prefix}   {text}"));
    match (&change.old, &change.new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => maps(old, new, prefix),
        (Some(Value::Object(old)), Some(Value::Array(new))) => maps(old, &by_index(new), prefix),
        (Some(old), Some(new)) if is_structure(old) || is_structure(new) => {
            let lines = hunks(old, new).into_iter().flat_map(hunk_lines).enumerate();
            lines.map(|(at, text)| joined(line(if at == 0 { "└─ " } else { "   " }), text)).collect()
        }
        (Some(old), Some(new)) => vec![
            line("├─ ").with(Style::Removal, "[-]").with(Style::Plain, " ").with(Style::Removal, compact(old)),
            line("└─ ").with(Style::Addition, "[+]").with(Style::Plain, " ").with(Style::Addition, compact(new)),
        ],
        (Some(old), None) => vec![line("└─ ").with(Style::Removal, compact(old))],
        (None, Some(new)) => vec![line("└─ ").with(Style::Addition, compact(new))],
        (None, None) => Vec::new(),
    }
}

/// A list as JavaScript enumerates it: a map with the indices as keys.
fn by_index(items: &[Value]) -> Map<String, Value> {
    items.iter().enumerate().map(|(at, item)| (at.to_string(), item.clone())).collect()
}

fn is_structure(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn joined(Line(mut start): Line, Line(rest): Line) -> Line {
    start.extend::<Vec<Segment>>(rest);
    Line(start)
}

fn maps(old: &Map<String, Value>, new: &Map<String, Value>, prefix: &str) -> Vec<Line> {
    let is_same = |key: &String| matches!((old.get(key), new.get(key)), (Some(old), Some(new)) if equal(old, new));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).filter(|key| !is_same(key)).collect();
    let last = keys.len().saturating_sub(1);
    let lines = keys.into_iter().enumerate().flat_map(|(at, key)| {
        let change = Change { old: old.get(key).cloned(), new: new.get(key).cloned() };
        let start = tag(Line::new(Style::Plain, format!("{prefix}   {}─ ", branch(at == last))), &change);
        let name = format!(".{key}");
        match (&change.old, &change.new) {
            (Some(_), Some(_)) => {
                let mut lines = vec![start.with(Style::Plain, " ").with(Style::Key, name).with(Style::Plain, ":")];
                lines.extend(values(&change, &format!("{prefix}   {}", stem(at == last))));
                lines
            }
            (Some(_), None) => vec![start.with(Style::Plain, " Removed: ").with(Style::Key, name)],
            (None, _) => vec![start.with(Style::Plain, " Added: ").with(Style::Key, name)],
        }
    });
    lines.collect()
}
