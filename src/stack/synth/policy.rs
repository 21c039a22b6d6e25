//! IAM policies of a role: the statements and their distribution over an inline policy and managed policies, as in the CDK.

use serde_json::{Value, json};

use crate::stack::look_ups::Environment;
use crate::stack::resources::{ecs_task_definition::secret_arn, iam};
use crate::stack::spec::{CdkVersion, ContainerDefinition, PolicyStatement, Secret};

/// The CDK's limit for an inline policy, in estimated characters; IAM's limit for a role is 10,240.
const MAX_INLINE_SIZE: usize = 10_000;
/// The CDK's limit for a managed policy, in estimated characters.
const MAX_MANAGED_SIZE: usize = 6_000;
/// IAM's limit for a managed policy, in characters without white space ("IAM and AWS STS quotas" in its user guide).
pub(in crate::stack) const MAX_MANAGED_POLICY: usize = 6_144;
/// The length that the CDK assumes for a resource that is an intrinsic function.
const ESTIMATED_ARN: usize = 150;

/// The permissions of ECS Exec: channels, and the cluster's log group.
const EXEC_STATEMENTS: &[&[&str]] = &[
    &[
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
    &["logs:DescribeLogGroups"],
    &["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
];

/// The policies of one role: an inline policy, and managed policies for the statements that do not fit into it.
pub(super) struct Policies {
    /// Statements of the inline policy.
    pub inline: Vec<Value>,
    /// Statements of each managed policy.
    pub overflow: Vec<Vec<Value>>,
}

/// The task role's policies: the permissions of ECS Exec and the spec's statements.
pub(super) fn task_role(task_policy: &[PolicyStatement], exec: bool, cdk_version: CdkVersion) -> Policies {
    let exec = exec.then_some(EXEC_STATEMENTS).into_iter().flatten();
    let exec = exec.map(|actions| Allow::new(actions.iter().copied(), [json!("*")], cdk_version));
    let own = task_policy.iter().map(|statement| Allow::from_statement(statement, cdk_version));
    Policies::distribute(exec.chain(own).collect(), cdk_version)
}

/// The statements of a task role whose managed policy exceeds IAM's limit: their indices and the policies' sizes. The CDK puts such a
/// statement into its own policy, but does not split it.
pub(in crate::stack) fn oversized_statements(
    task_policy: &[PolicyStatement],
    exec: bool,
    cdk_version: CdkVersion,
) -> Vec<(usize, usize)> {
    let policies = task_role(task_policy, exec, cdk_version);
    let oversized = policies.overflow.iter().filter_map(|statements| {
        let document = iam::policy_document(statements).to_string();
        let size = document.chars().filter(|character| !character.is_whitespace()).count();
        let is_first = |statement: &PolicyStatement| {
            Some(&Allow::from_statement(statement, cdk_version).to_value()) == statements.first()
        };
        (size > MAX_MANAGED_POLICY).then_some((task_policy.iter().position(is_first)?, size))
    });
    oversized.collect()
}

/// The execution role's policies: writing to the log group and reading the container's secrets.
pub(super) fn execution_role(
    container: &ContainerDefinition,
    log_group: &str,
    environment: &Environment,
    cdk_version: CdkVersion,
) -> Policies {
    let allow = |actions: &[&'static str], resource| Allow::new(actions.iter().copied(), [resource], cdk_version);
    let group = json!({ "Fn::GetAtt": [log_group, "Arn"] });
    let logs = allow(&["logs:CreateLogStream", "logs:PutLogEvents"], group);
    let secrets = container.secrets.values().map(|secret| {
        // Secrets Manager appends six random characters to the name.
        let statement = allow(secret_actions(secret), secret_arn(secret, environment, "-??????"));
        Allow { is_comparable: matches!(secret, Secret::Parameter(_)), ..statement }
    });
    Policies::distribute(std::iter::once(logs).chain(secrets).collect(), cdk_version)
}

fn secret_actions(secret: &Secret) -> &'static [&'static str] {
    match secret {
        Secret::Parameter(_) => {
            &["ssm:DescribeParameters", "ssm:GetParameters", "ssm:GetParameter", "ssm:GetParameterHistory"]
        }
        Secret::SecretsManager(_) => &["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
    }
}

/// An `Allow` statement.
struct Allow<'a> {
    actions: Vec<&'a str>,
    /// Strings, or intrinsic functions.
    resources: Vec<Value>,
    /// Whether the CDK can compare the resources before it resolves them. Each Secrets Manager secret is a different token.
    is_comparable: bool,
}

impl<'a> Allow<'a> {
    fn from_statement(PolicyStatement { actions, resources }: &'a PolicyStatement, cdk_version: CdkVersion) -> Self {
        Self::new(actions.iter().map(String::as_str), resources.iter().map(|resource| json!(resource)), cdk_version)
    }

    fn new(
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = Value>,
        cdk_version: CdkVersion,
    ) -> Self {
        let (mut actions, mut resources) = (actions.into_iter().collect(), resources.into_iter().collect());
        // The first generation measures a statement with duplicates and drops them when it writes the template.
        if cdk_version == CdkVersion::V2 {
            (actions, resources) = (distinct(actions), distinct(resources));
        }
        Self { actions, resources, is_comparable: true }
    }

    /// The size in characters, as the CDK estimates it before intrinsic functions are resolved.
    fn estimated_size(&self) -> usize {
        let list = |key: &str, lengths: usize, count: usize| key.len() + r#""":[]"#.len() + lengths + 3 * count;
        let length = |text: &str| text.encode_utf16().count();
        let actions: usize = self.actions.iter().map(|action| length(action)).sum();
        let resources: usize =
            self.resources.iter().map(|resource| resource.as_str().map_or(ESTIMATED_ARN, length)).sum();
        r#""Effect": "Allow","#.len()
            + list("Action", actions, self.actions.len())
            + list("Resource", resources, self.resources.len())
            + "{}".len()
    }

    /// Whether both allow the same actions on the same resources, in any order.
    fn is_equivalent(&self, other: &Self) -> bool {
        self.is_comparable
            && other.is_comparable
            && same_items(&self.actions, &other.actions)
            && same_items(&self.resources, &other.resources)
    }

    fn to_value(&self) -> Value {
        json!({ "Action": one_or_list(&self.actions), "Effect": "Allow", "Resource": one_or_list(&self.resources) })
    }
}

impl Policies {
    /// Distributes statements over policies, in the order and by the estimates of the CDK's `Role`.
    fn distribute(mut statements: Vec<Allow<'_>>, cdk_version: CdkVersion) -> Self {
        if cdk_version == CdkVersion::V2 {
            statements = without_equivalents(statements);
        }
        let mut inline = PolicyInProgress::default();
        let mut overflow: Vec<PolicyInProgress> = Vec::new();
        for statement in &statements {
            let size = statement.estimated_size();
            let fitting = if inline.size + size < MAX_INLINE_SIZE {
                &mut inline
            } else if let Some(at) = overflow.iter().position(|bin| bin.size + size <= MAX_MANAGED_SIZE) {
                &mut overflow[at]
            } else {
                overflow.push_mut(PolicyInProgress::default())
            };
            fitting.size += size;
            fitting.statements.push(statement.to_value());
        }
        Self {
            inline: distinct(inline.statements),
            overflow: overflow.into_iter().map(|bin| distinct(bin.statements)).collect(),
        }
    }
}

/// A policy that statements are added to.
#[derive(Default)]
struct PolicyInProgress {
    size: usize,
    statements: Vec<Value>,
}

fn without_equivalents(statements: Vec<Allow<'_>>) -> Vec<Allow<'_>> {
    let mut kept: Vec<Allow<'_>> = Vec::new();
    for statement in statements {
        if !kept.iter().any(|other| other.is_equivalent(&statement)) {
            kept.push(statement);
        }
    }
    kept
}

fn same_items<T: PartialEq>(left: &[T], right: &[T]) -> bool {
    left.len() == right.len() && left.iter().all(|item| right.contains(item))
}

/// A list, or its only item. The CDK decides that before it drops duplicates.
fn one_or_list<T: PartialEq + Clone + Into<Value>>(items: &[T]) -> Value {
    match items {
        [only] => only.clone().into(),
        several => distinct(several.to_vec()).into(),
    }
}

fn distinct<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}
