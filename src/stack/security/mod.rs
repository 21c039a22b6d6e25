//! Changes to permissions and security groups between templates.

use serde_json::{Map, Value};

use super::diff::equality::equal;

mod intrinsics;
mod rule;
mod statement;

pub use rule::Rule;
pub use statement::{Effect, Statement, StatementElements};

/// Added and removed items.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes<T> {
    /// Added items.
    pub added: Vec<T>,
    /// Removed items.
    pub removed: Vec<T>,
}

impl<T: PartialEq + Clone> Changes<T> {
    fn between(old: &[T], new: &[T]) -> Self {
        let without = |items: &[T], others: &[T]| items.iter().filter(|item| !others.contains(item)).cloned().collect();
        Self { added: without(new, old), removed: without(old, new) }
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

/// Changes to permissions and security groups.
#[derive(Debug, Clone, PartialEq)]
pub struct SecurityChanges {
    /// Statements of policies.
    pub statements: Changes<Statement>,
    /// Managed policies of roles.
    pub managed_policies: Changes<ManagedPolicy>,
    /// Inbound rules of security groups.
    pub ingress: Changes<Rule>,
    /// Outbound rules of security groups.
    pub egress: Changes<Rule>,
}

impl SecurityChanges {
    /// Compares the grants of changed resources; the same grant in an unchanged resource does not count.
    pub(super) fn between(old: &Map<String, Value>, new: &Map<String, Value>) -> Self {
        let is_changed = |id: &String| !matches!((old.get(id), new.get(id)), (Some(old), Some(new)) if equal(old, new));
        let grants = |resources: &Map<String, Value>| Grants::read(resources.iter().filter(|(id, _)| is_changed(id)));
        let (old, new) = (grants(old), grants(new));
        Self {
            statements: Changes::between(&old.statements, &new.statements),
            managed_policies: Changes::between(&old.managed_policies, &new.managed_policies),
            ingress: Changes::between(&old.ingress, &new.ingress),
            egress: Changes::between(&old.egress, &new.egress),
        }
    }

    /// Whether the changes allow more actions or connections than before.
    pub fn is_broadening(&self) -> bool {
        self.statements.added.iter().any(|statement| !statement.is_negative())
            || self.statements.removed.iter().any(Statement::is_negative)
            || !self.managed_policies.added.is_empty()
            || !self.ingress.added.is_empty()
            || !self.egress.added.is_empty()
    }
}

/// The permissions and rules of resources.
#[derive(Default)]
struct Grants {
    statements: Vec<Statement>,
    managed_policies: Vec<ManagedPolicy>,
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
}

impl Grants {
    fn read<'a>(resources: impl Iterator<Item = (&'a String, &'a Value)>) -> Self {
        let mut grants = Self::default();
        for (id, resource) in resources {
            let properties = intrinsics::rendered(&resource["Properties"]);
            grants.add(id, resource["Type"].as_str().unwrap_or_default(), &properties);
        }
        grants
    }

    fn add(&mut self, id: &str, kind: &str, properties: &Value) {
        let group = format!("${{{id}.GroupId}}");
        match kind {
            "AWS::IAM::Role" => self.add_role(id, properties),
            "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => {
                self.statements.extend(statement::policy_statements(properties));
            }
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

    fn add_role(&mut self, id: &str, properties: &Value) {
        let identity = format!("${{{id}}}");
        let arn = format!("${{{id}.Arn}}");
        self.statements.extend(statement::resource_statements(&properties["AssumeRolePolicyDocument"], &arn));
        for policy in properties["Policies"].as_array().into_iter().flatten() {
            self.statements
                .extend(statement::identity_statements(&policy["PolicyDocument"], &format!("AWS:{identity}")));
        }
        let arns = properties["ManagedPolicyArns"].as_array().into_iter().flatten().filter_map(Value::as_str);
        self.managed_policies.extend(arns.map(|arn| ManagedPolicy { identity: identity.clone(), arn: arn.to_owned() }));
    }
}
