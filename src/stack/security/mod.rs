//! What a template change does to permissions and firewalls.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::diff::TableRow;
use super::diff::equality::equal;
use super::diff::text::{Style, short_path};

mod intrinsics;
mod rule;
mod statement;

pub use rule::Rule;
pub use statement::{Effect, Statement, Targets};

/// What is added and what is removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes<T> {
    /// New ones.
    pub added: Vec<T>,
    /// Those that are no more.
    pub removed: Vec<T>,
}

impl<T: PartialEq + Clone> Changes<T> {
    fn between(old: &[T], new: &[T]) -> Self {
        let without = |these: &[T], others: &[T]| these.iter().filter(|one| !others.contains(one)).cloned().collect();
        Self { added: without(new, old), removed: without(old, new) }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    fn signed(&self) -> impl Iterator<Item = (&'static str, Style, &T)> {
        let added = self.added.iter().map(|one| ("+", Style::Addition, one));
        added.chain(self.removed.iter().map(|one| ("-", Style::Removal, one)))
    }
}

/// A managed policy of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// The role, as `${LogicalId}`.
    pub identity: String,
    /// The policy's ARN.
    pub arn: String,
}

/// What changes in permissions and firewalls.
#[derive(Debug, Clone, PartialEq)]
pub struct SecurityChanges {
    /// Statements of policies.
    pub statements: Changes<Statement>,
    /// Managed policies of roles.
    pub managed_policies: Changes<ManagedPolicy>,
    /// Rules for what comes in.
    pub ingress: Changes<Rule>,
    /// Rules for what goes out.
    pub egress: Changes<Rule>,
}

impl SecurityChanges {
    /// What the resources that change grant before and after; the same grant elsewhere does not count.
    pub(super) fn between(old: &Map<String, Value>, new: &Map<String, Value>) -> Self {
        let changes = |id: &String| !matches!((old.get(id), new.get(id)), (Some(old), Some(new)) if equal(old, new));
        let grants = |resources: &Map<String, Value>| Grants::of(resources.iter().filter(|(id, _)| changes(id)));
        let (old, new) = (grants(old), grants(new));
        Self {
            statements: Changes::between(&old.statements, &new.statements),
            managed_policies: Changes::between(&old.managed_policies, &new.managed_policies),
            ingress: Changes::between(&old.ingress, &new.ingress),
            egress: Changes::between(&old.egress, &new.egress),
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
            && self.managed_policies.is_empty()
            && self.ingress.is_empty()
            && self.egress.is_empty()
    }

    /// Whether someone may do or reach more than before.
    pub fn is_broadening(&self) -> bool {
        self.statements.added.iter().any(|statement| !statement.is_negative())
            || self.statements.removed.iter().any(Statement::is_negative)
            || !self.managed_policies.added.is_empty()
            || !self.ingress.added.is_empty()
            || !self.egress.added.is_empty()
    }

    /// The tables that are not empty: title and rows, the first being the header.
    pub(super) fn tables(&self, paths: &BTreeMap<String, String>) -> Vec<(&'static str, Vec<TableRow>)> {
        let statements = self.statements.signed().map(|(sign, style, statement)| {
            let [resource, action, principal] =
                [&statement.resources, &statement.actions, &statement.principals].map(Targets::to_string);
            if let Some(text) = &statement.unresolved {
                return row(style, [sign, text, "", "", &principal, ""]);
            }
            let effect = statement.effect.name();
            row(style, [sign, &resource, effect, &action, &principal, &statement.condition_text()])
        });
        let policies = self
            .managed_policies
            .signed()
            .map(|(sign, style, policy)| row(style, [sign, &policy.identity, &policy.arn]));
        let rule = |direction: &'static str| {
            move |(sign, style, rule): (&str, Style, &Rule)| {
                row(style, [sign, &rule.group, direction, &rule.protocol_text(), &rule.peer_text()])
            }
        };
        let rules = self.ingress.signed().map(rule("In")).chain(self.egress.signed().map(rule("Out")));
        let tables = [
            (
                "IAM Statement Changes",
                vec!["", "Resource", "Effect", "Action", "Principal", "Condition"],
                statements.collect(),
            ),
            ("IAM Policy Changes", vec!["", "Resource", "Managed Policy ARN"], policies.collect()),
            ("Security Group Changes", vec!["", "Group", "Dir", "Protocol", "Peer"], rules.collect::<Vec<TableRow>>()),
        ];
        tables
            .into_iter()
            .filter(|(_, _, rows)| !rows.is_empty())
            .map(|(title, header, mut rows)| {
                rows.sort_by(|left, right| left.cells[1].cmp(&right.cells[1]));
                rows.iter_mut().flat_map(|row| &mut row.cells).for_each(|cell| *cell = with_paths(cell, paths));
                let header = header.into_iter().map(str::to_owned).collect();
                rows.insert(0, TableRow { style: Style::Plain, cells: header });
                (title, rows)
            })
            .collect()
    }
}

fn row<const N: usize>(style: Style, cells: [&str; N]) -> TableRow {
    TableRow { style, cells: cells.map(str::to_owned).to_vec() }
}

/// `${LogicalId.Arn}` with the construct path in the logical id's place.
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

/// What a template grants.
#[derive(Default)]
struct Grants {
    statements: Vec<Statement>,
    managed_policies: Vec<ManagedPolicy>,
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
}

impl Grants {
    fn of<'a>(resources: impl Iterator<Item = (&'a String, &'a Value)>) -> Self {
        let mut grants = Self::default();
        for (id, resource) in resources {
            let properties = intrinsics::rendered(&resource["Properties"]);
            grants.read(id, resource["Type"].as_str().unwrap_or_default(), &properties);
        }
        grants
    }

    fn read(&mut self, id: &str, kind: &str, properties: &Value) {
        let group = format!("${{{id}.GroupId}}");
        match kind {
            "AWS::IAM::Role" => self.read_role(id, properties),
            "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => self.statements.extend(statement::of_policy(properties)),
            "AWS::EC2::SecurityGroup" => {
                let rules = |key: &str| {
                    properties[key]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|rule| Rule::read(rule, &group))
                        .collect::<Vec<_>>()
                };
                self.ingress.extend(rules("SecurityGroupIngress"));
                self.egress.extend(rules("SecurityGroupEgress"));
            }
            "AWS::EC2::SecurityGroupIngress" => self.ingress.push(Rule::read(properties, "*unknown*")),
            "AWS::EC2::SecurityGroupEgress" => self.egress.push(Rule::read(properties, "*unknown*")),
            _ => {}
        }
    }

    fn read_role(&mut self, id: &str, properties: &Value) {
        let identity = format!("${{{id}}}");
        let arn = format!("${{{id}.Arn}}");
        self.statements.extend(statement::of_resource(&properties["AssumeRolePolicyDocument"], &arn));
        for policy in properties["Policies"].as_array().into_iter().flatten() {
            self.statements.extend(statement::of_identity(&policy["PolicyDocument"], &format!("AWS:{identity}")));
        }
        let arns = properties["ManagedPolicyArns"].as_array().into_iter().flatten().filter_map(Value::as_str);
        self.managed_policies.extend(arns.map(|arn| ManagedPolicy { identity: identity.clone(), arn: arn.to_owned() }));
    }
}
