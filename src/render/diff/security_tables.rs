//! Lays out changes to permissions and security groups as the tables of `cdk diff`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::table::Row;
use super::text::Style;
use crate::stack::security::{Changes, Rule, SecurityChanges, Statement, StatementElements};
use crate::stack::short_path;

/// A title and its rows; the first row is the header.
type TitledTable = (&'static str, Vec<Row>);

/// The tables that are not empty. `paths` are construct paths by logical id.
pub(super) fn tables(changes: &SecurityChanges, paths: &BTreeMap<String, String>) -> Vec<TitledTable> {
    let rules = with_sign(&changes.ingress).map(|change| rule_row(change, "In"));
    let rules = rules.chain(with_sign(&changes.egress).map(|change| rule_row(change, "Out")));
    let tables = [
        (
            "IAM Statement Changes",
            vec!["", "Resource", "Effect", "Action", "Principal", "Condition"],
            statement_rows(changes),
        ),
        ("IAM Policy Changes", vec!["", "Resource", "Managed Policy ARN"], policy_rows(changes)),
        ("Security Group Changes", vec!["", "Group", "Dir", "Protocol", "Peer"], rules.collect()),
    ];
    tables
        .into_iter()
        .filter(|(_, _, rows)| !rows.is_empty())
        .map(|(title, header, mut rows)| {
            rows.sort_by(|left, right| left.cells[1].cmp(&right.cells[1]));
            rows.iter_mut().flat_map(|row| &mut row.cells).for_each(|cell| *cell = with_paths(cell, paths));
            let header = header.into_iter().map(str::to_owned).collect();
            rows.insert(0, Row { style: Style::Plain, cells: header });
            (title, rows)
        })
        .collect()
}

/// A change with its sign and style.
type Signed<'a, T> = (&'static str, Style, &'a T);

fn with_sign<T>(changes: &Changes<T>) -> impl Iterator<Item = Signed<'_, T>> {
    let added = changes.added.iter().map(|change| ("+", Style::Addition, change));
    added.chain(changes.removed.iter().map(|change| ("-", Style::Removal, change)))
}

fn statement_rows(changes: &SecurityChanges) -> Vec<Row> {
    let row = |(sign, style, statement): Signed<'_, Statement>| {
        let Statement { resources, effect, actions, principals, condition, .. } = statement;
        let principals = targets_text(principals);
        if let Some(text) = &statement.unresolved {
            return row(style, [sign, text, "", "", &principals, ""]);
        }
        let (resources, actions) = (targets_text(resources), targets_text(actions));
        row(style, [sign, &resources, effect.name(), &actions, &principals, &condition_text(condition)])
    };
    with_sign(&changes.statements).map(row).collect()
}

fn policy_rows(changes: &SecurityChanges) -> Vec<Row> {
    let policies = with_sign(&changes.managed_policies);
    policies.map(|(sign, style, policy)| row(style, [sign, &policy.identity, &policy.arn])).collect()
}

fn rule_row((sign, style, rule): Signed<'_, Rule>, direction: &str) -> Row {
    row(style, [sign, &rule.group, direction, &protocol(rule), &peer(rule)])
}

fn row<const N: usize>(style: Style, cells: [&str; N]) -> Row {
    Row { style, cells: cells.map(str::to_owned).to_vec() }
}

/// The values, one per line.
fn targets_text(targets: &StatementElements) -> String {
    let not = if targets.not { "NOT " } else { "" };
    let lines: Vec<String> = targets.values.iter().map(|value| format!("{not}{value}")).collect();
    lines.join("\n")
}

/// The conditions of a statement as JSON without the outer braces.
fn condition_text(condition: &Value) -> String {
    match condition {
        Value::Object(map) if !map.is_empty() => {
            let json = format!("{condition:#}");
            let lines: Vec<&str> = json.lines().collect();
            lines[1..lines.len() - 1].iter().map(|line| &line[2..]).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Replaces the logical ids in `${LogicalId.Arn}` by construct paths.
fn with_paths(cell: &str, paths: &BTreeMap<String, String>) -> String {
    let mut parts = cell.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['.', '}']).unwrap_or(part.len());
        let path = paths.get(&part[..end]).map_or(&part[..end], |path| short_path(path));
        text.push_str("${");
        text.push_str(path);
        text.push_str(&part[end..]);
    }
    text
}

/// `TCP 80`, `Everything`.
pub(super) fn protocol(rule: &Rule) -> String {
    let protocol = rule.protocol.to_uppercase();
    match (&rule.from_port, &rule.to_port) {
        _ if protocol == "-1" => "Everything".to_owned(),
        (from, _) if from.as_i64() == Some(-1) => format!("All {protocol}"),
        (Value::Null, Value::Null) => protocol,
        (from, to) if from == to => format!("{protocol} {}", port(from)),
        (from, to) => format!("{protocol} {}-{}", port(from), port(to)),
    }
}

/// `Everyone (IPv4)`, an address or a group.
pub(super) fn peer(rule: &Rule) -> String {
    match rule.peer.as_ref().map(|(_, peer)| peer.as_str()) {
        Some("0.0.0.0/0") => "Everyone (IPv4)".to_owned(),
        Some("::/0") => "Everyone (IPv6)".to_owned(),
        Some(peer) => peer.to_owned(),
        None => "?".to_owned(),
    }
}

/// A number as is, an intrinsic function as JSON.
fn port(port: &Value) -> String {
    port.as_str().map_or_else(|| port.to_string(), str::to_owned)
}
