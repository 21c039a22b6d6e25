//! Statements of IAM policies, written and thinned out as the CDK does.

use serde_json::{Value, json};

use crate::stack::lookups::Environment;
use crate::stack::resources::ecs_task_definition::secret_arn;
use crate::stack::spec::{Container, Generation, Secret, Service, Statement};

/// Lets ECS Exec open its channels and log to the cluster's log group.
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

/// What the task role may do: nothing but ECS Exec's needs and the spec's statements.
pub(super) fn task_role(service: &Service, generation: Generation) -> Vec<Value> {
    let exec = service.exec.then_some(EXEC_STATEMENTS).into_iter().flatten();
    let own = service.task_policy.iter().map(|statement| written(statement, generation));
    distinct(exec.map(|actions| allow(&one_or_list(actions), &json!("*"))).chain(own))
}

/// What the execution role may do: write the log group's streams and read the container's secrets.
pub(super) fn execution_role(container: &Container, log_group: &str, environment: &Environment) -> Vec<Value> {
    let group = json!({ "Fn::GetAtt": [log_group, "Arn"] });
    let logs = allow(&json!(["logs:CreateLogStream", "logs:PutLogEvents"]), &group);
    let secrets = container.secrets.values().map(|secret| {
        // Secrets Manager puts six random characters behind the name.
        allow(&json!(secret_actions(secret)), &secret_arn(secret, environment, "-??????"))
    });
    distinct(std::iter::once(logs).chain(secrets))
}

fn secret_actions(secret: &Secret) -> &'static [&'static str] {
    match secret {
        Secret::Parameter(_) => {
            &["ssm:DescribeParameters", "ssm:GetParameters", "ssm:GetParameter", "ssm:GetParameterHistory"]
        }
        Secret::SecretsManager(_) => &["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
    }
}

fn written(statement: &Statement, generation: Generation) -> Value {
    let list = |items: &[String]| {
        let mut distinct: Vec<&str> = Vec::new();
        for item in items {
            if !distinct.contains(&item.as_str()) {
                distinct.push(item);
            }
        }
        // The first generation decides about the brackets before it drops what stands twice.
        if generation == Generation::One && items.len() > 1 { json!(distinct) } else { one_or_list(&distinct) }
    };
    allow(&list(&statement.actions), &list(&statement.resources))
}

fn one_or_list(items: &[&str]) -> Value {
    match items {
        [only] => json!(only),
        several => json!(several),
    }
}

fn allow(actions: &Value, resources: &Value) -> Value {
    json!({ "Action": actions, "Effect": "Allow", "Resource": resources })
}

fn distinct(statements: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut kept = Vec::new();
    for statement in statements {
        if !kept.contains(&statement) {
            kept.push(statement);
        }
    }
    kept
}
