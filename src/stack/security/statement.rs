//! Statements of IAM policies.

use serde_json::Value;

use super::intrinsics::display_text;

/// The effect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
    /// Any other value, such as an intrinsic function.
    Unknown,
}

impl Effect {
    /// Its name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::Unknown => "Unknown",
        }
    }
}

/// Actions, resources or principals of a statement, or their negation (`NotAction`, …).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementElements {
    /// The values, sorted.
    pub values: Vec<String>,
    /// Whether it matches everything except these values.
    pub not: bool,
}

impl StatementElements {
    fn read(statement: &Value, key: &str) -> Self {
        let negative = &statement[format!("Not{key}")];
        let not = !negative.is_null();
        let mut values = strings(if not { negative } else { &statement[key] });
        values.sort();
        Self { values, not }
    }

    /// Replaces a missing value and `*` by `default`.
    fn or(mut self, default: &str) -> Self {
        if self.values.is_empty() {
            self.values.push("*".to_owned());
        }
        self.values.iter_mut().filter(|value| *value == "*").for_each(|value| default.clone_into(value));
        self.values.sort();
        self
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|item| strings(item).join(",")).collect(),
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| strings(value).into_iter().map(move |value| format!("{key}:{value}")))
            .collect(),
        scalar => vec![display_text(scalar)],
    }
}

/// A statement, including the principals or resources that are implied by what its policy is attached to.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Sid.
    pub id: Option<String>,
    /// Whether it allows or denies.
    pub effect: Effect,
    /// Resource or NotResource.
    pub resources: StatementElements,
    /// Action or NotAction.
    pub actions: StatementElements,
    /// Principal or NotPrincipal.
    pub principals: StatementElements,
    pub condition: Value,
    /// The text of a statement that is an intrinsic function, which only CloudFormation can resolve; the other fields are then empty.
    pub unresolved: Option<String>,
}

impl Statement {
    fn read(statement: &Value) -> Self {
        Self {
            unresolved: statement.as_str().map(str::to_owned),
            id: statement["Sid"].as_str().map(str::to_owned),
            effect: match statement["Effect"].as_str() {
                Some("Allow") => Effect::Allow,
                Some("Deny") => Effect::Deny,
                _ => Effect::Unknown,
            },
            resources: StatementElements::read(statement, "Resource"),
            actions: StatementElements::read(statement, "Action"),
            principals: StatementElements::read(statement, "Principal"),
            condition: statement["Condition"].clone(),
        }
    }

    /// Whether the statement denies, or allows all except some.
    pub fn is_negative(&self) -> bool {
        let not = self.actions.not || self.principals.not || self.resources.not;
        if self.effect == Effect::Allow { not } else { !not }
    }
}

fn statements(document: &Value) -> Vec<Statement> {
    match &document["Statement"] {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(Statement::read).collect(),
        one => vec![Statement::read(one)],
    }
}

/// The statements of a policy document that is attached to `identity`.
pub(super) fn identity_statements(document: &Value, identity: &str) -> Vec<Statement> {
    let with_principal =
        |statement: Statement| Statement { principals: statement.principals.or(identity), ..statement };
    statements(document).into_iter().map(with_principal).collect()
}

/// The statements of a policy document that is attached to the resource `arn`.
pub(super) fn resource_statements(document: &Value, arn: &str) -> Vec<Statement> {
    let with_resource = |statement: Statement| Statement { resources: statement.resources.or(arn), ..statement };
    statements(document).into_iter().map(with_resource).collect()
}

/// The statements of an `AWS::IAM::Policy` or `AWS::IAM::ManagedPolicy`, for each of its identities.
pub(super) fn policy_statements(properties: &Value) -> Vec<Statement> {
    let identities = ["Groups", "Users", "Roles"].into_iter().filter_map(|key| properties[key].as_array()).flatten();
    identities
        .flat_map(|identity| {
            identity_statements(&properties["PolicyDocument"], &format!("AWS:{}", display_text(identity)))
        })
        .collect()
}
