//! `requiresAttributes`: what a container instance would need to run a task, as ECS derives it from the definition
//! (ECS developer guide, "Amazon ECS container agent attributes").

use serde_json::{Map, Value, json};

use crate::base::arn::Arn;

/// Whether a container needs an attribute.
type Needs = fn(&Value) -> bool;

const LOGGING: &str = "com.amazonaws.ecs.capability.logging-driver.";
const API: &str = "com.amazonaws.ecs.capability.docker-remote-api.";

fn given(container: &Value, member: &str) -> bool {
    container.get(member).is_some_and(|value| match value {
        Value::Array(items) => !items.is_empty(),
        other => !other.is_null(),
    })
}

fn secret_of(container: &Value, store: &str) -> bool {
    let secrets = container.get("secrets").and_then(Value::as_array);
    secrets.into_iter().flatten().any(|secret| {
        let arn = secret.get("valueFrom").and_then(Value::as_str).and_then(Arn::parse);
        let is_in_secrets_manager = arn.is_some_and(|arn| arn.service == "secretsmanager");
        is_in_secrets_manager == (store == "asm")
    })
}

/// Attributes that a container can need.
const CONTAINER_ATTRIBUTES: [(&str, Needs); 9] = [
    ("com.amazonaws.ecs.capability.ecr-auth", |container| {
        container.get("image").and_then(Value::as_str).is_some_and(|image| image.contains(".dkr.ecr."))
    }),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.19", |container| given(container, "logConfiguration")),
    ("com.amazonaws.ecs.capability.privileged-container", |container| {
        container.get("privileged") == Some(&json!(true))
    }),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.21", |container| given(container, "memoryReservation")),
    ("ecs.capability.secrets.asm.environment-variables", |container| secret_of(container, "asm")),
    ("ecs.capability.secrets.ssm.environment-variables", |container| secret_of(container, "ssm")),
    ("ecs.capability.container-ordering", |container| {
        ["dependsOn", "startTimeout", "stopTimeout"].iter().any(|member| given(container, member))
    }),
    ("ecs.capability.container-health-check", |container| given(container, "healthCheck")),
    ("com.amazonaws.ecs.capability.docker-remote-api.1.24", |container| given(container, "healthCheck")),
];

pub(in crate::services::ecs) fn required(content: &Map<String, Value>) -> Vec<Value> {
    let containers =
        content.get("containerDefinitions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let any = |needs: Needs| containers.iter().any(needs);
    let mut names = Vec::new();
    let driver = |container: &Value| Some(container.pointer("/logConfiguration/logDriver")?.as_str()?.to_owned());
    let mut drivers: Vec<String> = containers.iter().filter_map(driver).collect();
    drivers.dedup();
    names.extend(drivers.iter().map(|driver| format!("{LOGGING}{driver}")));
    let execution_role = content.contains_key("executionRoleArn");
    if execution_role && drivers.iter().any(|driver| driver == "awslogs") {
        names.push("ecs.capability.execution-role-awslogs".to_owned());
    }
    let of_containers = CONTAINER_ATTRIBUTES.iter().filter(|(_, needs)| any(*needs));
    names.extend(of_containers.map(|(name, _)| (*name).to_owned()));
    if execution_role && names.iter().any(|name| name.ends_with("ecr-auth")) {
        names.push("ecs.capability.execution-role-ecr-pull".to_owned());
    }
    if content.contains_key("taskRoleArn") {
        names.push("com.amazonaws.ecs.capability.task-iam-role".to_owned());
    }
    names.push(format!("{API}1.18"));
    if content.get("networkMode") == Some(&json!("awsvpc")) {
        names.push("ecs.capability.task-eni".to_owned());
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}
